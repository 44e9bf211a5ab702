/** The audio graph that listens to both sides at once, so that their samples stand beside each other. */

import { Deferred, within } from "../async";
import type { Track } from "../comm/protocol";
import { pageError } from "../errors";
import { now } from "../page";
import { keepResuming, openContext } from "./audio_context";
import { type CapturedAudio, loadRecorderWorklet, PROCESSOR } from "./recorder_worklet";

const RATE = 24_000;
const BATCH_MS = 200;
const FLUSH_LIMIT_MS = 1_000;

type Sides = Readonly<Record<Track, Int16Array>>;
export type TakeBatch = (rate: number, atMs: number, sides: Sides) => void;

export class RecordingGraph {
  readonly #context: AudioContext;
  readonly #node: AudioWorkletNode;
  readonly #take: TakeBatch;
  readonly #clock: FrameClock;
  readonly #life = new AbortController();
  readonly #sources = new Map<Track, { readonly track: MediaStreamTrack; readonly node: AudioNode }>();
  #batch: CapturedAudio[] = [];
  #flushed: Deferred<void> | undefined;

  /**
   * Rejects with `recording_unavailable` where the browser or the host's rules do not let a page record.
   *
   * It runs at the wanted rate, or at the browser's own, which is that of the browser's tracks.
   */
  static async open(take: TakeBatch, rate: "wanted" | "own"): Promise<RecordingGraph> {
    const context = openContext(rate === "wanted" ? { sampleRate: RATE } : undefined);
    try {
      await loadRecorderWorklet(context);
      return new RecordingGraph(context, take);
    } catch (error) {
      void context.close();
      throw pageError("recording_unavailable", { cause: error });
    }
  }

  private constructor(context: AudioContext, take: TakeBatch) {
    this.#context = context;
    this.#take = take;
    this.#clock = new FrameClock(context.sampleRate);
    // Its output is silence, and there only since a browser need not run what leads nowhere.
    this.#node = new AudioWorkletNode(context, PROCESSOR, { numberOfInputs: 2, numberOfOutputs: 1 });
    this.#node.connect(context.destination);
    this.#node.port.onmessage = ({ data }: MessageEvent<CapturedAudio>) => this.#hear(data);
    context.addEventListener("statechange", () => this.#clock.reset(), { signal: this.#life.signal });
    keepResuming(context, this.#life.signal);
  }

  /** Throws `NotSupportedError` where the browser hears no track of another rate than the graph's (Firefox). */
  listenTo(tracks: Readonly<Record<Track, MediaStreamTrack | null>>): void {
    if (this.#life.signal.aborted) return;
    this.#listen("user", tracks.user, 0);
    this.#listen("assistant", tracks.assistant, 1);
  }

  /** Hands over what has been heard so far; rejects with `audio_blocked` if the browser lets nothing be heard. */
  async flush(): Promise<void> {
    if (this.#life.signal.aborted) return;
    this.#flushed ??= new Deferred();
    this.#node.port.postMessage("flush");
    await within(FLUSH_LIMIT_MS, this.#flushed.promise, () => {
      if (this.#context.state !== "running") throw pageError("audio_blocked");
    });
  }

  async close(): Promise<void> {
    await this.flush().catch(() => {});
    this.#life.abort();
    this.#node.port.postMessage("stop");
    await this.#context.close();
  }

  #listen(side: Track, track: MediaStreamTrack | null, input: number): void {
    const before = this.#sources.get(side);
    if (before?.track === track) return;
    before?.node.disconnect();
    this.#sources.delete(side);
    if (!track) return;
    const node = new MediaStreamAudioSourceNode(this.#context, { mediaStream: new MediaStream([track]) });
    node.connect(this.#node, 0, input);
    this.#sources.set(side, { track, node });
  }

  #hear(heard: CapturedAudio): void {
    this.#clock.note(heard.frame + heard.user.length, now());
    if (heard.user.length > 0) this.#batch.push(heard);
    const frames = this.#batch.reduce((sum, { user }) => sum + user.length, 0);
    if (heard.isLast || frames >= (BATCH_MS / 1_000) * this.#context.sampleRate) this.#handOver();
    if (!heard.isLast) return;
    this.#flushed?.resolve();
    this.#flushed = undefined;
  }

  #handOver(): void {
    const [first] = this.#batch;
    if (!first) return;
    const sides = { user: joined(this.#batch, "user"), assistant: joined(this.#batch, "assistant") };
    this.#batch = [];
    this.#take(this.#context.sampleRate, this.#clock.timeOf(first.frame), sides);
  }
}

function joined(batch: readonly CapturedAudio[], side: Track): Int16Array {
  const whole = new Int16Array(batch.reduce((sum, heard) => sum + heard[side].length, 0));
  let at = 0;
  for (const heard of batch) {
    whole.set(heard[side], at);
    at += heard[side].length;
  }
  return whole;
}

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
