/** Events on their way to the kernel: numbered, batched, and kept until the kernel acknowledges them. */

import { nextFrame } from "../async";
import { now } from "../page";
import { ResendGuard } from "./bridge";
import type { Direction, PageMessage, WireEvent } from "./protocol";

const BATCH_CHARACTERS = 65_536;
const FIRST_REMINDER_MS = 5_000;
const MAX_REMINDER_MS = 30_000;

type Batch = Extract<PageMessage, { type: "events" }>;

interface KeptEvent {
  readonly attempt: string;
  readonly event: WireEvent;
}

/**
 * The first event leaves at once. Then a batch leaves at each animation frame at most, or as soon as 64 KiB wait.
 *
 * A notebook's comm carries about 1,250 events a second with one message per event, and over 40,000 with batches.
 */
export class Outbox {
  readonly #post: (batch: Batch) => void;
  #kept: KeptEvent[] = [];
  /** The number of the first kept event; the kernel has those before it. */
  #base = 0;
  /** The number of the next event to be posted. */
  #next = 0;
  #waitingCharacters = 0;
  #cancelFrame: (() => void) | undefined;
  #reminder: ReturnType<typeof setTimeout> | undefined;
  #attempt: string | null = null;
  readonly #guard = new ResendGuard();

  constructor(post: (batch: Batch) => void) {
    this.#post = post;
  }

  add(attempt: string, direction: Direction, text: string): void {
    this.#attempt = attempt;
    this.#kept.push({ attempt, event: [direction, now(), text] });
    this.#waitingCharacters += text.length;
    if (this.#cancelFrame === undefined || this.#waitingCharacters >= BATCH_CHARACTERS) this.#flush();
  }

  /** Posts the events that wait for their frame. */
  flush(): void {
    if (this.#next < this.#base + this.#kept.length) this.#flush();
  }

  /** The kernel has every event before this number. */
  acknowledge(next: number): void {
    const known = Math.min(next, this.#base + this.#kept.length) - this.#base;
    if (known <= 0) return;
    this.#kept.splice(0, known);
    this.#base += known;
    this.#next = Math.max(this.#next, this.#base);
    this.#remindAfter(FIRST_REMINDER_MS);
  }

  /** The kernel asks for the events from this number on. */
  resendFrom(first: number): void {
    if (!this.#guard.isDue(first)) return;
    this.#next = Math.max(this.#base, Math.min(first, this.#next));
    this.#flush();
  }

  close(): void {
    this.#cancelFrame?.();
    clearTimeout(this.#reminder);
  }

  #flush(): void {
    this.#cancelFrame?.();
    this.#waitingCharacters = 0;
    for (let batch = this.#takeBatch(); batch; batch = this.#takeBatch()) this.#post(batch);
    this.#remindAfter(FIRST_REMINDER_MS);
    this.#cancelFrame = nextFrame(() => {
      this.#cancelFrame = undefined;
      if (this.#next < this.#base + this.#kept.length) this.#flush();
    });
  }

  /** Takes the next events that may travel together: of one attempt, and not much more than 64 KiB. */
  #takeBatch(): Batch | undefined {
    const first = this.#next;
    const attempt = this.#kept[first - this.#base]?.attempt;
    if (attempt === undefined) return undefined;
    const events: WireEvent[] = [];
    let characters = 0;
    for (let kept = this.#kept[first - this.#base]; kept?.attempt === attempt && characters < BATCH_CHARACTERS; ) {
      events.push(kept.event);
      characters += kept.event[2].length;
      kept = this.#kept[++this.#next - this.#base];
    }
    return { type: "events", attempt, first, events };
  }

  /** Posts an empty batch from time to time while events are unacknowledged: a lost last batch goes unnoticed otherwise. */
  #remindAfter(pause: number): void {
    clearTimeout(this.#reminder);
    if (this.#base === this.#next) return;
    this.#reminder = setTimeout(() => {
      this.#post({ type: "events", attempt: this.#attempt, first: this.#next, events: [] });
      this.#remindAfter(Math.min(2 * pause, MAX_REMINDER_MS));
    }, pause);
  }
}
