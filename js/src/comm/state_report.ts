/** Reports the call's state to the kernel: a complete, numbered snapshot of every change. */

import type { CallState, PageMessage } from "./protocol";

/** Each change of these is reported: Python must see even a short "connecting". */
const ALWAYS_REPORTED = [
  "status",
  "connection_state",
  "ice_connection_state",
  "ice_gathering_state",
  "signaling_state",
  "data_channel_state",
] as const satisfies readonly (keyof CallState)[];

type Snapshot = Extract<PageMessage, { type: "state" }>;

export class StateReport {
  readonly #read: () => Pick<Snapshot, "state" | "attempt" | "resumes" | "heard_until_ms">;
  readonly #post: (snapshot: Snapshot) => void;
  #seq = 0;
  #isQueued = false;

  constructor(
    read: () => Pick<Snapshot, "state" | "attempt" | "resumes" | "heard_until_ms">,
    post: (snapshot: Snapshot) => void,
  ) {
    this.#read = read;
    this.#post = post;
  }

  onChange(after: CallState, before: CallState): void {
    if (ALWAYS_REPORTED.some((key) => after[key] !== before[key])) {
      this.send();
    } else if (!this.#isQueued) {
      this.#isQueued = true;
      queueMicrotask(() => this.#isQueued && this.send());
    }
  }

  /** The number of the last snapshot that was sent. */
  get seq(): number {
    return this.#seq;
  }

  /** Sends the current state. */
  send(): void {
    this.#isQueued = false;
    this.#post({ type: "state", seq: ++this.#seq, ...this.#read() });
  }
}
