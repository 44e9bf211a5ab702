"""Two networks with a line between them that a test can cut or spoil: real packets, real loss.

The browser lives in one network namespace, the voice server in another; a relay between them passes Ethernet frames on,
all of them, some of them, or none. (No netem and no iptables: many kernels in containers have neither.) Both can reach
this namespace by lines of their own, which stay whole: JupyterLab and the kernel are here.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import random
import select
import shutil
import socket
import stat
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PAGE, SERVER = "rtcw-page", "rtcw-server"
LAB_HOST = "10.77.1.1"
"""Where the browser finds JupyterLab."""
SERVER_LAB_HOST = "10.77.3.1"
"""Where what lives beside the voice server finds this namespace."""
SERVER_HOST = "10.77.3.2"
"""Where the kernel finds the voice server."""
_ETH_P_ALL = 3
_SIOCETHTOOL = 0x8946
_ETHTOOL_STXCSUM = 0x17


def why_not() -> str:
    """Return why this machine can have no networks of its own, or nothing."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need iproute2"
    tried = subprocess.run(["ip", "netns", "add", "rtcw-try"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"no network namespaces here: {tried.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", "rtcw-try"], check=False)
    return ""


@dataclass
class Line:
    """The line between page and server."""

    loss: float = 0.0
    """Which part of the frames is lost; 1 cuts the line."""
    passed: int = 0
    _ends: tuple[socket.socket, ...] = ()
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        first, second = self._ends
        other = {first: second, second: first}
        while not self._stop.is_set():
            for end in select.select(self._ends, [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    frame, address = end.recvfrom(65536)
                    # A packet socket also hears what it sends itself.
                    if address[2] != socket.PACKET_OUTGOING and random.random() >= self.loss:
                        other[end].send(frame)
                        self.passed += 1


@contextmanager
def networks() -> Iterator[Line]:
    """Set both namespaces up; ends with everything taken down."""
    _tear_down()
    try:
        for name, outside, inside, address in (
            (PAGE, "rtcw-p0", "lab", "10.77.1"),
            (SERVER, "rtcw-s0", "lab", "10.77.3"),
        ):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
            _wire(name, outside, inside, f"{address}.2")
            _ip("address", "add", f"{address}.1/24", "dev", outside)
        _wire(PAGE, "rtcw-p1", "line", "10.77.2.1")
        _wire(SERVER, "rtcw-s1", "line", "10.77.2.2")
        line = Line(_ends=(_packets("rtcw-p1"), _packets("rtcw-s1")))
        relay = threading.Thread(target=line.run, daemon=True)
        relay.start()
        try:
            yield line
        finally:
            line._stop.set()
            relay.join(5)
            for end in line._ends:
                end.close()
    finally:
        _tear_down()


def _wire(namespace: str, outside: str, inside: str, address: str) -> None:
    _ip("link", "add", outside, "type", "veth", "peer", "name", inside)
    for end in (outside, inside):
        _write_checksums(end)
    _ip("link", "set", inside, "netns", namespace)
    _ip("link", "set", outside, "up")
    _ip("-n", namespace, "address", "add", f"{address}/24", "dev", inside)
    _ip("-n", namespace, "link", "set", inside, "up")


def _write_checksums(interface: str) -> None:
    """Have checksums written: between veths they are left out, and the relay passes packets on as they are."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        value = array.array("B", struct.pack("II", _ETHTOOL_STXCSUM, 0))
        fcntl.ioctl(end, _SIOCETHTOOL, struct.pack("16sP", interface.encode(), value.buffer_info()[0]))


def _packets(interface: str) -> socket.socket:
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    end.bind((interface, 0))
    return end


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _tear_down() -> None:
    for name in (PAGE, SERVER):
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
    for link in ("rtcw-p0", "rtcw-p1", "rtcw-s0", "rtcw-s1"):
        subprocess.run(["ip", "link", "delete", link], capture_output=True, check=False)


def inside(namespace: str) -> list[str]:
    """Return what starts a command in the namespace."""
    return ["ip", "netns", "exec", namespace]


def wrapped(program: str, namespace: str, folder: Path) -> Path:
    """Return a script that runs `program` in the namespace; for those who take a path but no prefix."""
    script = folder / Path(program).name
    script.write_text(f'#!/bin/sh\nexec {" ".join(inside(namespace))} "{program}" "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script
