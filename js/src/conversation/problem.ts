/** What went wrong, as a person is told of it. */

import type { KernelState } from "../comm/kernel_state";
import { type CallState, type ErrorReport, isCalling, isRecord, isText, textOr } from "../comm/protocol";
import { quoted } from "../json";

export interface Problem extends ErrorReport {
  readonly endsCall: boolean;
}

/** What there is to say of the last call: how this page's own ended, or that the page with the call has vanished. */
export function endOfCall(own: CallState, { status, error }: KernelState, isFollowing: boolean): ErrorReport | null {
  if (isCalling(own.status)) return null;
  const isOver = !isFollowing && own.error?.code === "call_taken_over";
  if (own.error && !isOver) return own.error;
  return status === "error" && error?.code === "page_not_found" ? error : null;
}

/** A server's error that leaves the call going, in words; a failed answer is told of in `response.done` alone. */
export function noteOf(event: Readonly<Record<string, unknown>>): Problem | undefined {
  const response = event.type === "response.done" && isRecord(event.response) ? event.response : {};
  const details = response.status === "failed" ? response.status_details : undefined;
  const error = event.type === "error" ? event.error : isRecord(details) ? details.error : undefined;
  if (!isRecord(error) || isHarmless(error)) return undefined;
  const message = isText(error.message) ? quoted(error.message) : "The server reports an error without saying which.";
  return { code: textOr(error.code, "server_error"), message, hint: "The call goes on.", endsCall: false };
}

/** Nothing a person could or need do anything about. */
function isHarmless({ code, event_id }: Readonly<Record<string, unknown>>): boolean {
  // There was nothing left to cancel: whoever interrupts means the voice, which is silenced apart.
  if (code === "response_cancel_not_active") return true;
  // The text box asked while an answer was under way (its events have no id); the kernel asks again after that.
  return code === "conversation_already_has_active_response" && !isText(event_id);
}
