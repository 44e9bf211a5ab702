/**
 * Reports the call's state to the kernel: a complete, numbered snapshot of every change.
 *
 * A new status, a failure, or another attempt is reported at once, a call that begins with the first message about it:
 * Python must see even a short "connecting", and the kernel must know an attempt before its messages. What else changes
 * in one task travels together, and while a call is being made it waits for the next message, since each message costs
 * the kernel and the host time. No state of the
 * connection is left out: one that changes again is reported first as it was.
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

/** How long changes may wait while a call is being made. */
const CONNECTING_MS = 100;

type Snapshot = Extract<PageMessage, { type: "state" }>;

export class StateReport {
  readonly #read: () => Pick<Snapshot, "state" | "attempt" | "resumes" | "heard_until_ms">;
  readonly #post: (snapshot: Snapshot, limitMs?: number) => void;
  #seq = 0;
  #attempt: string | null = null;
  /** The states of the connection that have changed since the last snapshot; undefined if nothing has changed. */
  #changed: Set<string> | undefined;

  constructor(
    read: () => Pick<Snapshot, "state" | "attempt" | "resumes" | "heard_until_ms">,
    post: (snapshot: Snapshot, limitMs?: number) => void,
  ) {
    this.#read = read;
    this.#post = post;
  }

  onChange(after: CallState, before: CallState): void {
    const changed = W3C_STATES.filter((key) => after[key] !== before[key]);
    if (changed.some((key) => this.#changed?.has(key))) {
      this.#send({ ...this.#read(), attempt: this.#attempt, state: before }, waitMs(before));
    }
    if (after.status !== before.status || fails(after, before) || this.#read().attempt !== this.#attempt) {
      // A call that begins asks the kernel for more.
      this.#send(this.#read(), after.status === "connecting" ? CONNECTING_MS : undefined);
    } else {
      if (this.#changed === undefined) nextTask(() => this.flush());
      this.#changed = new Set([...(this.#changed ?? []), ...changed]);
    }
  }

  /** The number of the last snapshot that was sent. */
  get seq(): number {
    return this.#seq;
  }

  /** Sends the current state with the next message, or soon, if it has changed since the last snapshot. */
  flush(): void {
    if (this.#changed === undefined) return;
    const snapshot = this.#read();
    this.#send(snapshot, waitMs(snapshot.state));
  }

  /** Sends the current state. */
  send(): void {
    const snapshot = this.#read();
    this.#send(snapshot, maxReplyDelayMs(snapshot.state));
  }

  #send(snapshot: Omit<Snapshot, "type" | "seq">, limitMs?: number): void {
    this.#changed = undefined;
    this.#attempt = snapshot.attempt;
    this.#post({ type: "state", seq: ++this.#seq, ...snapshot }, limitMs);
  }
}

function waitMs({ status }: CallState): number | undefined {
  return status === "connecting" || status === "reconnecting" ? CONNECTING_MS : undefined;
}

/**
 * How long a reply of the page may wait for which no person waits; undefined: not at all.
 *
 * While a call is being made, a reply delays what the kernel says next: the Jupyter server sends it by Nagle's algorithm,
 * and a page that replies at once acknowledges it 40 ms late (docs/performance.md). Timers of a hidden page are late.
 */
export function maxReplyDelayMs({ status }: CallState): number | undefined {
  return status === "connecting" && document.visibilityState !== "hidden" ? CONNECTING_MS : undefined;
}

/** Whether the connection has failed now; its end follows in the same task. */
function fails(after: CallState, before: CallState): boolean {
  const keys = ["connection_state", "ice_connection_state"] as const;
  return keys.some((key) => after[key] === "failed" && before[key] !== "failed");
}
