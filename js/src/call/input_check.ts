/** Notices that nothing is heard although the person has the word: the microphone may be off, or the wrong one. */

/** The level (0 to 1) of a quiet room; a microphone that is switched off gives less. */
const HEARD_LEVEL = 0.15;
export const SILENT_MS = 8_000;

export class InputCheck {
  #silentSinceMs: number | undefined;
  #wasHeard = false;

  /** Another microphone, or another call. */
  reset(): void {
    this.pause();
    this.#wasHeard = false;
  }

  /** Nothing is measured for a while. */
  pause(): void {
    this.#silentSinceMs = undefined;
  }

  /**
   * Takes a level of the input; returns whether the person should be asked about the microphone.
   *
   * @param turn "open" while the person may speak; "held" while they say that they do, by push-to-talk
   */
  take(level: number, nowMs: number, turn: "closed" | "open" | "held"): boolean {
    if (level > HEARD_LEVEL) this.#wasHeard = true;
    // Who was heard before and is silent now is thinking.
    const isExpected = turn === "held" || (turn === "open" && !this.#wasHeard);
    if (!isExpected || level > HEARD_LEVEL) {
      this.#silentSinceMs = undefined;
      return false;
    }
    this.#silentSinceMs ??= nowMs;
    return nowMs - this.#silentSinceMs >= SILENT_MS;
  }
}
