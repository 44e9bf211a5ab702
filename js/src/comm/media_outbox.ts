/** Recorded sound and statistics on their way to the kernel: they wait for a kernel that is busy, but not without end. */

import { Deferred, within } from "../async";
import { ResendGuard } from "./bridge";
import { toBase64 } from "./pcm";
import type { MediaMessage, Track } from "./protocol";

/** How many messages may be ahead of the kernel: more would only stand in its queue. */
const WINDOW = 64;
/** What may wait in the page: eleven minutes of both sides at 24 kHz. */
const MOST_WAITING_BYTES = 64 * 2 ** 20;
const REPORT_BYTES = 16_384;
const FIRST_REMINDER_MS = 5_000;
const LONGEST_REMINDER_MS = 30_000;

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

type Waiting = { readonly sound: AudioChunk; lost: number } | { readonly look: StatsSample };

/** Numbers are given when a message leaves, so that what was dropped while it waited leaves no hole in them. */
export class MediaOutbox {
  readonly #post: (message: MediaMessage) => void;
  readonly #mostWaitingBytes: number;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  readonly #sent: MediaMessage[] = [];
  #next = 0;
  readonly #guard = new ResendGuard();
  #reminder: ReturnType<typeof setTimeout> | undefined;
  /** Samples dropped of a track of which nothing waits that could tell so. */
  readonly #lost: Record<Track, number> = { user: 0, assistant: 0 };
  #emptied: Deferred<void> | undefined;

  constructor(post: (message: MediaMessage) => void, mostWaitingBytes = MOST_WAITING_BYTES) {
    this.#post = post;
    this.#mostWaitingBytes = mostWaitingBytes;
  }

  addAudio(sound: AudioChunk): void {
    this.#waiting.push({ sound, lost: this.#lost[sound.track] });
    this.#lost[sound.track] = 0;
    this.#waitingBytes += sound.samples.byteLength;
    this.#dropOldest();
    this.#pump();
  }

  addStats(look: StatsSample): void {
    this.#waiting.push({ look });
    this.#waitingBytes += REPORT_BYTES;
    this.#dropOldest();
    this.#pump();
  }

  /** The kernel has everything before this number; `missing`: a later one has come, so those in between are lost. */
  acknowledge(next: number, missing: boolean): void {
    const first = this.#sent[0]?.number ?? this.#next;
    this.#sent.splice(0, Math.max(0, Math.min(next, this.#next) - first));
    if (missing) this.#resend(next);
    this.#pump();
    this.#remindAfter(FIRST_REMINDER_MS);
    if (this.#isEmpty) this.#emptied?.resolve();
  }

  /** Resolves when the kernel has all of it, or at the latest after so many milliseconds. */
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
    while (this.#sent.length < WINDOW) {
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
    while (this.#waitingBytes > this.#mostWaitingBytes) {
      const dropped = this.#waiting.shift();
      if (!dropped) break;
      this.#waitingBytes -= bytesOf(dropped);
      if (!("sound" in dropped)) continue;
      const { track, samples } = dropped.sound;
      const lost = dropped.lost + samples.length;
      const heir = this.#waiting.find((one) => "sound" in one && one.sound.track === track);
      if (heir && "sound" in heir) heir.lost += lost;
      else this.#lost[track] += lost;
    }
  }

  #resend(from: number): void {
    if (!this.#guard.isDue(from)) return;
    for (const message of this.#sent) this.#post(message);
  }

  /** Says the oldest again now and then while it is not acknowledged: it may be the only one, and lost. */
  #remindAfter(pause: number): void {
    clearTimeout(this.#reminder);
    const [oldest] = this.#sent;
    if (!oldest) return;
    this.#reminder = setTimeout(() => {
      this.#post(oldest);
      this.#remindAfter(Math.min(2 * pause, LONGEST_REMINDER_MS));
    }, pause);
  }
}

function bytesOf(waiting: Waiting): number {
  return "sound" in waiting ? waiting.sound.samples.byteLength : REPORT_BYTES;
}

function encoded(waiting: Waiting): DistributiveOmit<MediaMessage, "number"> {
  if ("look" in waiting) {
    const { attempt, timeMs, reports } = waiting.look;
    return { type: "stats", attempt, time_ms: timeMs, reports };
  }
  const { attempt, track, rate, atMs, samples } = waiting.sound;
  return { type: "audio", attempt, track, rate, at_ms: atMs, lost: waiting.lost, data: toBase64(samples) };
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
