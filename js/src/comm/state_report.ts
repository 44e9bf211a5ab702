/**
 * Reports the call's state to the kernel: a complete, numbered snapshot of every change.
 *
 * A new status, a failure, or another attempt is reported at once: Python must see even a short "connecting", and the
 * kernel must know an attempt before its messages. What else changes in one task travels together.
 */

import { nextTask } from "../async";
import type { CallState, PageMessage } from "./protocol";

type Snapshot = Extract<PageMessage, { type: "state" }>;

export class StateReport {
  readonly #read: () => Pick<Snapshot, "state" | "attempt" | "resumes" | "heard_until_ms">;
  readonly #post: (snapshot: Snapshot) => void;
  #seq = 0;
  #attempt: string | null = null;
  #isQueued = false;

  constructor(
    read: () => Pick<Snapshot, "state" | "attempt" | "resumes" | "heard_until_ms">,
    post: (snapshot: Snapshot) => void,
  ) {
    this.#read = read;
    this.#post = post;
  }

  onChange(after: CallState, before: CallState): void {
    if (after.status !== before.status || fails(after, before) || this.#read().attempt !== this.#attempt) {
      this.send();
    } else if (!this.#isQueued) {
      this.#isQueued = true;
      nextTask(() => this.flush());
    }
  }

  /** The number of the last snapshot that was sent. */
  get seq(): number {
    return this.#seq;
  }

  /** Sends the current state if it has changed since the last snapshot. */
  flush(): void {
    if (this.#isQueued) this.send();
  }

  /** Sends the current state. */
  send(): void {
    this.#isQueued = false;
    const snapshot = this.#read();
    this.#attempt = snapshot.attempt;
    this.#post({ type: "state", seq: ++this.#seq, ...snapshot });
  }
}

/** Whether the connection has failed now; its end follows in the same task. */
function fails(after: CallState, before: CallState): boolean {
  const keys = ["connection_state", "ice_connection_state"] as const;
  return keys.some((key) => after[key] === "failed" && before[key] !== "failed");
}
