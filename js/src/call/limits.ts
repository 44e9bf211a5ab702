/** Ends the calls that nobody ends: those that last too long, and those that nobody can see any more. */

import { pageError, type RtcWidgetError } from "../errors";
import type { Settings } from "../settings";

export class CallLimits {
  readonly #settings: () => Settings;
  readonly #end: (error: RtcWidgetError) => void;
  #views = 0;
  /** A call that Python made before any view was there is watched from its first view on. */
  #hasBeenSeen = false;
  #isCalling = false;
  #longest: ReturnType<typeof setTimeout> | undefined;
  #unseen: ReturnType<typeof setTimeout> | undefined;

  constructor(settings: () => Settings, end: (error: RtcWidgetError) => void) {
    this.#settings = settings;
    this.#end = end;
  }

  /** A call begins or is over; recoveries of it are no new calls. */
  setCalling(isCalling: boolean): void {
    if (isCalling === this.#isCalling) return;
    this.#isCalling = isCalling;
    clearTimeout(this.#longest);
    if (isCalling) this.#longest = setTimeout(() => this.#endTooLong(), this.#settings().maxDurationMs);
    this.#watchViews();
  }

  /** One more view shows the call; call what is returned when it goes. */
  viewOpened(): () => void {
    this.#views += 1;
    this.#hasBeenSeen = true;
    this.#watchViews();
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.#views -= 1;
      this.#watchViews();
    };
  }

  stop(): void {
    clearTimeout(this.#longest);
    clearTimeout(this.#unseen);
  }

  #watchViews(): void {
    clearTimeout(this.#unseen);
    if (!this.#isCalling || this.#views > 0 || !this.#hasBeenSeen) return;
    this.#unseen = setTimeout(() => this.#end(pageError("no_view")), this.#settings().viewGraceMs);
  }

  #endTooLong(): void {
    const seconds = Math.round(this.#settings().maxDurationMs / 1_000);
    const length = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`;
    this.#end(
      pageError("call_too_long", { message: `The call reached its maximum duration of ${length} and was ended.` }),
    );
  }
}
