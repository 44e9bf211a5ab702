/** Errors of operations as they cross to the kernel, which knows why they happen and what to do next. */

import { peer_templates as TEMPLATES } from "../../../src/rtc_widget/errors/texts.json";
import { filled, RtcWidgetError } from "../errors";

/** Returns the text of a template about peer connections, with these values. */
function peerTextOf(template: keyof typeof TEMPLATES, values: Parameters<typeof filled>[1] = {}): string {
  return filled(TEMPLATES[template], values);
}

/** The W3C's names, and JavaScript's, that the kernel has classes for (`error_names` in `tests/contract/peer.json`). */
export const ERROR_NAMES: ReadonlySet<string> = new Set([
  "InvalidStateError",
  "OperationError",
  "InvalidAccessError",
  "InvalidModificationError",
  "SyntaxError",
  "TypeError",
  "NotSupportedError",
  "NotAllowedError",
  "NotFoundError",
  "RangeError",
  "RTCError",
  "NetworkError",
  "UnknownError",
]);

/** Converts what an operation threw: the browser's own error crosses by its name, with its message unchanged. */
export function operationError(thrown: unknown): RtcWidgetError {
  if (thrown instanceof RtcWidgetError) {
    // Errors of the microphone are the browser's, too; those without a W3C name here keep their own code.
    const name = nameOf(thrown.cause);
    return ERROR_NAMES.has(name) ? named(name, thrown.cause) : thrown;
  }
  const name = nameOf(thrown);
  return named(ERROR_NAMES.has(name) ? name : "UnknownError", thrown);
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Object && "name" in thrown ? String(thrown.name) : "";
}

function named(code: string, cause: unknown): RtcWidgetError {
  const message = cause instanceof Object && "message" in cause ? String(cause.message) : String(cause);
  return new RtcWidgetError({ code, message, hint: "" }, { cause });
}

/** The error of an operation on a closed connection, in Chromium's words. */
export function closedError(): DOMException {
  return new DOMException("The RTCPeerConnection's signalingState is 'closed'.", "InvalidStateError");
}

/** The error of an operation that a `close` has overtaken. */
export function closedMeanwhile(): DOMException {
  return new DOMException(peerTextOf("peer_closed_meanwhile"), "InvalidStateError");
}

/** A handle names nothing, or something of another kind. */
export function notOfThisPeer(kind: string, handle: unknown): TypeError {
  return new TypeError(peerTextOf("not_of_this_peer", { kind, handle: String(handle) }));
}

export function peerNotFound(): RtcWidgetError {
  return new RtcWidgetError({
    code: "peer_not_found",
    message: peerTextOf("peer_not_found"),
    hint: peerTextOf("peer_not_found_hint"),
  });
}

export function tooManyPeers(limit: number): RtcWidgetError {
  return new RtcWidgetError({
    code: "too_many_peers",
    message: peerTextOf("too_many_peers", { limit }),
    hint: peerTextOf("too_many_peers_hint"),
  });
}
