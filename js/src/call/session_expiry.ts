/** Says when a session that will expire should be replaced: shortly before its end, in a pause of the conversation. */

import type { Fact } from "../conversation/facts";

/** From this long before the end on, the first pause is used. */
const EARLY_MS = 60_000;
/** So long before the end the page stops waiting for a pause. */
const LATE_MS = 10_000;
/**
 * A session that seems to end sooner than this is left to the server's own event. Either a clock is wrong, or the session is
 * so short that one replacement would follow the other.
 */
const MIN_SESSION_MS = 300_000;
/** A longer timer would fire at once. No call lasts so long. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class SessionExpiry {
  readonly #onDue: (expiresAt: number) => void;
  /** On this page's clock; undefined where the server has not said when the session ends. */
  #expiresAt: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #speaking = new Set<string>();
  readonly #responses = new Set<string>();
  /** A function's output, and the response to it, are still to come. */
  #awaitsOutput = false;

  /** `onDue` gets the end of the session in milliseconds since 1970. */
  constructor(onDue: (expiresAt: number) => void) {
    this.#onDue = onDue;
  }

  apply(fact: Fact): void {
    switch (fact.type) {
      case "session_expiry":
        if (fact.atMs !== this.#expiresAt) this.#expiresAt = this.#isPlausible(fact.atMs) ? fact.atMs : undefined;
        break;
      case "speaking":
        if (fact.isSpeaking) this.#speaking.add(fact.speaker);
        else this.#speaking.delete(fact.speaker);
        break;
      case "response_started":
        this.#responses.add(fact.id);
        break;
      case "response_ended":
        this.#awaitsOutput = fact.callsFunctions;
        this.#responses.delete(fact.id);
        break;
      default:
        return;
    }
    this.#schedule();
  }

  /** The call is over. */
  end(): void {
    clearTimeout(this.#timer);
    this.#expiresAt = undefined;
    this.#speaking.clear();
    this.#responses.clear();
    this.#awaitsOutput = false;
  }

  #isPlausible(expiresAt: number): boolean {
    const isFirst = this.#expiresAt === undefined;
    return expiresAt - Date.now() >= (isFirst ? MIN_SESSION_MS : EARLY_MS);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const expiresAt = this.#expiresAt;
    if (expiresAt === undefined) return;
    const isPause = this.#speaking.size === 0 && this.#responses.size === 0 && !this.#awaitsOutput;
    const wait = expiresAt - (isPause ? EARLY_MS : LATE_MS) - Date.now();
    if (wait <= MAX_TIMER_MS) this.#timer = setTimeout(() => this.#onDue(expiresAt), Math.max(wait, 0));
  }
}
