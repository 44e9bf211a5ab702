/**
 * The rows of the event log: the events of a response fold into one row, and so do the deltas of one kind.
 *
 * Each event is taken in once, so an update costs as much as there are new events. The rows have up to three levels: a response,
 * its parts, and the deltas of a part.
 */

import { bytesOf } from "../../call/sendable";
import type { Direction } from "../../comm/protocol";
import type { EventList, ListedEvent } from "../../conversation/event_list";
import { type EventSummary, plainSummary, type SummarizeEvent } from "../../conversation/event_summary";
import { parseObject } from "../../json";

const MAX_WORDS_LENGTH = 200;
/** Reading a larger event would block the page; it is a row of its own. */
const MAX_READ_LENGTH = 2_000_000;
/** How many events are taken in between two looks at the clock. */
const STRIDE = 64;

interface Shown {
  /** The key of the event, or of the first of several. */
  readonly key: number;
  readonly time: number;
  readonly direction: Direction | "both";
  readonly name: string;
  readonly words: string;
  readonly bytes: number;
}

/** One event. */
export interface EventRow extends Shown {
  readonly event: ListedEvent;
}

/** Several events as one row. */
export class FoldedRow implements Shown {
  readonly key: number;
  readonly time: number;
  readonly parts: (EventRow | FoldedRow)[] = [];
  direction: Direction | "both";
  bytes = 0;
  count = 0;
  lastKey: number;
  isOpen = false;
  readonly #firstName: string;
  #lastName: string;
  #words = "";
  /** The name of the deltas whose words are shown; until there are any, the last words of all. */
  #wordsOf: string | undefined;
  readonly #runs = new Map<string, FoldedRow>();

  constructor({ key, event, name, direction }: EventRow) {
    this.key = key;
    this.lastKey = key;
    this.time = event.time;
    this.direction = direction;
    this.#firstName = name;
    this.#lastName = name;
  }

  /** The names of its first and its last event; events about something else, such as the played audio, do not end it. */
  get name(): string {
    return this.#firstName === this.#lastName ? this.#firstName : `${this.#firstName} … ${this.#lastName}`;
  }

  get words(): string {
    return this.#words;
  }

  /** Adds an event as a part of its own, or to the part of its kind. */
  add(row: EventRow, isDelta: boolean): void {
    this.#count(row, isDelta);
    if (!isDelta) {
      this.parts.push(row);
      return;
    }
    const run = this.#runs.get(row.name) ?? new FoldedRow(row);
    if (run.count === 0) {
      this.#runs.set(row.name, run);
      this.parts.push(run);
    }
    run.addToRun(row);
  }

  /** Adds a delta to those of its kind. */
  addToRun(row: EventRow): void {
    this.#count(row, true);
    this.parts.push(row);
  }

