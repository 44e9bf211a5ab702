/** Until when the audio of a call was heard: to its end, or to the loss of its connection. */

import type { CallState } from "../comm/protocol";
import { now } from "../page";

type States = Pick<CallState, "connection_state" | "data_channel_state">;

export class HeardUntil {
  readonly #lastAudioMs: () => number | undefined;
  #lostMs: number | undefined;
  #endMs: number | undefined;

  /** `lastAudioMs` returns when audio was received last, on the page's time base; undefined if that is unknown. */
  constructor(lastAudioMs: () => number | undefined) {
    this.#lastAudioMs = lastAudioMs;
  }

  /** On the page's time base; undefined before the end of the call. */
  get untilMs(): number | undefined {
    return this.#endMs;
  }

  onState(after: States, before: States): void {
    // A loss is noticed seconds after the last sound.
    if (after.connection_state === "connected") this.#lostMs = undefined;
    else if (before.connection_state === "connected") this.#lostMs = this.#lastAudioMs() ?? now();
    const isClosed = after.data_channel_state === "closed";
    if (isClosed && before.data_channel_state !== "closed") this.#endMs = this.#lostMs ?? now();
    // A new attempt begins with these states.
    const isFresh = isClosed && after.connection_state === "new" && before.connection_state !== "new";
    if (isFresh || !isClosed) this.#endMs = undefined;
  }
}
