/** Events on their way to the kernel: numbered, batched, and kept until the kernel acknowledges them. */

import { nextFrame } from "../async";
import { ResendGuard } from "./bridge";

const BATCH_CHARACTERS = 65_536;
const FIRST_REMINDER_MS = 5_000;
const MAX_REMINDER_MS = 30_000;
/** How long events are collected while nobody listens. */
const COLLECTING_MS = 200;

/** How events of one kind travel. */
export interface Batching<Entry, Batch> {
  /** How many characters an event has as a message, about. */
  size(entry: Entry): number;
  /** Whether two events may travel in one batch. */
  areTogether(first: Entry, other: Entry): boolean;
  /** Returns the message with these events; a reminder has none. `latest` is the newest event so far. */
  batch(first: number, entries: readonly Entry[], latest: Entry): Batch;
}

/**
 * The first event leaves at once. Then a batch leaves at each animation frame at most, or as soon as 64 KiB wait. While
 * nobody listens, the first event waits as well, so that a call costs the kernel and the host few messages.
 *
 * A notebook's comm carries about 1,250 events a second with one message per event, and over 40,000 with batches.
 */
export class Outbox<Entry, Batch> {
  readonly #post: (batch: Batch) => void;
  readonly #batching: Batching<Entry, Batch>;
  #kept: Entry[] = [];
  /** The number of the first kept event; the kernel has those before it. */
  #base = 0;
  /** The number of the next event to be posted. */
  #next = 0;
  #waitingCharacters = 0;
  #cancelFrame: (() => void) | undefined;
  #reminder: ReturnType<typeof setTimeout> | undefined;
  #latest: Entry | undefined;
  readonly #guard = new ResendGuard();
  #isListenedTo = true;

  constructor(post: (batch: Batch) => void, batching: Batching<Entry, Batch>) {
    this.#post = post;
    this.#batching = batching;
  }

  /** The number of the next event to be added. */
  get end(): number {
    return this.#base + this.#kept.length;
  }

  add(entry: Entry): void {
    this.#latest = entry;
    this.#kept.push(entry);
    this.#waitingCharacters += this.#batching.size(entry);
    if (this.#waitingCharacters >= BATCH_CHARACTERS) this.#flush();
    else if (this.#cancelFrame === undefined) this.#begin();
  }

  /** Whether somebody waits for the events; what has been collected leaves at once for the first one. */
  setListenedTo(isListenedTo: boolean): void {
    this.#isListenedTo = isListenedTo;
    if (isListenedTo) this.flush();
  }

  /** Posts the events that wait for their frame. */
  flush(): void {
    if (this.#next < this.end) this.#flush();
  }

  /** The kernel has every event before this number. */
  acknowledge(next: number): void {
    const known = Math.min(next, this.end) - this.#base;
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
    this.#cancelFrame = this.#isListenedTo ? nextFrame(() => this.#end()) : undefined;
  }

  #begin(): void {
    if (this.#isListenedTo) this.#flush();
    else {
      const timer = setTimeout(() => this.#end(), COLLECTING_MS);
      this.#cancelFrame = () => clearTimeout(timer);
    }
  }

  #end(): void {
    this.#cancelFrame = undefined;
    if (this.#next < this.end) this.#flush();
  }

  /** Takes the next events that may travel together, and not much more than 64 KiB of them. */
  #takeBatch(): Batch | undefined {
    const first = this.#next;
    const head = this.#kept[first - this.#base];
    if (head === undefined) return undefined;
    const entries: Entry[] = [];
    let characters = 0;
    let entry: Entry | undefined = head;
    while (entry !== undefined && this.#batching.areTogether(head, entry) && characters < BATCH_CHARACTERS) {
      entries.push(entry);
      characters += this.#batching.size(entry);
      entry = this.#kept[++this.#next - this.#base];
    }
    return this.#batching.batch(first, entries, head);
  }

  /** Posts an empty batch from time to time while events are unacknowledged: a lost last batch goes unnoticed otherwise. */
  #remindAfter(pause: number): void {
    clearTimeout(this.#reminder);
    const latest = this.#latest;
    if (this.#base === this.#next || latest === undefined) return;
    this.#reminder = setTimeout(() => {
      this.#post(this.#batching.batch(this.#next, [], latest));
      this.#remindAfter(Math.min(2 * pause, MAX_REMINDER_MS));
    }, pause);
  }
}
