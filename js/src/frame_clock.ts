/** When a frame of an AudioContext was heard, on the page's clock. */

const REMEMBERED_MS = 30_000;
const BUCKET_MS = 1_000;

/**
 * Messages of the audio thread arrive late, never early: the least delay of the last half minute is nearest to the truth, and
 * forgetting older ones lets it follow two clocks that drift apart.
 */
export class FrameClock {
  readonly #rate: number;
  #buckets: { readonly since: number; least: number }[] = [];

  constructor(rate: number) {
    this.#rate = rate;
  }

  /** A message that holds all frames before this one has just arrived. */
  note(frame: number, nowMs: number): void {
    const offset = nowMs - (frame / this.#rate) * 1_000;
    const latest = this.#buckets.at(-1);
    if (latest && nowMs - latest.since < BUCKET_MS) latest.least = Math.min(latest.least, offset);
    else this.#buckets.push({ since: nowMs, least: offset });
    this.#buckets = this.#buckets.filter(({ since }) => nowMs - since < REMEMBERED_MS);
  }

  /** The context stood still and goes on: what was known of its frames holds no more. */
  reset(): void {
    this.#buckets = [];
  }

  timeOf(frame: number): number {
    return Math.min(...this.#buckets.map(({ least }) => least)) + (frame / this.#rate) * 1_000;
  }
}
