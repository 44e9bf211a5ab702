/**
 * Reports the call's state to the kernel: a complete, numbered snapshot of every change.
 *
 * A new status, a failure, or another attempt is reported at once: Python must see even a short "connecting", and the
 * kernel must know an attempt before its messages. What else changes in one task travels together, but no state of
 * the connection is left out: one that changes again is reported first as it was.
 */

import { nextTask } from "../async";
import type { CallState, PageMessage } from "./protocol";

/** The states of W3C WebRTC. A busy page passes through several of them in one task. */
const W3C_STATES = [
  "connection_state",
  "ice_connection_state",
  "ice_gathering_state",
  "signaling_state",
  "data_channel_state",
] as const;

type Snapshot = Extract<PageMessage, { type: "state" }>;

export class StateReport {
  readonly #read: () => Pick<Snapshot, "state" | "attempt" | "resumes" | "heard_until_ms">;
  readonly #post: (snapshot: Snapshot) => void;
  #seq = 0;
  #attempt: string | null = null;
  /** The states of the connection that have changed since the last snapshot; undefined if nothing has changed. */
  #changed: Set<string> | undefined;

  constructor(
    read: () => Pick<Snapshot, "state" | "attempt" | "resumes" | "heard_until_ms">,
    post: (snapshot: Snapshot) => void,
  ) {
    this.#read = read;
    this.#post = post;
  }

  onChange(after: CallState, before: CallState): void {
    const changed = W3C_STATES.filter((key) => after[key] !== before[key]);
    if (changed.some((key) => this.#changed?.has(key))) {
      this.#send({ ...this.#read(), attempt: this.#attempt, state: before });
    }
    if (after.status !== before.status || fails(after, before) || this.#read().attempt !== this.#attempt) {
      this.send();
    } else {
      if (this.#changed === undefined) nextTask(() => this.flush());
      this.#changed = new Set([...(this.#changed ?? []), ...changed]);
    }
  }

  /** The number of the last snapshot that was sent. */
  get seq(): number {
    return this.#seq;
  }

  /** Sends the current state if it has changed since the last snapshot. */
  flush(): void {
    if (this.#changed !== undefined) this.send();
  }

  /** Sends the current state. */
  send(): void {
    this.#send(this.#read());
  }

  #send(snapshot: Omit<Snapshot, "type" | "seq">): void {
    this.#changed = undefined;
    this.#attempt = snapshot.attempt;
    this.#post({ type: "state", seq: ++this.#seq, ...snapshot });
  }
}

/** Whether the connection has failed now; its end follows in the same task. */
function fails(after: CallState, before: CallState): boolean {
  const keys = ["connection_state", "ice_connection_state"] as const;
  return keys.some((key) => after[key] === "failed" && before[key] !== "failed");
}
