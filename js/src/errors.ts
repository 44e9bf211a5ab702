/** Everything that can go wrong on the page, in words a person can act on; codes and hints match `errors.py`. */

import type { ErrorReport } from "./comm/protocol";
import { browserHelp, hostThatForbids } from "./host";

const PAGE_ERRORS = {
  microphone_denied: [
    "The microphone was refused.",
    "Allow it in the address bar (or the browser's site settings, or the system's privacy settings) and connect again.",
  ],
  microphone_blocked: [
    "The page around this notebook gives it no microphone.",
    "Open the notebook in a browser tab of its own; or let whoever embeds it allow microphone in the iframe's permission policy.",
  ],
  microphone_not_found: [
    "No microphone was found.",
    "Plug one in, or choose one in the system's sound settings, and connect again.",
  ],
  microphone_in_use: [
    "The microphone could not be read.",
    "Another program may be using it. Close that program, or plug the microphone in again, and connect again.",
  ],
  microphone_constraints: ["No microphone fits what was asked for.", "Choose another microphone and connect again."],
  receive_only: ["This call was made without a microphone.", "Connect again to speak. Your choice is kept."],
  speaker_not_selectable: [
    "This browser does not let a page choose the loudspeaker.",
    "Choose it in the system's sound settings, or open the notebook in a current Chrome, Edge or Firefox.",
  ],
  device_not_found: ["There is no such device.", "Choose one of those that `await chat.devices()` lists."],
  insecure_context: [
    "The browser gives no microphone to a page loaded over plain http.",
    "Open the notebook by https, or by http://localhost (an SSH tunnel does).",
  ],
  media_unavailable: [
    "The browser has no microphone access here.",
    "Open the notebook in a browser tab: JupyterLab in Chrome, Edge, Firefox or Safari. VS Code's notebooks have no microphone.",
  ],
  webrtc_unavailable: [
    "The browser has no WebRTC here.",
    "Open the notebook in Chrome, Edge, Firefox or Safari, with WebRTC enabled.",
  ],
  kernel_timeout: [
    "The kernel did not answer.",
    "A cell may be running, or the kernel has died. Interrupt the cell or restart the kernel, run the widget's cell and connect again.",
  ],
  server_unreachable: [
    "The page could not reach the server.",
    'Check the network. The server may also answer no pages of other origins (CORS): exchange="kernel" works there.',
  ],
  exchange_refused: [
    "The server refused the offer.",
    "Check the session settings and the server's log, then connect again.",
  ],
  invalid_ice_servers: [
    "The browser does not take the ICE servers of the signaling.",
    'Check its ice_servers: each has urls such as "stun:host:3478" or "turn:host:3478", a TURN server also username and credential.',
  ],
  invalid_answer: [
    "The browser does not accept the server's answer.",
    "Check that the server speaks WebRTC and answers this offer.",
  ],
  connection_failed: [
    "The connection to the server failed.",
    "A firewall or VPN may block UDP. Try another network, or a TURN server among the ICE servers.",
  ],
  server_hung_up: [
    "The server closed the call.",
    "Connect again to start a new one. If it happens at once, the server's log may say why.",
  ],
  session_expired: [
    "The session reached its longest duration and the server closed it.",
    "Connect again to start a new one.",
  ],
  reconnect_failed: ["The connection was lost and could not be made anew.", "Check the network and connect again."],
  call_too_long: [
    "The call reached its maximum duration and was ended.",
    "Connect again to go on; max_duration of the widget sets how long a call may last.",
  ],
  no_view: [
    "Nothing showed the call any more, so it was ended.",
    "Display the widget and connect again; view_timeout of the widget sets how long a call may go on unseen.",
  ],
  call_taken_over: ["Another page took the call over.", "Take it back here, or go on there."],
  kernel_died: [
    "The kernel is gone that this widget belongs to, and the call with it.",
    "Run the widget's cell again, in a kernel that runs, and connect.",
  ],
  channel_timeout: [
    "The data channel did not open within 15 s.",
    "A firewall or VPN may block UDP, or the server did not accept the data channel. Connect again.",
  ],
  no_network: [
    "The browser has found no network interface to call from.",
    "Chromium needs one even for a server on the same machine. Join any network (no internet is needed), or start the browser with --allow-loopback-in-peer-connection.",
  ],
  cancelled: ["The call was ended while it was being made.", "Connect again when you want to talk."],
  not_connected: ["There is no connection, so nothing was sent.", "Connect first; what you wrote is kept."],
  message_too_large: [
    "The message is larger than the data channel carries.",
    "Send it in smaller parts; images can be scaled down.",
  ],
  clip_interrupted: ["The call ended before the clip did.", "Connect again and say it once more."],
  clip_failed: [
    "The clip could not be spoken.",
    "The call goes on, and nothing is heard from this side. Look whether the clip holds any sound, and say it with chat.say.",
  ],
  recording_unavailable: [
    "The browser lets this page record nothing.",
    "Recording needs AudioWorklet, which all current browsers have on https and localhost; the host's content security policy may forbid blob: scripts.",
  ],
  audio_blocked: [
    "The browser lets this page use no sound before someone has clicked into it.",
    "Click into the page once, then try again.",
  ],
  protocol_mismatch: [
    "The page and the kernel run different versions of rtc_widget.",
    "Reload the page and restart the kernel.",
  ],
  unexpected: ["Something unexpected happened in the page.", "Connect again; the browser's console may say more."],
} as const satisfies Record<string, readonly [message: string, hint: string]>;

