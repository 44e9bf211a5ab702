"""All errors of this package, as classes.

Every error has a stable ``code``, says what happened (``message``) and what to do next (``hint``).

::

    RtcWidgetError
    ├── PageError                     the notebook page
    │   ├── PageNotFound              no page answered
    │   │   └── WidgetClosed          the widget was closed
    │   ├── AwaitUnsupported          this kernel cannot hear the page during a cell
    │   ├── PageTimeout               the page did not answer in time
    │   ├── ProtocolMismatch          page and kernel are of different versions
    │   └── HeadlessNotInstalled      a page without a browser needs the extra ``local``
    ├── MicrophoneError
    │   ├── MicrophoneDenied          refused by the person, the browser or the host
    │   ├── MicrophoneBlocked         the page around the notebook forbids it; VS Code does
    │   ├── MicrophoneNotFound
    │   ├── MicrophoneInUse
    │   ├── MicrophoneConstraints     no microphone satisfies the constraints
    │   ├── DeviceNotFound            no microphone or loudspeaker of that name
    │   ├── SpeakerNotSelectable      the browser does not let the page choose this loudspeaker
    │   ├── InsecureContext           plain http on a remote host
    │   └── MediaUnavailable          the browser has no microphone API here
    ├── SignalingError                the exchange of offer and answer
    │   ├── MissingKey                no API key
    │   ├── InvalidSession            unknown or impossible session settings
    │   ├── InvalidKey                401
    │   ├── AccessDenied              403
    │   ├── ServerNotFound            404
    │   ├── HostNotFound              no such host name
    │   ├── InvalidOffer              400
    │   ├── RateLimited               429, too many requests
    │   ├── QuotaExceeded             429, no credit left
    │   ├── ServerError               5xx and anything else unexpected
    │   ├── ServerUnreachable         refused, reset, no route
    │   ├── InsecureServer            TLS
    │   ├── SignalingTimeout
    │   ├── InvalidIceServers         the browser does not take the ICE servers
    │   ├── InvalidAnswer             the body is no SDP
    │   ├── ExchangeRefused           the server refused the page's own offer (``exchange="browser"``)
    │   ├── ClientSecretsUnsupported         this server gives no short-lived secrets
    │   ├── RenegotiationUnsupported  this server changes no call that it has
    │   └── LocalServerError          the embedded server did not start
    ├── CallError                     the connection itself
    │   ├── WebRTCUnavailable
    │   ├── ConnectionFailed          ICE or DTLS found no way
    │   ├── ChannelTimeout            the data channel did not open
    │   ├── NoNetwork                 the browser has no network interface
    │   ├── ServerHungUp              the server closed the call
    │   ├── SessionExpired            the session reached its longest duration
    │   ├── ReconnectFailed           the connection was lost and could not be restored
    │   ├── CallTooLong               `max_duration`
    │   ├── NoView             nothing showed the call any more
    │   ├── CallTakenOver             another page has it now
    │   ├── KernelDied                the kernel restarted or died during the call
    │   ├── KernelTimeout             the page waited for the kernel in vain
    │   └── Cancelled                 disconnected while connecting
    ├── AudioError                    sound that cannot be heard, said or kept
    │   ├── InvalidAudio              what was given is no sound (also a ValueError)
    │   ├── ClipTooLong               more than a page takes
    │   ├── ClipNotFound              the kernel has let go of the clip
    │   ├── ClipFailed                the page could not speak the clip
    │   ├── ClipInterrupted            the call ended before the clip did
    │   ├── ReceiveOnly             the call was made for listening only, so no clip can be said
    │   ├── AudioBlocked              the browser wants a click into the page first
    │   ├── NothingRecorded           there is no recorded sound
    │   └── RecordingUnavailable      the page cannot record
    ├── NotConnected                  sending without an open data channel
    ├── MessageTooLarge               more than the data channel carries
    ├── SessionFileError              a saved session is damaged, too new, or none (also a ValueError)
    ├── SavedSessionOnly              a loaded session has no call (also an AttributeError)
    ├── EventRefused                  the server refused an event that was sent
    ├── ResponseFailed                  the server could not answer
    ├── TurnDetectionEnabled               push-to-talk while the server detects turns
    ├── InvalidImage                  a picture that cannot be sent (also a ValueError)
    ├── InvalidTool                   a function that is no tool (also a TypeError)
    ├── WaitTimeout                   `wait_for` saw no such event in time (also a TimeoutError)
    └── UnexpectedError               a fault of this package
"""

from __future__ import annotations

