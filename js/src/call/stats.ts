/** Samples the browser's statistics during a call. */

import type { StatsSample } from "../comm/media_outbox";
import { now } from "../page";
import type { Peer } from "./peer";

/** The round-trip time of the selected candidate pair in milliseconds; undefined while it is not measured. */
export function roundTripOf(reports: readonly object[]): number | undefined {
  const found = reports.find(
    (report) => "nominated" in report && report.nominated === true && "state" in report && report.state === "succeeded",
  );
  const seconds = found && "currentRoundTripTime" in found ? found.currentRoundTripTime : undefined;
  return typeof seconds === "number" ? seconds * 1_000 : undefined;
}

export class StatsSampler {
  readonly #intervalMs: () => number | null;
  readonly #onSample: (sample: StatsSample) => void;
  #connection: { readonly attempt: string; readonly peer: Pick<Peer, "getStats"> } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param intervalMs the time between two samples; null for none. Read again before each. */
  constructor(intervalMs: () => number | null, onSample: (sample: StatsSample) => void) {
    this.#intervalMs = intervalMs;
    this.#onSample = onSample;
  }

  /** Takes a first sample at once, and further ones until `stop`. */
  start(attempt: string, peer: Pick<Peer, "getStats">): void {
    this.#connection = { attempt, peer };
    this.update();
  }

  /** Applies a changed interval. */
  update(): void {
    clearTimeout(this.#timer);
    if (this.#connection && this.#intervalMs() !== null) void this.#sample();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#connection = undefined;
  }

  async #sample(): Promise<void> {
    const connection = this.#connection;
    if (!connection) return;
    const timeMs = now();
    // A connection that closes meanwhile rejects; its state reports that.
    const stats = await connection.peer.getStats().catch(() => undefined);
    if (connection !== this.#connection) return;
    if (stats) this.#onSample({ attempt: connection.attempt, timeMs, reports: [...stats.values()] });
    const intervalMs = this.#intervalMs();
    clearTimeout(this.#timer);
    if (intervalMs !== null) this.#timer = setTimeout(() => void this.#sample(), intervalMs);
  }
}
