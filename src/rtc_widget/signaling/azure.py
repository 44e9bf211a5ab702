"""Azure OpenAI (Microsoft Foundry): the Realtime API in two steps, a client secret and then the call."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from rtc_widget.signaling.ice_servers import IceServers
from rtc_widget.signaling.openai import OpenAI

KEY_VARIABLE = "AZURE_OPENAI_API_KEY"

Token = str | Callable[[], str] | Callable[[], Awaitable[str]]


class Azure(OpenAI):
    """Calls the Realtime API of an Azure OpenAI (Microsoft Foundry) resource.

    Parameters
    ----------
    resource : str
        The name of the resource, as in ``https://NAME.openai.azure.com``, or its URL.
    deployment : str
        The name of the deployment of a realtime model.
    api_key : str or callable, optional
        The key of the resource, or a function that returns it. Default: the environment variable
        ``AZURE_OPENAI_API_KEY``, read for each call.
    token : str or callable, optional
        A Microsoft Entra token in place of a key, or a sync or async function that returns one, such as
        ``azure.identity.get_bearer_token_provider(credential, "https://ai.azure.com/.default")``.
    transcription : str, mapping or None
        The deployment that transcribes the user's speech, or the settings of the transcription; None: no transcript of
        the input.
    extra_session, ice_servers, **session
        As for `OpenAI`.

    Raises
    ------
    ValueError
        If both `api_key` and `token` are given, or `resource` or `deployment` is empty.
    InvalidSession
        If a session setting is unknown.

    Notes
    -----
    The resource's key cannot make a call: the kernel creates a client secret (``POST …/realtime/client_secrets``), and
    sends the offer with it as ``application/sdp``; if the resource refuses that with status 415, as multipart. GPT-Live
    needs no client secret: ``OpenAILive(key, deployment, base_url="https://NAME.openai.azure.com/openai/v1")``.

    Examples
    --------
    >>> Azure("my-resource", "gpt-realtime", api_key="secret", instructions="Be brief.")
    Azure(model='gpt-realtime', base_url='https://my-resource.openai.azure.com/openai/v1')
    """

    _default_session: Mapping[str, Any] = {}
    _key_variable = KEY_VARIABLE
    _needs_key = True

    def __init__(
        self,
        resource: str,
        deployment: str,
        *,
        api_key: str | Callable[[], str] | None = None,
        token: Token | None = None,
        transcription: str | Mapping[str, Any] | None = "whisper-1",
        extra_session: Mapping[str, Any] | None = None,
        ice_servers: IceServers | Literal["fetch"] | None = None,
        **session: Any,
    ) -> None:
        if api_key is not None and token is not None:
            raise ValueError("api_key and token must not both be given.")
        if not resource.strip() or not deployment.strip():
            raise ValueError(f"resource and deployment must not be empty, got {resource!r} and {deployment!r}.")
        if transcription is not None:
            session["transcription"] = {"model": transcription} if isinstance(transcription, str) else transcription
        super().__init__(
            api_key,
            deployment,
            base_url=_base_url(resource.strip()),
            extra_session=extra_session,
            offer="secret",
            hang_up="post",
            ice_servers=ice_servers,
            **session,
        )
        self._key_header = "Authorization" if token is not None else "api-key"
        self._read_token: Callable[[], Any] | None = None
        if token is not None:
            # In a closure, as the key.
            self._read_token = token if callable(token) else lambda: token

    @property
    def name(self) -> str:
        """``"Azure OpenAI"`` and the deployment."""
        return f"Azure OpenAI · {self.model}"

    async def _key(self) -> str:
        if self._read_token is None:
            return self._read_key()
        # In a thread: a credential may ask the network, and this loop carries all calls.
        token = await asyncio.to_thread(self._read_token)
        return self._read_key(await token if inspect.isawaitable(token) else token)


def _base_url(resource: str) -> str:
    """Return the base URL of a resource, which is given by its name or its URL."""
    if "//" not in resource:
        return f"https://{resource}.openai.azure.com/openai/v1"
    address = resource.rstrip("/")
    return address if address.endswith("/openai/v1") else f"{address}/openai/v1"
