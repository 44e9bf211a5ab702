"""Exchanges offers and answers, and hangs up: maps the attempts of pages to calls on the server."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from rtc_widget._deprecated import warn_renamed
from rtc_widget._error_text import error_text
from rtc_widget._unicode import json_text
from rtc_widget.errors import (
    Cancelled,
    ClientSecretsUnsupported,
    InvalidAnswer,
    MessageTooLarge,
    RenegotiationUnsupported,
    RtcWidgetError,
    SignalingTimeout,
    UnexpectedError,
)
from rtc_widget.errors.texts import text
from rtc_widget.kernel.io_thread import io_thread
from rtc_widget.signaling import http
from rtc_widget.signaling.base import Answer, Message, Progress, Renegotiates, Signaling
from rtc_widget.signaling.ice_servers import ice_servers_of_environment

logger = logging.getLogger("rtc_widget")

# Each limit lies inside the next, so that the timeout that knows the reason comes first:
# HTTP (20 s) < this < the page's wait for the exchange (45 s).
EXCHANGE_SECONDS = 25.0
_HANG_UP_SECONDS = 10.0

DEFAULT_MAX_MESSAGE_BYTES = 65_536
"""The limit of a peer without a ``max-message-size`` attribute (RFC 8841, section 6.1)."""

T = TypeVar("T")


class Negotiator:
    """Exchanges offers for answers, and hangs up every call exactly once. All of it runs on the I/O thread.

    Parameters
    ----------
    signaling : Signaling
        The server to call.
    session : callable
        Returns the session settings for a new call; called on the I/O thread.
    progress : callable
        Called with what the call waits for, on the I/O thread.
    starts_early : bool
        Whether `warm_up` does anything.
    resumed : callable
        Returns the session settings of a call that resumes another; called on the I/O thread.
    """

    def __init__(
        self,
        signaling: Signaling,
        session: Callable[[], Mapping[str, Any]],
        progress: Progress,
        *,
        starts_early: bool = True,
        resumed: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda settings: settings,
    ) -> None:
        self._signaling = signaling
        self._session = session
        self._resumed = resumed
        self._resuming: set[str] = set()
        self._show_progress = progress
        # Used on the I/O thread only, so without a lock.
        self._calls: dict[str, str | None] = {}
        self._exchanging: set[str] = set()
        self._preparing: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._ended: set[str] = set()
        self._hanging_up: set[asyncio.Task[Any]] = set()
        self._is_closed = False
        self._warm = not starts_early
        self._starting = 0
        self._last_progress = ""
        self._io = io_thread()
        self._io.at_exit(self.hang_up_all)

    @property
    def is_starting(self) -> bool:
        """Whether a signaling that starts slowly (``slow_start = True``) is starting now; readable on any thread."""
        return self._starting > 0

    def still_starting(self, seconds: float) -> SignalingTimeout:
        """Return the error that the signaling has not started within `seconds`."""
        step = f" Its last report: {self._last_progress}" if self._last_progress else ""
        return SignalingTimeout(
            f"{self._signaling.name} was still starting after {seconds:g} s.{step}",
            hint="It goes on starting. Connect again in a moment, or give `connect` a longer timeout.",
        )

    def warm_up(self) -> None:
        """Load the HTTP client and start a slow signaling (``slow_start = True``) early, once."""
        if not self._warm:
            self._warm = True
            self._io.run(self._warm_up())

    def expect_call(self) -> None:
        """Have the signaling open its connection, if it can do so without a call (``warm_up``)."""
        self._io.run(self._expect_call())

    def describe(self, done: Callable[[dict[str, Any]], None]) -> None:
        """Pass what the page needs for an offer to `done`, as far as it is known without `prepare`; else nothing."""
        self._io.run(self._describe(done))

    def prepare(self, attempt: str, done: Callable[[dict[str, Any] | RtcWidgetError], None]) -> None:
        """Prepare the signaling; `done` receives what the page needs for its offer, or the error."""
        self._io.run(self._report(self._prepare(attempt), done))

    def exchange(
        self,
        attempt: str,
        offer: str,
        done: Callable[[dict[str, Any] | RtcWidgetError], None],
        preparation: str | None = None,
    ) -> None:
        """Exchange an attempt's offer for an answer; `done` receives ``{sdp, call_id}`` or the error.

        If the offer was made with another `preparation` (its version) than the present one, `done` receives the present
        one as ``{superseded_by}``, and the server is not called.
        """
        self._io.run(self._report(self._exchange(attempt, offer, preparation), done))

    def renegotiate(self, attempt: str, offer: str, done: Callable[[dict[str, Any] | RtcWidgetError], None]) -> None:
        """Exchange another offer of an existing call for an answer; `done` receives ``{sdp}`` or the error."""
        self._io.run(self._report(self._renegotiate(attempt, offer), done))

    def create_client_secret(self, attempt: str, done: Callable[[dict[str, Any] | RtcWidgetError], None]) -> None:
        """Create a short-lived secret for a page that exchanges its offer itself; `done` gets ``{url, secret}``."""
        self._io.run(self._report(self._create_client_secret(attempt), done))

    def record_attempt(self, attempt: str, *, resumes: bool) -> None:
        """Record whether an attempt resumes an earlier call; safe on any thread."""
        if resumes:
            self._resuming.add(attempt)

    def record_call(self, attempt: str, call_id: str | None) -> None:
        """Record the server's id of a call that the page made itself."""
        self._io.run(self._record_call(attempt, call_id))

    def hang_up(self, attempt: str) -> Future[None]:
        """End the attempt's call on the server; harmless to repeat."""
        return self._io.run(self._hang_up(attempt))

    def hang_up_all(self) -> Future[None]:
        """End every call of this negotiator."""
        return self._io.run(self._hang_up_all())

    def close(self) -> Future[None]:
        """End every call of this negotiator, and make no new one."""
        return self._io.run(self._close())

    async def _report(self, work: Any, done: Callable[[dict[str, Any] | RtcWidgetError], None]) -> None:
        try:
            outcome: dict[str, Any] | RtcWidgetError = await work
        except RtcWidgetError as error:
            outcome = error
        except Exception as error:
            # A custom Signaling may raise anything; the page must receive the error.
            logger.exception("%s failed", type(self._signaling).__name__)
            outcome = UnexpectedError(
                f"{self._signaling.name} failed: {error_text(error)}",
                hint="The kernel's log has the traceback.",
            )
        done(outcome)

    async def _warm_up(self) -> None:
        try:
            if getattr(self._signaling, "slow_start", False):
                await self._start()
            http.load()
        except Exception as error:
            logger.debug("Starting early failed; the call will report the error: %s", error, exc_info=True)

    async def _expect_call(self) -> None:
        try:
            if (warm_up := getattr(self._signaling, "warm_up", None)) is not None:
                warm_up()
        except Exception as error:
            logger.debug("Opening the connection early failed: %s", error, exc_info=True)

    async def _start(self) -> None:
        is_slow = bool(getattr(self._signaling, "slow_start", False))
        self._starting += is_slow
        try:
            await self._signaling.prepare(self._progress)
        finally:
            self._starting -= is_slow

    def _progress(self, text: str) -> None:
        self._last_progress = text or self._last_progress
        self._show_progress(text)

    async def _describe(self, done: Callable[[dict[str, Any]], None]) -> None:
        try:
            known = self._preparation()
        except Exception as error:
            # A custom signaling may know its ICE servers only after `prepare`; the call reports what is wrong.
            logger.debug("What an offer needs is not known yet: %s", error, exc_info=True)
            return
        done(known)

    async def _prepare(self, attempt: str) -> dict[str, Any]:
        started = asyncio.ensure_future(self._start_and_describe())
        self._preparing = {one: work for one, work in self._preparing.items() if not work.done()} | {attempt: started}
        return await started

    async def _start_and_describe(self) -> dict[str, Any]:
        await self._start()
        return self._preparation()

    async def _prepared(self, attempt: str) -> dict[str, Any]:
        """Return the reply to the attempt's `prepare`; it may still be running, or arrive later than the offer."""
        started = self._preparing.get(attempt)
        return await (self._prepare(attempt) if started is None else asyncio.shield(started))

    def _preparation(self) -> dict[str, Any]:
        known = {
            "data_channel_label": self._signaling.data_channel_label,
            "ice_servers": self._ice_servers(),
            "renegotiates": isinstance(self._signaling, Renegotiates),
            "needs_candidates": bool(getattr(self._signaling, "needs_candidates", True)),
            **({"beside_kernel": True} if getattr(self._signaling, "beside_kernel", False) else {}),
        }
        return {**known, "version": hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]}

    def _ice_servers(self) -> list[dict[str, Any]]:
        listed = self._signaling.ice_servers
        return ice_servers_of_environment() if listed is None else [dict(server) for server in listed]

    async def _exchange(self, attempt: str, offer: str, preparation: str | None) -> dict[str, Any]:
        self._require_wanted(attempt)
        self._exchanging.add(attempt)
        try:
            if preparation is not None:
                present = await self._prepared(attempt)
                if present["version"] != preparation:
                    return {"superseded_by": present}
                self._require_wanted(attempt)
            session = self._session()
            settings = self._resumed(session) if attempt in self._resuming else session
            answer = await self._in_time(self._signaling.exchange(offer, settings))
        finally:
            self._exchanging.discard(attempt)
        self._calls[attempt] = answer.call_id
        if self._is_over(attempt):
            await self._hang_up(attempt)
            raise Cancelled("The call was ended during the exchange, and was hung up.")
        if not answer.sdp.startswith("v=0"):
            await self._hang_up(attempt)
            raise self._not_an_sdp()
        try:
            messages = _messages_of(answer)
        except RtcWidgetError:
            await self._hang_up(attempt)
            raise
        return {"sdp": answer.sdp, "call_id": answer.call_id, **messages}

    async def _renegotiate(self, attempt: str, offer: str) -> dict[str, Any]:
        call_id = self._calls.get(attempt)
        if call_id is None or not isinstance(self._signaling, Renegotiates):
            raise RenegotiationUnsupported(f"{self._signaling.name} cannot renegotiate this call.")
        sdp = await self._in_time(self._signaling.renegotiate(call_id, offer))
        if not sdp.startswith("v=0"):
            raise self._not_an_sdp()
        return {"sdp": sdp}

    async def _in_time(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(EXCHANGE_SECONDS):
                return await work
        except TimeoutError:
            raise SignalingTimeout(f"{self._signaling.name} did not answer within {EXCHANGE_SECONDS:g} s.") from None

    def _not_an_sdp(self) -> InvalidAnswer:
        return InvalidAnswer(f"{self._signaling.name} did not return an SDP answer.")

    async def _create_client_secret(self, attempt: str) -> dict[str, Any]:
        self._require_wanted(attempt)
        make = getattr(self._signaling, "create_client_secret", None)
        if make is None and (make := getattr(self._signaling, "mint", None)) is not None:
            warn_renamed("Signaling.mint", "Signaling.create_client_secret")
        if make is None:
            raise ClientSecretsUnsupported(f"{self._signaling.name} does not create client secrets.")
        secret = await make(self._session())
        first = [_text_of(message) for message in secret.first_messages]
        return {"url": secret.url, "secret": secret.value, **({"first_messages": first} if first else {})}

    async def _record_call(self, attempt: str, call_id: str | None) -> None:
        self._calls[attempt] = call_id
        if self._is_over(attempt):
            await self._hang_up(attempt)

    def _require_wanted(self, attempt: str) -> None:
        if self._is_over(attempt):
            raise Cancelled("The call was ended before the exchange.")

    def _is_over(self, attempt: str) -> bool:
        return self._is_closed or attempt in self._ended

    async def _close(self) -> None:
        self._is_closed = True
        await self._hang_up_all()

    async def _hang_up(self, attempt: str) -> None:
        self._ended.add(attempt)
        call_id = self._calls.pop(attempt, None)
        if call_id is None:
            return
        task = asyncio.create_task(self._tell_server(call_id))
        self._hanging_up.add(task)
        task.add_done_callback(self._hanging_up.discard)
        await task

    async def _tell_server(self, call_id: str) -> None:
        try:
            async with asyncio.timeout(_HANG_UP_SECONDS):
                await self._signaling.hang_up(call_id)
        except Exception as error:
            # The server ends the call itself when the media stops.
            is_expected = isinstance(error, (RtcWidgetError, TimeoutError))
            logger.warning("Hanging up %s failed: %s", call_id, error, exc_info=not is_expected)

    async def _hang_up_all(self) -> None:
        # An attempt that is still exchanging is hung up when its answer arrives.
        self._ended |= self._exchanging
        # Also the calls that are being hung up already: at exit, the interpreter waits for them too.
        await asyncio.gather(*(self._hang_up(attempt) for attempt in list(self._calls)), *self._hanging_up)


def _messages_of(answer: Answer) -> dict[str, Any]:
    """Return what the page sends by itself, without empty parts.

    Raises
    ------
    MessageTooLarge
        If the server does not accept so large a message; nobody would be told when the page sends it.
    """
    stated = re.search(r"^a=max-message-size:(\d+)", answer.sdp, re.MULTILINE)
    limit = int(stated[1]) if stated else DEFAULT_MAX_MESSAGE_BYTES
    first = [_text_of(message) for message in answer.first_messages]
    repeated = answer.keep_alive
    found: dict[str, Any] = {"first_messages": first} if first else {}
    if repeated is not None:
        found["keep_alive"] = {"message": _text_of(repeated.message), "seconds": repeated.seconds}
    for message in (*first, *([found["keep_alive"]["message"]] if repeated else [])):
        size = len(message.encode(errors="surrogatepass"))
        if limit and size > limit:
            raise MessageTooLarge(
                text("message_too_large", size=size, limit=limit), hint="Shorten the session settings, or the message."
            )
    return found


def _text_of(message: Message) -> str:
    return message if isinstance(message, str) else json_text(message)
