/** Notices that the session clock stands still: it runs only while the service receives audio. One watch sees one call. */

import { isText, type JsonObject } from "../../json";
import type { Watch } from "../base";

/** What was sent is acknowledged within a second where the clock runs. */
const STANDS_MS = 5_000;

const APPENDED = /^session\.(instructions|thinking|commentary)\.append(ed)?$/;

export class ClockWatch implements Watch {
  readonly #onStanding: () => void;
  /** Appends that the clock has not reached. */
  #pending = 0;
  #clockMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasTold = false;

  /** `onStanding` is called once in a call. */
  constructor(onStanding: () => void) {
    this.#onStanding = onStanding;
  }

  sent({ type }: JsonObject): void {
    if (!isText(type) || !APPENDED.test(type)) return;
    this.#pending++;
    if (this.#pending === 1) this.#restart();
  }

  received({ type, start_ms: start, end_ms: end }: JsonObject): void {
    if (isText(type) && (type === "error" || APPENDED.test(type))) this.#pending = Math.max(0, this.#pending - 1);
    const clockMs = Math.max(...[start, end].map((time) => (typeof time === "number" ? time : 0)));
    const hasMoved = clockMs > this.#clockMs;
    if (hasMoved) this.#clockMs = clockMs;
    if (this.#pending === 0) clearTimeout(this.#timer);
    else if (hasMoved) this.#restart();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #restart(): void {
    clearTimeout(this.#timer);
    if (this.#hasTold) return;
    this.#timer = setTimeout(() => {
      this.#hasTold = true;
      this.#onStanding();
    }, STANDS_MS);
  }
}
