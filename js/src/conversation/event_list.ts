/** The log that the page shows: the events of its own calls and of those it follows, up to a size. */

import { type ReadonlySignal, signal as signalOf } from "@preact/signals";
import { nextFrame } from "../async";
import type { Direction, HistoryPage, WireEvent } from "../comm/protocol";
import { type JsonObject, parseObject } from "../json";
import { eventTypeOf } from "./facts";

/** As many as the kernel keeps. */
const MAX_EVENTS = 100_000;
const MAX_CHARACTERS = 64_000_000;
/** Events from before this page are loaded in parts of this size, the newest first. */
const PART_SIZE = 500;

/** The type that `chat.events` gives to a text that is not a JSON object. */
const UNREADABLE = "rtc_widget.unreadable";

/** Loads events of the kernel's history, from number `first` on and before number `before`. */
export type LoadHistory = (first: number, before: number) => Promise<HistoryPage>;

export interface ListedEvent {
  readonly direction: Direction;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
  /** As in Python: `UNREADABLE` where the text is not a JSON object, empty where the object has no type. */
  readonly type: string;
}

export class EventList {
  readonly #load: LoadHistory;
  readonly #version = signalOf(0, {
    watched: () => {
      this.#isWatched = true;
    },
    unwatched: () => {
      this.#isWatched = false;
    },
  });
  #isWatched = false;
  #events: ListedEvent[] = [];
  #characters = 0;
  /** The key of the first event; it changes as events are prepended or dropped. */
  #firstKey = 0;
  #total = 0;
  #cancelFrame: (() => void) | undefined;
  /** The number, in the kernel's history, of the oldest loaded event; undefined until the history's length is known. */
  #oldest: number | undefined;
  /** The number of the first event in the kernel's history; undefined while it is unknown. */
  #firstNumber: number | undefined;
  #earlierParts = 0;
  #isLoading = false;

  constructor(load: LoadHistory, signal: AbortSignal) {
    this.#load = load;
    signal.addEventListener("abort", () => this.#cancelFrame?.());
  }

  /** Grows with every change, once per frame at most; only while somebody subscribes to it. */
  get version(): ReadonlySignal<number> {
    return this.#version;
  }

  get size(): number {
    return this.#events.length;
  }

  /** The number of all events, with those that are not shown. */
  get total(): number {
    return this.#total;
  }

  /** Whether the kernel has events from before this page that are not shown yet. */
  get hasEarlier(): boolean {
    return this.#oldest !== undefined && this.#oldest > 0;
  }

  /** Whether this page knows which numbers its events have in the kernel's history. */
  get isNumbered(): boolean {
    return this.#firstNumber !== undefined;
  }

  /** How often earlier events were prepended. */
  get earlierParts(): number {
    return this.#earlierParts;
  }

  at(index: number): ListedEvent | undefined {
    return this.#events[index];
  }

  /** A stable key of the event at an index. */
  keyAt(index: number): number {
    return this.#firstKey + index;
  }

  append(direction: Direction, time: number, text: string, json: JsonObject | undefined): void {
    this.#events.push({ direction, time, text, type: typeOf(json) });
    this.#characters += text.length;
    this.#total += 1;
    if (this.#events.length > MAX_EVENTS || this.#characters > MAX_CHARACTERS) this.#dropOldest();
    this.#notify();
  }

  appendAll(events: readonly WireEvent[]): void {
    for (const [direction, time, text] of events) this.append(direction, time, text, parseObject(text));
  }

  /** The kernel has so many events from before this page. */
  setHistoryLength(count: number): void {
    this.#oldest = count;
    // The kernel may have some of this page's own events before that.
    if (this.#events.length === 0) this.#firstNumber = count;
    this.#total += count;
    this.#notify();
  }

  /** Prepends the next older events; does nothing where there are none, or while it is loading. */
  async showEarlier(): Promise<void> {
    const before = this.#oldest;
    if (this.#isLoading || before === undefined || before === 0) return;
    this.#isLoading = true;
    try {
      const start = Math.max(before - PART_SIZE, 0);
      const found: ListedEvent[] = [];
      let begin: number | undefined;
      for (let first = start, more = true; more; ) {
        const page = await this.#load(first, before);
        for (const { events } of page.calls) {
          for (const [direction, time, text] of events)
            found.push({ direction, time, text, type: typeOf(parseObject(text)) });
        }
        begin ??= page.first;
        first = page.next;
        more = page.more;
      }
      // A kernel that begins later than requested has no older events.
      this.#oldest = begin === start ? start : 0;
      this.#events.unshift(...found);
      this.#firstKey -= found.length;
      if (this.#firstNumber !== undefined) this.#firstNumber -= found.length;
      this.#earlierParts += 1;
      for (const { text } of found) this.#characters += text.length;
      this.#notify();
    } catch {
      // The kernel is busy: the next click tries again.
    } finally {
      this.#isLoading = false;
    }
  }

  /**
   * Returns the index of an event in `chat.events`, as the kernel has it now; undefined if it does not have this event where
   * this page expects it: another page may have added events meanwhile. Rejects if the kernel does not reply.
   */
  async kernelIndexOf(key: number): Promise<number | undefined> {
    const event = this.at(key - this.#firstKey);
    if (!event || this.#firstNumber === undefined) return undefined;
    const number = this.#firstNumber + key - this.#firstKey;
    const { calls } = await this.#load(number, number + 1);
    const [found, ...others] = calls.flatMap(({ events }) => events);
    if (!found || others.length > 0 || !isSame(event, found)) return undefined;
    // A part begins at the first event that is not dropped.
    const { first: dropped } = await this.#load(0, number + 1);
    return number - dropped;
  }

  /** Drops the oldest tenth: cutting a long list at each event would cost more than the event. */
  #dropOldest(): void {
    const dropped = this.#events.splice(0, Math.ceil(this.#events.length / 10));
    for (const { text } of dropped) this.#characters -= text.length;
    this.#firstKey += dropped.length;
    if (this.#firstNumber !== undefined) this.#firstNumber += dropped.length;
    this.#oldest = 0;
  }

  #notify(): void {
    if (!this.#isWatched) return;
    this.#cancelFrame ??= nextFrame(() => {
      this.#cancelFrame = undefined;
      this.#version.value += 1;
    });
  }
}

function typeOf(json: JsonObject | undefined): string {
  return json ? eventTypeOf(json) : UNREADABLE;
}

/** Whether the kernel's event is this one; the kernel writes JSON in its own way. */
function isSame({ direction, text, type }: ListedEvent, [kernelDirection, , kernelText]: WireEvent): boolean {
  if (direction !== kernelDirection) return false;
  const theirs = parseObject(kernelText);
  if (type === UNREADABLE) return theirs?.type === UNREADABLE && theirs.text === text;
  return JSON.stringify(parseObject(text)) === JSON.stringify(theirs);
}