export type PageErrorCode = keyof typeof PAGE_ERRORS;

export const PAGE_ERROR_CODES = Object.keys(PAGE_ERRORS);

/** The error of this package: `code` for programs, `message` and `hint` for people. */
export class RtcWidgetError extends Error implements ErrorReport {
  override readonly name = "RtcWidgetError";
  readonly code: string;
  readonly hint: string;

  constructor(report: ErrorReport, options?: ErrorOptions) {
    super(report.message, options);
    this.code = report.code;
    this.hint = report.hint;
  }

  toWire(): ErrorReport {
    return { code: this.code, message: this.message, hint: this.hint };
  }
}

/** The page's own error of that code; `says` replaces the stock words where more is known. */
export function pageError(
  code: PageErrorCode,
  says: { message?: string; hint?: string; cause?: unknown } = {},
): RtcWidgetError {
  const [message, hint] = PAGE_ERRORS[code];
  return new RtcWidgetError({ code, message: says.message ?? message, hint: says.hint ?? hint }, { cause: says.cause });
}

/** Makes an error of this package of whatever was thrown, so that nothing is shown raw and nothing swallowed. */
export function asRtcWidgetError(thrown: unknown): RtcWidgetError {
  if (thrown instanceof RtcWidgetError) return thrown;
  const words = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return pageError("unexpected", { message: `Something unexpected happened in the page (${words}).`, cause: thrown });
}

/** Of the way, not of the matter: the same call may succeed a moment later. */
export const TRANSIENT: ReadonlySet<string> = new Set([
  "connection_failed",
  "channel_timeout",
  "no_network",
  "kernel_timeout",
  "server_unreachable",
  "server_error",
  "signaling_timeout",
  "host_not_found",
  "local_server",
  "rate_limited",
]);

export function isPassing({ code }: RtcWidgetError): boolean {
  return TRANSIENT.has(code);
}

const MICROPHONE_CODES: Readonly<Record<string, PageErrorCode>> = {
  NotAllowedError: "microphone_denied",
  SecurityError: "microphone_denied",
  NotFoundError: "microphone_not_found",
  NotReadableError: "microphone_in_use",
  AbortError: "microphone_in_use",
  OverconstrainedError: "microphone_constraints",
};

/** Says what a rejected `getUserMedia` means (W3C Media Capture and Streams, section 10.2). */
export function microphoneError(thrown: unknown): RtcWidgetError {
  // OverconstrainedError is no Error in every browser, so only the name is asked for.
  const name = thrown instanceof Object && "name" in thrown ? String(thrown.name) : "";
  const code = MICROPHONE_CODES[name];
  if (code === "microphone_denied") return refusal(thrown);
  return code === undefined ? asRtcWidgetError(thrown) : pageError(code, { cause: thrown });
}

/** Who refused: the host around the page, the system, or the person. */
function refusal(thrown: unknown): RtcWidgetError {
  const host = hostThatForbids();
  if (host) return pageError("microphone_blocked", { ...host, cause: thrown });
  const words = thrown instanceof Error ? thrown.message : "";
  if (/system/i.test(words)) {
    const hint = "Allow the browser to use it in the system's privacy settings, then connect again.";
    return pageError("microphone_denied", {
      message: "The operating system refused the microphone.",
      hint,
      cause: thrown,
    });
  }
  return pageError("microphone_denied", { hint: browserHelp().allow, cause: thrown });
}
