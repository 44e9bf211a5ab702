/** Ends calls that last too long, and calls that no view shows any more. */

import { pageError, type RtcWidgetError, textOf } from "../errors";
import type { Settings } from "../settings";

export class CallLimits {
  readonly #settings: () => Settings;
  readonly #end: (error: RtcWidgetError) => void;
  #views = 0;
  /** A call that Python made before there was a view may last until its first view has closed. */
  #hasHadView = false;
  #isCalling = false;
  #endsAt = Number.POSITIVE_INFINITY;
  #durationTimer: ReturnType<typeof setTimeout> | undefined;
  #viewTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(settings: () => Settings, end: (error: RtcWidgetError) => void) {
    this.#settings = settings;
    this.#end = end;
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
    this.#checkViews();
  }

  /** When the call will have lasted too long, in milliseconds since 1970; infinite without a call. */
  get endsAt(): number {
    return this.#endsAt;
  }

  /** Counts one more view; call the returned function when it closes. */
  viewOpened(): () => void {
    this.#views += 1;
    this.#hasHadView = true;
    this.#checkViews();
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.#views -= 1;
      this.#checkViews();
    };
  }

  stop(): void {
    clearTimeout(this.#durationTimer);
    clearTimeout(this.#viewTimer);
  }

  #checkViews(): void {
    clearTimeout(this.#viewTimer);
    if (!this.#isCalling || this.#views > 0 || !this.#hasHadView) return;
    this.#viewTimer = setTimeout(() => this.#end(pageError("no_view")), this.#settings().viewTimeoutMs);
  }

  #endTooLong(): void {
    const seconds = Math.round(this.#settings().maxDurationMs / 1_000);
    const length = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`;
    this.#end(pageError("call_too_long", { message: textOf("call_too_long", { length }) }));
  }
}
