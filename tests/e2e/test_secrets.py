"""A marked key, looked for everywhere it must not be; and hostile words, which must stay words."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.e2e.lab import Lab, NotebookPage, evaluate, eventually, jupyterlab
from tests.e2e.voice_server import TOKEN, VoiceServer

WIDGET = """
import logging, rtc_widget, traceback
logging.basicConfig(level=logging.DEBUG, filename="kernel.log", force=True)
chat = rtc_widget.VoiceChat({signaling})
chat
"""
FAIL = """
from rtc_widget.signaling.http import SignalingClient
import httpx
bad = rtc_widget.VoiceChat(rtc_widget.OpenAI({token!r}, base_url="http://127.0.0.1:9/v1"))
display(bad)
await bad.connect()
"""
HOSTILE = '<img src=x onerror="document.title=`owned`"><script>document.title="owned"</script>'


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A JupyterLab of its own: other tests have the key in their cells, and IPython's history reaches every page."""
    with jupyterlab() as lab:
        yield lab


def test_the_key_is_nowhere_but_in_its_cell(lab, silent_browser, server):
    """A whole call, a failed one, a reload, and a notebook saved with its widgets."""
    # The key comes by the environment, as it should: the source of a cell is the person's own matter.
    key = f"__import__('base64').b64decode({_encoded(TOKEN)!r}).decode()"
    signaling = server.signaling.replace(repr(TOKEN), key)
    fail = FAIL.replace("{token!r}", key)
    frames: list[str] = []
    page = NotebookPage(
        lab,
        silent_browser,
        lab.notebook("secrets.ipynb", WIDGET.format(signaling=signaling), fail, "repr(chat), chat, vars(chat)"),
        on_frame=frames.append,
    )
    page.focus_first_cell()
    page.run_next()
    page.page.locator("button[data-action=connect]").first.click()
    page.wait_for_status("connected")
    box = page.page.locator(".rtc-widget textarea").first
    box.fill(HOSTILE)
    box.press("Enter")
    page.page.locator(".rtc-transcript [data-role=assistant][data-turn-status=completed]").first.wait_for()
    said = page.page.locator(".rtc-transcript [data-role=user] .rtc-turn-text").first
    assert said.inner_text() == HOSTILE, "words are words"
    assert page.page.locator(".rtc-widget img, .rtc-widget script").count() == 0
    assert page.page.title() != "owned"
    page.focus_cell(1)
    page.run_next()
    assert "ServerUnreachable" in page.output(1), "the traceback is there to be searched"
    page.run_next()
    page.page.locator("button[data-action=disconnect]").first.click()
    server.wait_for_calls(0)

    models = page.page.evaluate(REACHABLE)
    assert "_anywidget_id" in models or "ice_gathering_state" in models, "the models were read"
    page.page.evaluate(SAVE_WITH_WIDGETS)
    dom = page.page.content()
    page.page.reload()
    page.wait_for_restored_widget()
    # After the reload the page knows what was said, and that the call is over.
    page.page.get_by_text("Call ended").first.wait_for()
    assert page.page.locator(".rtc-transcript [data-role=user] .rtc-turn-text").first.inner_text() == HOSTILE
    assert page.page.title() != "owned"

    notebook = (lab.folder / "secrets.ipynb").read_text()
    assert "widget-state+json" in notebook, "the widgets were saved"
    log = (lab.folder / "kernel.log").read_text()
    assert "rtc_widget" in log or "httpx" in log or "httpcore" in log, "the log was written"
    traffic = "\n".join(frames)
    assert "comm_msg" in traffic, "the comm was listened to"
    places = {
        "the notebook file": notebook,
        "the traffic between page and kernel": traffic,
        "the page's memory": models,
        "the page": dom + page.page.content(),
        "the browser's console": "\n".join(page.console),
        "what Python prints": page_prints(lab),
        "the kernel's log": log,
        "JupyterLab's log": (lab.folder.parent / "jupyterlab.log").read_text(errors="replace"),
    }
    assert places_with(TOKEN, places) == []


def places_with(secret: str, places: dict[str, str]) -> list[str]:
    return [place for place, text in places.items() if secret in text]


# Everything that can be reached from the widgets' models, as text.
REACHABLE = """async () => {
  const seen = new Set();
  const texts = [];
  const walk = (value, depth) => {
    if (typeof value === "string") return texts.push(value);
    if (value === null || typeof value !== "object" || seen.has(value) || depth > 7 || seen.size > 20000) return;
    if (value instanceof Node || value === window) return;
    seen.add(value);
    for (const name of Object.getOwnPropertyNames(value)) {
      texts.push(name);
      // The manager leads to all of JupyterLab; its models are walked one by one.
      if (name === "widget_manager") continue;
      try { walk(value[name], depth + 1); } catch {}
    }
  };
  const rendererIn = (widget) => (widget._manager ? [widget] : [...(widget.children?.() ?? [])].flatMap(rendererIn));
  const [renderer] = rendererIn(window.jupyterapp.shell.currentWidget);
  const manager = await renderer._manager.promise;
  const models = await Promise.all(Object.values(manager._models));
  for (const { attributes } of models) walk(attributes, 0);
  for (const model of models) walk(model, 0);
  for (const channel of __spy.channels) texts.push(channel.label);
  walk(__spy.received, 0);
  return texts.join("\\n");
}"""
SAVE_WITH_WIDGETS = """async () => {
  const { commands, shell } = window.jupyterapp;
  const save = "@jupyter-widgets/jupyterlab-manager:saveWidgetState";
  // It is a switch, which the test before may have thrown.
  if (!commands.isToggled(save)) await commands.execute(save);
  await shell.currentWidget.context.save();
}"""


