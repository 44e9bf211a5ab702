/** The state of a call as it is shown. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { CallState } from "../comm/protocol";

/**
 * What a button does sooner than this is felt to be immediate (J. Nielsen, "Response Times"). A call that is made
 * meanwhile never shows "Connecting", which would flash and, drawn, hold up ICE and DTLS (docs/performance.md).
 */
const IMMEDIATE_MS = 100;

/**
 * Returns the state to show: the present one, but that a call is being made only when it has taken a while. A call that
 * takes another one over, which was shown, is shown at once.
 */
export function shownStateOf(state: ReadonlySignal<CallState>, takesOver: () => boolean): ReadonlySignal<CallState> {
  const shown = signal(state.peek());
  let timer: ReturnType<typeof setTimeout> | undefined;
  const show = () => {
    clearTimeout(timer);
    timer = undefined;
    shown.value = state.peek();
  };
  state.subscribe(({ status }) => {
    if (status !== "connecting" || shown.peek().status === status || takesOver()) show();
    else timer ??= setTimeout(show, IMMEDIATE_MS);
  });
  return shown;
}
