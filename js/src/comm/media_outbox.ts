/** Recorded audio and statistics on their way to the kernel. They wait for a busy kernel, up to a size. */

import { Deferred, within } from "../async";
import { ResendGuard } from "./bridge";
import { toBase64 } from "./pcm";
import type { MediaMessage, Track } from "./protocol";

/** How many messages may be unacknowledged: more would only wait in the queue of the kernel. */
const MAX_UNACKNOWLEDGED = 64;
/** What may wait in the page: eleven minutes of both tracks at 24 kHz. */
const MAX_WAITING_BYTES = 64 * 2 ** 20;
const REPORT_BYTES = 16_384;
const FIRST_REMINDER_MS = 5_000;
const MAX_REMINDER_MS = 30_000;

export interface AudioChunk {
  readonly attempt: string;
  readonly track: Track;
  readonly rate: number;
  readonly atMs: number;
  readonly samples: Int16Array;
}

export interface StatsSample {
  readonly attempt: string;
  readonly timeMs: number;
  readonly reports: readonly object[];
}

type Waiting = { readonly audio: AudioChunk; lost: number } | { readonly stats: StatsSample };

/** A message gets its number when it leaves: one that was dropped while it waited leaves no gap. */
export class MediaOutbox {
  readonly #post: (message: MediaMessage) => void;
  readonly #maxWaitingBytes: number;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  readonly #sent: MediaMessage[] = [];
  #next = 0;
  readonly #guard = new ResendGuard();
  #reminder: ReturnType<typeof setTimeout> | undefined;
  /** Samples of a track that were dropped while no message of it waits that could report them. */
  readonly #lost: Record<Track, number> = { user: 0, assistant: 0 };
  #emptied: Deferred<void> | undefined;

  constructor(post: (message: MediaMessage) => void, maxWaitingBytes = MAX_WAITING_BYTES) {
    this.#post = post;
    this.#maxWaitingBytes = maxWaitingBytes;
  }

  addAudio(audio: AudioChunk): void {
    this.#waiting.push({ audio, lost: this.#lost[audio.track] });
    this.#lost[audio.track] = 0;
    this.#waitingBytes += audio.samples.byteLength;
    this.#dropOldest();
    this.#pump();
  }

  addStats(stats: StatsSample): void {
    this.#waiting.push({ stats });
    this.#waitingBytes += REPORT_BYTES;
    this.#dropOldest();
    this.#pump();
  }

  /** The kernel has everything before this number; `missing`: a later message has arrived, so those between are lost. */
  acknowledge(next: number, missing: boolean): void {
    const first = this.#sent[0]?.number ?? this.#next;
    this.#sent.splice(0, Math.max(0, Math.min(next, this.#next) - first));
    if (missing) this.#resend(next);
    this.#pump();
    this.#remindAfter(FIRST_REMINDER_MS);
    if (this.#isEmpty) this.#emptied?.resolve();
  }

  /** Resolves when the kernel has everything, or after so many milliseconds. */
  async emptied(limitMs: number): Promise<void> {
    if (this.#isEmpty) return;
    if (!this.#emptied || this.#emptied.isSettled) this.#emptied = new Deferred();
    await within(limitMs, this.#emptied.promise, () => undefined);
  }

  close(): void {
    clearTimeout(this.#reminder);
  }

  get #isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#sent.length === 0;
  }

  #pump(): void {
    while (this.#sent.length < MAX_UNACKNOWLEDGED) {
      const waiting = this.#waiting.shift();
      if (!waiting) break;
      const message = { ...encoded(waiting), number: this.#next++ };
      this.#waitingBytes -= bytesOf(waiting);
      this.#sent.push(message);
      this.#post(message);
      if (this.#sent.length === 1) this.#remindAfter(FIRST_REMINDER_MS);
    }
  }

  #dropOldest(): void {
    while (this.#waitingBytes > this.#maxWaitingBytes) {
      const dropped = this.#waiting.shift();
      if (!dropped) break;
      this.#waitingBytes -= bytesOf(dropped);
      if (!("audio" in dropped)) continue;
      const { track, samples } = dropped.audio;
      const lost = dropped.lost + samples.length;
      const next = this.#waiting.find((one) => "audio" in one && one.audio.track === track);
      if (next && "audio" in next) next.lost += lost;
      else this.#lost[track] += lost;
    }
  }

  #resend(from: number): void {
    if (!this.#guard.isDue(from)) return;
    for (const message of this.#sent) this.#post(message);
  }

  /** Repeats the oldest message until it is acknowledged: it may be the only one, and lost. */
  #remindAfter(pause: number): void {
    clearTimeout(this.#reminder);
    const [oldest] = this.#sent;
    if (!oldest) return;
    this.#reminder = setTimeout(() => {
      this.#post(oldest);
      this.#remindAfter(Math.min(2 * pause, MAX_REMINDER_MS));
    }, pause);
  }
}

function bytesOf(waiting: Waiting): number {
  return "audio" in waiting ? waiting.audio.samples.byteLength : REPORT_BYTES;
}

function encoded(waiting: Waiting): DistributiveOmit<MediaMessage, "number"> {
  if ("stats" in waiting) {
    const { attempt, timeMs, reports } = waiting.stats;
    return { type: "stats", attempt, time_ms: timeMs, reports };
  }
  const { attempt, track, rate, atMs, samples } = waiting.audio;
  return { type: "audio", attempt, track, rate, at_ms: atMs, lost: waiting.lost, data: toBase64(samples) };
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
