/** Counts the views of a model, and ends what must not go on while no view shows it. */

export class Views {
  readonly #timeoutMs: () => number;
  readonly #onGone: () => void;
  #views = 0;
  /** What Python began before there was a view may last until its first view has closed. */
  #hasHadView = false;
  #isNeeded = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onGone called when something has been needed for `timeoutMs` while no view showed it any more */
  constructor(timeoutMs: () => number, onGone: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#onGone = onGone;
  }

  /** Whether there is something that a view must show. */
  setNeeded(isNeeded: boolean): void {
    this.#isNeeded = isNeeded;
    this.#check();
  }

  /** Counts one more view; call the returned function when it closes. */
  opened(): () => void {
    this.#views += 1;
    this.#hasHadView = true;
    this.#check();
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.#views -= 1;
      this.#check();
    };
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #check(): void {
    clearTimeout(this.#timer);
    if (!this.#isNeeded || this.#views > 0 || !this.#hasHadView) return;
    this.#timer = setTimeout(this.#onGone, this.#timeoutMs());
  }
}
