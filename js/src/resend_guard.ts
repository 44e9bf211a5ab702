/** Answers "send that again" once for each hole: every message behind a hole makes the kernel ask again. */

const PAUSE_MS = 1_000;

export class ResendGuard {
  #from = -1;
  #at = 0;

  /** Whether what is missing from this number on should be sent again now: it was not, or long enough ago to be lost once more. */
  isDue(from: number): boolean {
    const now = performance.now();
    if (from === this.#from && now - this.#at < PAUSE_MS) return false;
    this.#from = from;
    this.#at = now;
    return true;
  }
}
