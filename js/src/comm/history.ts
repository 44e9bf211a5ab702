/** The kernel's history, without this page's own calls: what was said before this page, and the calls of other pages. */

import { Deferred } from "../async";
import { asRtcWidgetError } from "../errors";
import { type CallBridge, decodeHistoryPage, type HistoryPage } from "./protocol";

/** A kernel that is busy for longer answers the next page. */
const HISTORY_LIMIT_MS = 600_000;
/** A lost reply must not block the requests after it. */
const EVENTS_LIMIT_MS = 20_000;
/** The pause before asking a silent kernel again; it doubles each time. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

export interface HistoryListener {
  /** What was said before this page, without the events that only the log needs. */
  onHistory(page: HistoryPage): void;
  /** New events of another page's call. */
  onFollowed(page: HistoryPage): void;
}

export class HistoryReader {
  readonly #bridge: CallBridge;
  readonly #signal: AbortSignal;
  readonly #listener: HistoryListener;
  /** The attempts of this page; it has their events itself. */
  readonly #own: () => readonly string[];
  /** The number of the first event that this page does not know. */
  #next = 0;
  /** The kernel has the events before this number. */
  #end = 0;
  #hasHistory = false;
  /** The kernel has told this page of something since it asked last: events, or the end of a call. */
  #hasNews = false;
  #isReading = false;
  #pauseMs = FIRST_PAUSE_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #complete = new Deferred<void>();

  constructor(bridge: CallBridge, own: () => readonly string[], listener: HistoryListener, signal: AbortSignal) {
    this.#bridge = bridge;
    this.#own = own;
    this.#listener = listener;
    this.#signal = signal;
  }

  /** Asks for the history, once; the kernel has greeted this page. */
  begin(): void {
    if (!this.#hasHistory) void this.#read();
  }

  /** Resolves when this page has the history, and all later events that the kernel has announced. */
  get complete(): Promise<void> {
    return this.#complete.promise;
  }

  /** The kernel has events up to this number. */
  logGrew(next: number): void {
    this.#end = Math.max(this.#end, next);
    this.#hasNews = true;
    if (this.#complete.isSettled) this.#complete = new Deferred();
    void this.#read();
  }

  /** Returns events of the whole log, from number `first` on and before number `before`. */
  async events(first: number, before: number): Promise<HistoryPage> {
    return this.#ask(first, before, false);
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    clearTimeout(this.#retry);
    let isLate = false;
    try {
      while (!this.#hasHistory) {
        this.#hasNews = false;
        const page = await this.#ask(this.#next, null, true);
        this.#next = page.next;
        this.#hasHistory = !page.more;
        this.#listener.onHistory(page);
      }
      while (this.#next < this.#end || this.#hasNews) {
        this.#hasNews = false;
        const page = await this.#ask(this.#next, null, false);
        const hasGrown = page.next > this.#next;
        // The end of a call may be known after its last event.
        if (hasGrown || page.calls.length > 0) this.#listener.onFollowed(page);
        // Without progress, asking again would never end.
        if (!hasGrown) break;
        this.#next = page.next;
      }
      this.#complete.resolve();
    } catch (error) {
      // A kernel that is busy, or whose reply was lost, is asked again; any other error waits for the next `log_grew`.
      isLate = asRtcWidgetError(error).code === "kernel_timeout";
    } finally {
      this.#isReading = false;
    }
    if (!isLate) return;
    this.#retry = setTimeout(() => void this.#read(), this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
  }

  async #ask(first: number, before: number | null, brief: boolean): Promise<HistoryPage> {
    const without = brief || before === null ? this.#own() : [];
    const request = { type: "history", first, before, brief, without } as const;
    const how = { signal: this.#signal, limitMs: brief ? HISTORY_LIMIT_MS : EVENTS_LIMIT_MS, isBackground: true };
    const result = await this.#bridge.request(request, how);
    this.#pauseMs = FIRST_PAUSE_MS;
    return decodeHistoryPage(result);
  }
}
