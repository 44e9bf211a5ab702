/** How long the person waited for the voice of each response: from the end of their turn to its first sound. */

import type { Fact } from "./facts";

/** Milliseconds, by `attempt/response id`. */
export type ResponseTimes = ReadonlyMap<string, number>;

export class ResponseTimer {
  #turnEndMs: number | undefined;
  /** The responses that were not heard yet, oldest first. */
  #waiting: string[] = [];
  #times: ResponseTimes = new Map();

  get times(): ResponseTimes {
    return this.#times;
  }

  /** A written message was sent. */
  written(atMs: number): void {
    this.#turnEndMs = atMs;
  }

  apply(fact: Fact, attempt: string, atMs: number): void {
    switch (fact.type) {
      case "response_started":
        this.#waiting.push(fact.id);
        break;
      case "response_ended":
        // The response to the functions' outputs is the one that is heard.
        if (fact.callsFunctions) this.#waiting = this.#waiting.filter((id) => id !== fact.id);
        break;
      case "speaking":
        if (fact.speaker === "user") this.#turnEndMs = fact.isSpeaking ? undefined : atMs;
        else if (fact.isSpeaking) this.#heard(attempt, atMs);
        break;
    }
  }

  /** A new call begins, or the call is over. */
  reset(): void {
    this.#turnEndMs = undefined;
    this.#waiting = [];
  }

  #heard(attempt: string, atMs: number): void {
    const id = this.#waiting.shift();
    if (id !== undefined && this.#turnEndMs !== undefined) {
      this.#times = new Map([...this.#times, [`${attempt}/${id}`, atMs - this.#turnEndMs]]);
    }
    this.#turnEndMs = undefined;
  }
}
