"""All errors of this package, as classes.

Every error has a stable ``code``, a ``message`` that says what happened, and a ``hint`` that says what to do next.

::

    RtcWidgetError
    ├── PageError                       the notebook page
    │   ├── PageNotFound                no page answered
    │   │   └── WidgetClosed            the widget was closed
    │   ├── AwaitUnsupported            this kernel receives no page messages during a cell
    │   ├── PageTimeout                 the page did not reply in time
    │   ├── ProtocolMismatch            page and kernel run different versions
    │   └── HeadlessNotInstalled        the headless page needs the extra ``local``
    ├── MicrophoneError                 the microphone and the other devices
    │   ├── MicrophoneDenied            refused by the user, the browser or the system
    │   ├── MicrophoneBlocked           the embedding page does not allow microphone access
    │   ├── MicrophoneNotFound          no microphone is connected
    │   ├── MicrophoneInUse             another program uses the microphone
    │   ├── MicrophoneConstraints       no microphone satisfies the constraints
    │   ├── DeviceNotFound              no device has this name or id
    │   ├── SpeakerNotSelectable        the browser cannot select this loudspeaker
    │   ├── InsecureContext             the page was loaded over plain http
    │   └── MediaUnavailable            the browser has no microphone API here
    ├── SignalingError                  the exchange of offer and answer
    │   ├── MissingKey                  no API key is set
    │   ├── InvalidSession              a session setting is unknown or invalid
    │   ├── InvalidKey                  HTTP 401
    │   ├── AccessDenied                HTTP 403
    │   ├── ServerNotFound              HTTP 404
    │   ├── HostNotFound                DNS does not know the host name
    │   ├── InvalidOffer                HTTP 400
    │   ├── RateLimited                 HTTP 429: too many requests
    │   ├── QuotaExceeded               HTTP 429: no credit left
    │   ├── ServerError                 HTTP 5xx, or an unexpected reply
    │   ├── ServerUnreachable           connection refused, reset or not routed
    │   ├── InsecureServer              the TLS connection failed
    │   ├── SignalingTimeout            the server did not respond in time
    │   ├── InvalidIceServers           the browser does not accept the ICE servers
    │   ├── InvalidAnswer               the server did not return a valid SDP answer
    │   ├── ExchangeRefused             the server refused the page's own offer
    │   ├── ClientSecretsUnsupported    the server creates no client secrets
    │   ├── RenegotiationUnsupported    the server cannot renegotiate a call
    │   ├── NetworkUnsupported          the server does not impair the network of a call
    │   └── LocalServerError            the embedded server did not start, or ended
    ├── CallError                       the connection
    │   ├── WebRTCUnavailable           the browser has no WebRTC here
    │   ├── ConnectionFailed            ICE or DTLS failed
    │   ├── ChannelTimeout              the data channel did not open in time
    │   ├── NoNetwork                   the browser has no network interface
    │   ├── ServerHungUp                the server closed the call
    │   ├── SessionExpired              the session reached its maximum duration
    │   ├── ReconnectFailed             the lost connection could not be restored
    │   ├── CallTooLong                 the call reached ``max_duration``
    │   ├── NoView                      no view shows the call any more
    │   ├── CallTakenOver               another page took the call over
    │   ├── KernelDied                  the kernel restarted or died during the call
    │   ├── KernelTimeout               the kernel did not reply to the page in time
    │   └── Cancelled                   the call was ended while connecting
    ├── AudioError                      recordings and clips
    │   ├── InvalidAudio                samples or a file cannot be used (a ValueError)
    │   ├── ClipTooLong                 the clip exceeds what a page accepts
    │   ├── ClipNotFound                the kernel no longer has the clip
    │   ├── ClipFailed                  the page could not play the clip
    │   ├── ClipInterrupted             the call ended before the clip
    │   ├── InputAudioMissing           the server receives no audio, so its session stands still
    │   ├── ReceiveOnly                 the call was made without outgoing audio
    │   ├── AudioBlocked                the browser requires a click on the page first
    │   ├── NothingRecorded             no audio was recorded
    │   └── RecordingUnavailable        the page cannot record
    ├── WebRTCError                     an operation of a peer connection; the W3C names
    │   ├── InvalidStateError           the operation does not fit the present state
    │   │   └── PeerClosed              the peer connection is closed
    │   │       └── PeerNotFound        the page does not have it
    │   ├── OperationError              the browser could not carry it out
    │   ├── InvalidAccessError          an object must not be used here
    │   ├── InvalidModificationError    something was changed that must stay
    │   ├── WebRTCSyntaxError           W3C SyntaxError (a ValueError)
    │   ├── WebRTCTypeError             TypeError of the browser (a TypeError)
    │   ├── WebRTCRangeError            RangeError of the browser (a ValueError)
    │   ├── NotSupportedError           the page's WebRTC lacks the operation
    │   ├── NotAllowedError             the user or the browser refused
    │   ├── NotFoundError               what it needs was not found
    │   ├── RTCError                    the connection reports a failure
    │   ├── NetworkError                the network or the other side ended it
    │   ├── UnknownError                the browser gives no standard reason
    │   └── TooManyPeers                the page has 8 open peer connections
    ├── NotConnected                    sending without an open data channel
    ├── MessageTooLarge                 the message exceeds the data channel's limit
    ├── SendQueueFull                   too many events wait to be sent
    ├── SessionFileError                a session file cannot be read (a ValueError)
    ├── SavedSessionOnly                a saved session has no call (an AttributeError)
    ├── EventRefused                    the server refused an event
    ├── ResponseFailed                  the server could not complete a response
    ├── TurnDetectionEnabled            push-to-talk while the server detects turns
    ├── OperationUnsupported            the protocol of the call does not have the operation
    ├── InvalidImage                    an image cannot be sent (a ValueError)
    ├── InvalidTool                     a function cannot be a tool (a TypeError)
    ├── InvalidSdp                      a session description has a fault (a ValueError)
    ├── UnknownTerm                     the glossary does not have a term (a LookupError)
    ├── WaitTimeout                     the awaited event did not come (a TimeoutError)
    └── UnexpectedError                 a defect in this package
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
    InputAudioMissing,
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
    OperationUnsupported,
    ResponseFailed,
    SendQueueFull,
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
from rtc_widget.errors.sdp import InvalidSdp, UnknownTerm
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
    NetworkUnsupported,
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
from rtc_widget.errors.webrtc import (
    InvalidAccessError,
    InvalidModificationError,
    InvalidStateError,
    NetworkError,
    NotAllowedError,
    NotFoundError,
    NotSupportedError,
    OperationError,
    PeerClosed,
    PeerNotFound,
    RTCError,
    TooManyPeers,
    UnknownError,
    WebRTCError,
    WebRTCRangeError,
    WebRTCSyntaxError,
    WebRTCTypeError,
)

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
    "InputAudioMissing",
    "InsecureContext",
    "InsecureServer",
    "InvalidAccessError",
    "InvalidAnswer",
    "InvalidAudio",
    "InvalidIceServers",
    "InvalidImage",
    "InvalidKey",
    "InvalidModificationError",
    "InvalidOffer",
    "InvalidSdp",
    "InvalidSession",
    "InvalidStateError",
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
    "NetworkError",
    "NetworkUnsupported",
    "NoNetwork",
    "NoView",
    "NotAllowedError",
    "NotConnected",
    "NotFoundError",
    "NotSupportedError",
    "NothingRecorded",
    "OperationError",
    "OperationUnsupported",
    "PageError",
    "PageNotFound",
    "PageTimeout",
    "PeerClosed",
    "PeerNotFound",
    "ProtocolMismatch",
    "QuotaExceeded",
    "RTCError",
    "RateLimited",
    "ReceiveOnly",
    "ReconnectFailed",
    "RecordingUnavailable",
    "RenegotiationUnsupported",
    "ResponseFailed",
    "RtcWidgetError",
    "SavedSessionOnly",
    "SendQueueFull",
    "ServerError",
    "ServerHungUp",
    "ServerNotFound",
    "ServerUnreachable",
    "SessionExpired",
    "SessionFileError",
    "SignalingError",
    "SignalingTimeout",
    "SpeakerNotSelectable",
    "TooManyPeers",
    "TurnDetectionEnabled",
    "UnexpectedError",
    "UnknownError",
    "UnknownTerm",
    "WaitTimeout",
    "WebRTCError",
    "WebRTCRangeError",
    "WebRTCSyntaxError",
    "WebRTCTypeError",
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
