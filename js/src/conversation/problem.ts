/** Errors as the page shows them. */

import type { KernelState } from "../comm/kernel_state";
import { type CallState, isCalling } from "../comm/protocol";
import type { ErrorReport } from "../errors";

export interface Problem extends ErrorReport {
  readonly endsCall: boolean;
}

/** Returns the error that ended the last call: this page's own, or that the page with the call has vanished. */
export function endOfCall(own: CallState, { status, error }: KernelState, isFollowing: boolean): ErrorReport | null {
  if (isCalling(own.status)) return null;
  const isOver = !isFollowing && own.error?.code === "call_taken_over";
  if (own.error && !isOver) return own.error;
  return status === "error" && error?.code === "page_not_found" ? error : null;
}