from rtc_widget._deprecated import renamed_names
from rtc_widget.errors.audio import (
    AudioBlocked,
    AudioError,
    ClipFailed,
    ClipInterrupted,
    ClipNotFound,
    ClipTooLong,
    InvalidAudio,
    NothingRecorded,
    ReceiveOnly,
    RecordingUnavailable,
)
from rtc_widget.errors.base import (
    RtcWidgetError,
    UnexpectedError,
)
from rtc_widget.errors.call import (
    CallError,
    CallTakenOver,
    CallTooLong,
    Cancelled,
    ChannelTimeout,
    ConnectionFailed,
    KernelDied,
    KernelTimeout,
    NoNetwork,
    NoView,
    ReconnectFailed,
    ServerHungUp,
    SessionExpired,
    WebRTCUnavailable,
)
from rtc_widget.errors.decode import error_from_wire
from rtc_widget.errors.events import (
    EventRefused,
    InvalidImage,
    MessageTooLarge,
    NotConnected,
    ResponseFailed,
    TurnDetectionEnabled,
    WaitTimeout,
)
from rtc_widget.errors.microphone import (
    DeviceNotFound,
    InsecureContext,
    MediaUnavailable,
    MicrophoneBlocked,
    MicrophoneConstraints,
    MicrophoneDenied,
    MicrophoneError,
    MicrophoneInUse,
    MicrophoneNotFound,
    SpeakerNotSelectable,
)
from rtc_widget.errors.page import (
    AwaitUnsupported,
    HeadlessNotInstalled,
    PageError,
    PageNotFound,
    PageTimeout,
    ProtocolMismatch,
    WidgetClosed,
)
from rtc_widget.errors.saved import SavedSessionOnly, SessionFileError
from rtc_widget.errors.signaling import (
    AccessDenied,
    ClientSecretsUnsupported,
    ExchangeRefused,
    HostNotFound,
    InsecureServer,
    InvalidAnswer,
    InvalidIceServers,
    InvalidKey,
    InvalidOffer,
    InvalidSession,
    LocalServerError,
    MissingKey,
    QuotaExceeded,
    RateLimited,
    RenegotiationUnsupported,
    ServerError,
    ServerNotFound,
    ServerUnreachable,
    SignalingError,
    SignalingTimeout,
)
from rtc_widget.errors.tools import InvalidTool

__all__ = [
    "AccessDenied",
    "AudioBlocked",
    "AudioError",
    "AwaitUnsupported",
    "CallError",
    "CallTakenOver",
    "CallTooLong",
    "Cancelled",
    "ChannelTimeout",
    "ClientSecretsUnsupported",
    "ClipFailed",
    "ClipInterrupted",
    "ClipNotFound",
    "ClipTooLong",
    "ConnectionFailed",
    "DeviceNotFound",
    "EventRefused",
    "ExchangeRefused",
    "HeadlessNotInstalled",
    "HostNotFound",
    "InsecureContext",
    "InsecureServer",
    "InvalidAnswer",
    "InvalidAudio",
    "InvalidIceServers",
    "InvalidImage",
    "InvalidKey",
    "InvalidOffer",
    "InvalidSession",
    "InvalidTool",
    "KernelDied",
    "KernelTimeout",
    "LocalServerError",
    "MediaUnavailable",
    "MessageTooLarge",
    "MicrophoneBlocked",
    "MicrophoneConstraints",
    "MicrophoneDenied",
    "MicrophoneError",
    "MicrophoneInUse",
    "MicrophoneNotFound",
    "MissingKey",
    "NoNetwork",
    "NoView",
    "NotConnected",
    "NothingRecorded",
    "PageError",
    "PageNotFound",
    "PageTimeout",
    "ProtocolMismatch",
    "QuotaExceeded",
    "RateLimited",
    "ReceiveOnly",
    "ReconnectFailed",
    "RecordingUnavailable",
    "RenegotiationUnsupported",
    "ResponseFailed",
    "RtcWidgetError",
    "SavedSessionOnly",
    "ServerError",
    "ServerHungUp",
    "ServerNotFound",
    "ServerUnreachable",
    "SessionExpired",
    "SessionFileError",
    "SignalingError",
    "SignalingTimeout",
    "SpeakerNotSelectable",
    "TurnDetectionEnabled",
    "UnexpectedError",
    "WaitTimeout",
    "WebRTCUnavailable",
    "WidgetClosed",
    "error_from_wire",
]

__getattr__ = renamed_names(
    __name__,
    {
        "AnswerFailed": "ResponseFailed",
        "AwaitNotPossible": "AwaitUnsupported",
        "CallUnwatched": "NoView",
        "KernelGone": "KernelDied",
        "ListeningOnly": "ReceiveOnly",
        "RenegotiationNotPossible": "RenegotiationUnsupported",
        "SayInterrupted": "ClipInterrupted",
        "SecretNotPossible": "ClientSecretsUnsupported",
        "TurnDetectionOn": "TurnDetectionEnabled",
    },
)
