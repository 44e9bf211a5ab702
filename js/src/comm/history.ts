/** The kernel's record, as far as this page has not made it: what was said before it was there, and the calls of other pages. */

import type { Bridge } from "./bridge";
import { decodeHistoryPage, type HistoryPage } from "./protocol";

/** A kernel that is busy for longer answers the next page. */
const PAST_LIMIT_MS = 600_000;
/** A reply that was lost must not hold up those behind it. */
const PIECE_LIMIT_MS = 20_000;

export interface HistoryListener {
  /** What was there before this page; without what only a log needs. */
  onHistory(piece: HistoryPage): void;
  /** What another page's call brings, as it comes. */
  onFollowed(piece: HistoryPage): void;
}

export class HistoryReader {
  readonly #bridge: Bridge;
  readonly #signal: AbortSignal;
  readonly #listener: HistoryListener;
  /** The attempts of this page, whose events it has itself. */
  readonly #own: () => readonly string[];
  /** The number of the first event that is not known here. */
  #next = 0;
  #wanted = 0;
  #knowsPast = false;
  #isReading = false;

  constructor(bridge: Bridge, own: () => readonly string[], listener: HistoryListener, signal: AbortSignal) {
    this.#bridge = bridge;
    this.#own = own;
    this.#listener = listener;
    this.#signal = signal;
  }

  /** The kernel is there: asks for the past, once. */
  begin(): void {
    if (!this.#knowsPast) void this.#read();
  }

  /** There are events up to this number. */
  grown(next: number): void {
    this.#wanted = Math.max(this.#wanted, next);
    void this.#read();
  }

  /** A piece of the whole log from number `first` on, up to and without `before`. */
  async window(first: number, before: number): Promise<HistoryPage> {
    return this.#ask(first, before, false);
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (!this.#knowsPast) {
        const piece = await this.#ask(this.#next, null, true);
        this.#next = piece.next;
        this.#knowsPast = !piece.more;
        this.#listener.onHistory(piece);
      }
      while (this.#next < this.#wanted) {
        const piece = await this.#ask(this.#next, null, false);
        // A kernel that has nothing there after all is not asked in circles.
        if (piece.next <= this.#next) break;
        this.#next = piece.next;
        this.#listener.onFollowed(piece);
      }
    } catch {
      // A kernel that cannot say leaves the transcript as it is; its next sign of growth is a new occasion.
    } finally {
      this.#isReading = false;
    }
  }

  async #ask(first: number, before: number | null, brief: boolean): Promise<HistoryPage> {
    const without = brief || before === null ? this.#own() : [];
    const request = { type: "history", first, before, brief, without } as const;
    const how = { signal: this.#signal, limitMs: brief ? PAST_LIMIT_MS : PIECE_LIMIT_MS, isPatient: true };
    return decodeHistoryPage(await this.#bridge.request(request, how));
  }
}
