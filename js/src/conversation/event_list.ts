/** The log as the page shows it: what goes over the data channel, of this page's calls and of those it follows; bounded. */

import { type ReadonlySignal, signal as signalOf } from "@preact/signals";
import { nextFrame } from "../async";
import type { Direction, HistoryPage, WireEvent } from "../comm/protocol";
import { parseObject } from "../json";
import { eventTypeOf } from "./facts";

/** As many as the kernel keeps. */
const MOST_EVENTS = 100_000;
const MOST_CHARACTERS = 64_000_000;
/** Events from before this page are asked for in such pieces, the newest first. */
const WINDOW = 500;

/** Asks the kernel for the events of its record from number `first` to before number `before`. */
export type Window = (first: number, before: number) => Promise<HistoryPage>;

export interface ListedEvent {
  readonly direction: Direction;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
  /** Empty where the text is no event. */
  readonly type: string;
}

export class EventList {
  readonly #window: Window;
  readonly #version = signalOf(0);
  #events: ListedEvent[] = [];
  #characters = 0;
  /** The key of the first event; it sinks and rises as events are put before it and go. */
  #firstKey = 0;
  #total = 0;
  #cancelFrame: (() => void) | undefined;
  /** The number, in the kernel's record, of the oldest event asked for so far; undefined until the past is known. */
  #oldest: number | undefined;
  #isAsking = false;

  constructor(window: Window, signal: AbortSignal) {
    this.#window = window;
    signal.addEventListener("abort", () => this.#cancelFrame?.());
  }

  /** Grows with every change, once a frame at most. */
  get version(): ReadonlySignal<number> {
    return this.#version;
  }

  get size(): number {
    return this.#events.length;
  }

  /** How many events there have been, those that are not shown included. */
  get total(): number {
    return this.#total;
  }

  /** Whether the kernel has events from before this page that are not shown yet. */
  get hasEarlier(): boolean {
    return this.#oldest !== undefined && this.#oldest > 0;
  }

  at(index: number): ListedEvent | undefined {
    return this.#events[index];
  }

  /** A name of the event at an index that it keeps while others come and go. */
  keyAt(index: number): number {
    return this.#firstKey + index;
  }

  append(direction: Direction, time: number, text: string, type: string): void {
    this.#events.push({ direction, time, text, type });
    this.#characters += text.length;
    this.#total += 1;
    if (this.#events.length > MOST_EVENTS || this.#characters > MOST_CHARACTERS) this.#drop();
    this.#tell();
  }

  appendAll(events: readonly WireEvent[]): void {
    for (const [direction, time, text] of events) this.append(direction, time, text, eventType(text));
  }

  /** The kernel has so many events from before this page. */
  setHistoryLength(count: number): void {
    this.#oldest = count;
    this.#total += count;
    this.#tell();
  }

  /** Puts the next older events in front; does nothing where there are none, or while it is at it. */
  async showEarlier(): Promise<void> {
    const before = this.#oldest;
    if (this.#isAsking || before === undefined || before === 0) return;
    this.#isAsking = true;
    try {
      const wanted = Math.max(before - WINDOW, 0);
      const found: ListedEvent[] = [];
      let begin: number | undefined;
      for (let first = wanted, more = true; more; ) {
        const piece = await this.#window(first, before);
        for (const { events } of piece.calls) {
          for (const [direction, time, text] of events) found.push({ direction, time, text, type: eventType(text) });
        }
        begin ??= piece.first;
        first = piece.next;
        more = piece.more;
      }
      // Where the kernel begins later than asked, it keeps nothing older.
      this.#oldest = begin === wanted ? wanted : 0;
      this.#events.unshift(...found);
      this.#firstKey -= found.length;
      for (const { text } of found) this.#characters += text.length;
      this.#tell();
    } catch {
      // A busy kernel: the next click asks again.
    } finally {
      this.#isAsking = false;
    }
  }

  /** The oldest tenth goes: cutting a long list at every event would cost more than the event. */
  #drop(): void {
    const gone = this.#events.splice(0, Math.ceil(this.#events.length / 10));
    for (const { text } of gone) this.#characters -= text.length;
    this.#firstKey += gone.length;
    this.#oldest = 0;
  }

  #tell(): void {
    this.#cancelFrame ??= nextFrame(() => {
      this.#cancelFrame = undefined;
      this.#version.value += 1;
    });
  }
}

function eventType(text: string): string {
  return eventTypeOf(parseObject(text));
}
