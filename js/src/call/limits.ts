/** Ends calls that last too long, and calls that no view shows any more. */

import { pageError, type RtcWidgetError, textOf } from "../errors";
import type { Settings } from "../settings";
import { Views } from "../views";

export class CallLimits {
  readonly #settings: () => Settings;
  readonly #end: (error: RtcWidgetError) => void;
  readonly #views: Views;
  #isCalling = false;
  #endsAt = Number.POSITIVE_INFINITY;
  #durationTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(settings: () => Settings, end: (error: RtcWidgetError) => void) {
    this.#settings = settings;
    this.#end = end;
    this.#views = new Views(
      () => settings().viewTimeoutMs,
      () => end(pageError("no_view")),
    );
  }

  /** A call begins or is over. A reconnect is not a new call. */
  setCalling(isCalling: boolean): void {
    if (isCalling === this.#isCalling) return;
    this.#isCalling = isCalling;
    clearTimeout(this.#durationTimer);
    this.#endsAt = Number.POSITIVE_INFINITY;
    if (isCalling) {
      const { maxDurationMs } = this.#settings();
      this.#endsAt = Date.now() + maxDurationMs;
      this.#durationTimer = setTimeout(() => this.#endTooLong(), maxDurationMs);
    }
    this.#views.setNeeded(isCalling);
  }

  /** When the call will have lasted too long, in milliseconds since 1970; infinite without a call. */
  get endsAt(): number {
    return this.#endsAt;
  }

  /** Counts one more view; call the returned function when it closes. */
  viewOpened(): () => void {
    return this.#views.opened();
  }

  stop(): void {
    clearTimeout(this.#durationTimer);
    this.#views.stop();
  }

  #endTooLong(): void {
    const seconds = Math.round(this.#settings().maxDurationMs / 1_000);
    const length = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`;
    this.#end(pageError("call_too_long", { message: textOf("call_too_long", { length }) }));
  }
}