  #count({ key, name, direction, bytes, words }: EventRow, isDelta: boolean): void {
    this.lastKey = key;
    if (familyOf(name) === familyOf(this.#firstName)) this.#lastName = name;
    this.bytes += bytes;
    this.count += 1;
    if (direction !== this.direction) this.direction = "both";
    if (isDelta && words !== "" && this.#wordsOf === undefined) {
      this.#wordsOf = name;
      this.#words = "";
    }
    if (isDelta && name === this.#wordsOf) {
      if (this.#words.length < MAX_WORDS_LENGTH) this.#words += words;
    } else if (this.#wordsOf === undefined && words !== "") this.#words = words;
  }
}

export type Row = EventRow | FoldedRow;

/** A row at its place in the list. */
export interface PlacedRow {
  readonly row: Row;
  readonly level: number;
  /** The key of the row of the first level that it belongs to. */
  readonly topKey: number;
}

export class EventRows {
  readonly #events: EventList;
  readonly #summarize: SummarizeEvent;
  readonly #accepts: (event: ListedEvent) => boolean;
  #rows: Row[] = [];
  readonly #responses = new Map<string, FoldedRow>();
  /** The deltas outside a response that the next one may continue. */
  #run: FoldedRow | undefined;
  #open: FoldedRow[] = [];
  #first: number;
  #next: number;
  #count = 0;

  /** @param accepts which events have a row */
  constructor(events: EventList, summarize: SummarizeEvent, accepts: (event: ListedEvent) => boolean) {
    this.#events = events;
    this.#summarize = summarize;
    this.#accepts = accepts;
    this.#first = events.keyAt(0);
    this.#next = this.#first;
  }

  /** Takes in the events before a key, for so many milliseconds at most; returns whether it has all of them. */
  update(end: number, limitMs: number): boolean {
    const deadline = performance.now() + limitMs;
    const first = this.#events.keyAt(0);
    this.#dropBefore(first);
    this.#next = Math.max(this.#next, first);
    while (this.#next < end) {
      const event = this.#events.at(this.#next - first);
      if (event && this.#accepts(event)) this.#add(this.#next, event);
      this.#next += 1;
      if (this.#next % STRIDE === 0 && performance.now() > deadline) break;
    }
    return this.#next >= end;
  }

  /** The number of events in the rows. */
  get count(): number {
    return this.#count;
  }

  /** The number of rows, with the parts of the open ones. */
  get size(): number {
    return this.#open.reduce((size, row) => size + openParts(row), this.#rows.length);
  }

  at(index: number): PlacedRow | undefined {
    let opened = 0;
    for (const open of this.#open) {
      const place = this.#placeOf(open.key) + opened;
      if (index <= place) break;
      const parts = openParts(open);
      if (index <= place + parts) return this.#partAt(open, index - place - 1);
      opened += parts;
    }
    const row = this.#rows[index - opened];
    return row && { row: simplified(row), level: 1, topKey: row.key };
  }

  /** Returns the index of a row of the first level, or of the one that is there instead. */
  indexOf(topKey: number): number {
    const opened = this.#open.filter(({ key }) => key < topKey);
    return this.#placeOf(topKey) + opened.reduce((sum, row) => sum + openParts(row), 0);
  }

  /** Opens a folded row, or closes it. */
  setOpen({ row, topKey }: PlacedRow, isOpen: boolean): void {
    if (!(row instanceof FoldedRow)) return;
    row.isOpen = isOpen;
    const top = this.#rows[this.#placeOf(topKey)];
    if (!(top instanceof FoldedRow)) return;
    const others = this.#open.filter(({ key }) => key !== top.key);
    const shown = simplified(top);
    const isShown = shown instanceof FoldedRow && shown.isOpen;
    this.#open = (isShown ? [...others, top] : others).sort((one, other) => one.key - other.key);
  }

  #add(key: number, event: ListedEvent): void {
    const { response, isDelta, name, words } = this.#summaryOf(event);
    const { direction, time, text } = event;
    const row: EventRow = { key, time, direction, event, name, words, bytes: bytesOf(text) };
    this.#count += 1;
    if (response !== undefined) {
      const known = this.#responses.get(response);
      const folded = known ?? new FoldedRow(row);
      folded.add(row, isDelta);
      if (known) return;
      this.#responses.set(response, folded);
      this.#begin(folded);
    } else if (isDelta) this.#addDelta(row);
    else this.#begin(row);
  }

  #begin(row: Row): void {
    this.#run = undefined;
    this.#rows.push(row);
  }

  /** Deltas outside a response fold until another row begins. */
  #addDelta(row: EventRow): void {
    if (this.#run?.name !== row.name) {
      this.#run = new FoldedRow(row);
      this.#rows.push(this.#run);
    }
    this.#run.addToRun(row);
  }

  #summaryOf(event: ListedEvent): EventSummary {
    const json = event.text.length > MAX_READ_LENGTH ? undefined : parseObject(event.text);
    return json ? this.#summarize(json) : plainSummary({ type: event.type });
  }

  #partAt(top: FoldedRow, index: number): PlacedRow | undefined {
    const shown = simplified(top);
    if (!(shown instanceof FoldedRow)) return undefined;
    let at = index;
    for (const part of shown.parts) {
      const row = simplified(part);
      if (at === 0) return { row, level: 2, topKey: top.key };
      const inside = row instanceof FoldedRow && row.isOpen ? row.parts.length : 0;
      const deepest = row instanceof FoldedRow ? row.parts[at - 1] : undefined;
      if (at <= inside && deepest) return { row: deepest, level: 3, topKey: top.key };
      at -= 1 + inside;
    }
    return undefined;
  }

  /** Returns the place of a row of the first level among these, or of the first one after it. */
  #placeOf(key: number): number {
    let [low, high] = [0, this.#rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#rows[middle]?.key ?? 0) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Drops the rows whose events the log has dropped. */
  #dropBefore(key: number): void {
    if (key <= this.#first) return;
    this.#first = key;
    const isKept = (row: Row) => lastKeyOf(row) >= key;
    this.#rows = this.#rows.filter(isKept);
    this.#open = this.#open.filter(isKept);
    if (this.#run && !isKept(this.#run)) this.#run = undefined;
    for (const [id, row] of this.#responses) if (!isKept(row)) this.#responses.delete(id);
    this.#count = this.#rows.reduce((count, row) => count + (row instanceof FoldedRow ? row.count : 1), 0);
  }
}

function lastKeyOf(row: Row): number {
  return row instanceof FoldedRow ? row.lastKey : row.key;
}

/** Returns the part of a name before the first dot, such as `response`. */
function familyOf(name: string): string {
  return name.split(".", 1)[0] ?? "";
}

/** What is shown of a row: a fold of one part is that part. */
function simplified(row: Row): Row {
  const [only] = row instanceof FoldedRow && row.parts.length === 1 ? row.parts : [];
  return only ? simplified(only) : row;
}

/** How many rows an open row has below it. */
function openParts(top: FoldedRow): number {
  const shown = simplified(top);
  if (!(shown instanceof FoldedRow) || !shown.isOpen) return 0;
  return shown.parts.reduce((count, part) => {
    const row = simplified(part);
    return count + 1 + (row instanceof FoldedRow && row.isOpen ? row.parts.length : 0);
  }, 0);
}
