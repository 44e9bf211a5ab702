/** How well a call is carried: the browser's own statistics, looked at again and again while the call stands. */

import type { StatsSample } from "../comm/media_outbox";
import { now } from "../page";
import type { Peer } from "./peer";

export class StatsSampler {
  readonly #intervalMs: () => number | null;
  readonly #take: (look: StatsSample) => void;
  #watched: { readonly attempt: string; readonly peer: Pick<Peer, "getStats"> } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param intervalMs how long between two looks; null for none. Asked again before each. */
  constructor(intervalMs: () => number | null, take: (look: StatsSample) => void) {
    this.#intervalMs = intervalMs;
    this.#take = take;
  }

  /** Looks at once, which is what the next look is compared with, and then again and again until `stop`. */
  start(attempt: string, peer: Pick<Peer, "getStats">): void {
    this.#watched = { attempt, peer };
    this.update();
  }

  /** The interval may be another now. */
  update(): void {
    clearTimeout(this.#timer);
    if (this.#watched && this.#intervalMs() !== null) void this.#look();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#watched = undefined;
  }

  async #look(): Promise<void> {
    const watched = this.#watched;
    if (!watched) return;
    const timeMs = now();
    // A connection that closes meanwhile rejects, which its own state tells of.
    const stats = await watched.peer.getStats().catch(() => undefined);
    if (watched !== this.#watched) return;
    if (stats) this.#take({ attempt: watched.attempt, timeMs, reports: [...stats.values()] });
    const intervalMs = this.#intervalMs();
    clearTimeout(this.#timer);
    if (intervalMs !== null) this.#timer = setTimeout(() => void this.#look(), intervalMs);
  }
}