SECRET = "ek_short_lived"


@contextmanager
def minting_relay(server: VoiceServer) -> Iterator[tuple[str, list[tuple[str, str, bool]]]]:
    """A server that mints secrets and takes them from pages; it has the voice server answer the offers."""
    asked: list[tuple[str, str, bool]] = []

    def keep(request: Request) -> None:
        asked.append((request.url.path, request.headers.get("authorization", ""), "origin" in request.headers))

    async def create_client_secret(request: Request) -> Response:
        keep(request)
        return JSONResponse({"value": SECRET, "expires_at": 0, "session": {}})

    async def relay(request: Request) -> Response:
        keep(request)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        body = await request.body()
        # The secret stands for the session that it was minted with; the voice server is told of it here.
        session = '{"type": "realtime", "model": "gpt-realtime-2.1"}'
        files = {"sdp": (None, body, "application/sdp"), "session": (None, session, "application/json")}
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(
                server.url + request.url.path, headers=headers, files=files if body.startswith(b"v=0") else None
            )
        location = {"Location": answer.headers["location"]} if "location" in answer.headers else {}
        return Response(answer.content, answer.status_code, location, media_type="application/sdp")

    cors = Middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"], expose_headers=["Location"]
    )
    routes = [
        Route("/v1/realtime/client_secrets", create_client_secret, methods=["POST"]),
        Route("/{path:path}", relay, methods=["POST"]),
    ]
    config = uvicorn.Config(Starlette(routes=routes, middleware=[cors]), port=0, log_level="critical", lifespan="off")
    relaying = uvicorn.Server(config)
    thread = threading.Thread(target=relaying.run, daemon=True)
    thread.start()
    while not relaying.started:
        thread.join(0.01)
    port = relaying.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/v1", asked
    finally:
        relaying.should_exit = True
        thread.join(5)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def page_prints(lab) -> str:
    kernel = lab.kernel_client()
    expression = (
        "[repr(chat), str(chat.get_state()), repr(chat._signaling), str(vars(chat._signaling)), str(chat.events)]"
    )
    return json.dumps(evaluate(kernel, expression))


def test_a_page_that_exchanges_itself_never_sees_the_key(silent_browser, server, lab):
    """The page gets the short-lived secret, and nobody else does; the key stays in the kernel."""
    frames: list[str] = []
    with minting_relay(server) as (url, asked):
        widget = f"""
import base64, logging, rtc_widget
logging.basicConfig(level=logging.DEBUG, filename="minting.log", force=True)
key = base64.b64decode({_encoded(TOKEN)!r}).decode()
chat = rtc_widget.VoiceChat(rtc_widget.OpenAI(key, base_url={url!r}), exchange="browser")
chat
"""
        page = NotebookPage(
            lab,
            silent_browser,
            lab.notebook("minting.ipynb", widget, "repr(chat), chat, vars(chat)"),
            on_frame=frames.append,
        )
        page.focus_first_cell()
        page.run_next()
        page.page.locator("button[data-action=connect]").first.click()
        page.wait_for_status("connected")
        [call] = server.wait_for_calls(1)
        kernel = lab.kernel_client()
        eventually(lambda: evaluate(kernel, "chat.call_id") == call)
        models = page.page.evaluate(REACHABLE)
        assert "ice_gathering_state" in models, "the models were read"
        dom = page.page.content()
        page.page.locator("button[data-action=disconnect]").first.click()
        server.wait_for_calls(0)
    page.run_next()
    page.page.evaluate(SAVE_WITH_WIDGETS)
    assert ("/v1/realtime/client_secrets", f"Bearer {TOKEN}", False) in asked, "the kernel mints, with the key"
    assert ("/v1/realtime/calls", f"Bearer {SECRET}", True) in asked, "the page calls, with the secret"
    assert not [path for path, bearer, from_page in asked if from_page and TOKEN in bearer]

    notebook = (lab.folder / "minting.ipynb").read_text()
    assert "widget-state+json" in notebook, "the widgets were saved"
    kept = {
        "the notebook file": notebook,
        "the page": dom + page.page.content(),
        "the browser's console": "\n".join(page.console),
        "what Python prints": page_prints(lab),
        "the kernel's log": (lab.folder / "minting.log").read_text(),
        "JupyterLab's log": (lab.folder.parent / "jupyterlab.log").read_text(errors="replace"),
    }
    traffic = "\n".join(frames)
    assert SECRET in traffic, "what kernel and page say to each other was listened to"
    assert places_with(TOKEN, {**kept, "the traffic between page and kernel": traffic, "its memory": models}) == []
    # The page needs it for one request; it must not be where anything is kept or shown.
    assert places_with(SECRET, {**kept, "its memory": models}) == []
