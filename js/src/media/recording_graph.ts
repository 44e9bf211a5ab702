/** The audio graph that records both tracks together, so that their samples are aligned. */

import { Deferred, within } from "../async";
import type { Track } from "../comm/protocol";
import { pageError } from "../errors";
import { now } from "../page";
import { keepResuming, openContext } from "./audio_context";
import { type CapturedAudio, loadRecorderWorklet, PROCESSOR } from "./recorder_worklet";

const RATE = 24_000;
const BATCH_MS = 200;
const FLUSH_LIMIT_MS = 1_000;

type TrackSamples = Readonly<Record<Track, Int16Array>>;
export type OnBatch = (rate: number, atMs: number, samples: TrackSamples) => void;

export class RecordingGraph {
  readonly #context: AudioContext;
  readonly #node: AudioWorkletNode;
  readonly #onBatch: OnBatch;
  readonly #clock: FrameClock;
  readonly #life = new AbortController();
  readonly #sources = new Map<Track, { readonly track: MediaStreamTrack; readonly node: AudioNode }>();
  #batch: CapturedAudio[] = [];
  #flushed: Deferred<void> | undefined;

  /**
   * Rejects with `recording_unavailable` where the browser or the host's rules do not allow recording.
   *
   * Runs at `RATE`, or at the browser's own rate, which its tracks have as well.
   */
  static async open(onBatch: OnBatch, rate: "default" | "browser"): Promise<RecordingGraph> {
    const context = openContext(rate === "default" ? { sampleRate: RATE } : undefined);
    try {
      await loadRecorderWorklet(context);
      return new RecordingGraph(context, onBatch);
    } catch (error) {
      void context.close();
      throw pageError("recording_unavailable", { cause: error });
    }
  }

  private constructor(context: AudioContext, onBatch: OnBatch) {
    this.#context = context;
    this.#onBatch = onBatch;
    this.#clock = new FrameClock(context.sampleRate);
    // The output is silence; a browser need not run a node without an output.
    this.#node = new AudioWorkletNode(context, PROCESSOR, { numberOfInputs: 2, numberOfOutputs: 1 });
    this.#node.connect(context.destination);
    this.#node.port.onmessage = ({ data }: MessageEvent<CapturedAudio>) => this.#receive(data);
    context.addEventListener("statechange", () => this.#clock.reset(), { signal: this.#life.signal });
    keepResuming(context, this.#life.signal);
  }

  /** Throws `NotSupportedError` where the graph's rate must be the track's (Firefox). */
  setTracks(tracks: Readonly<Record<Track, MediaStreamTrack | null>>): void {
    if (this.#life.signal.aborted) return;
    this.#connect("user", tracks.user, 0);
    this.#connect("assistant", tracks.assistant, 1);
  }

  /** Delivers the audio recorded so far; rejects with `audio_blocked` if the browser does not run the graph. */
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

  #connect(side: Track, track: MediaStreamTrack | null, input: number): void {
    const before = this.#sources.get(side);
    if (before?.track === track) return;
    before?.node.disconnect();
    this.#sources.delete(side);
    if (!track) return;
    const node = new MediaStreamAudioSourceNode(this.#context, { mediaStream: new MediaStream([track]) });
    node.connect(this.#node, 0, input);
    this.#sources.set(side, { track, node });
  }

  #receive(audio: CapturedAudio): void {
    this.#clock.record(audio.frame + audio.user.length, now());
    if (audio.user.length > 0) this.#batch.push(audio);
    const frames = this.#batch.reduce((sum, { user }) => sum + user.length, 0);
    if (audio.isLast || frames >= (BATCH_MS / 1_000) * this.#context.sampleRate) this.#deliver();
    if (!audio.isLast) return;
    this.#flushed?.resolve();
    this.#flushed = undefined;
  }

  #deliver(): void {
    const [first] = this.#batch;
    if (!first) return;
    const samples = { user: joined(this.#batch, "user"), assistant: joined(this.#batch, "assistant") };
    this.#batch = [];
    this.#onBatch(this.#context.sampleRate, this.#clock.timeOf(first.frame), samples);
  }
}

function joined(batch: readonly CapturedAudio[], side: Track): Int16Array {
  const whole = new Int16Array(batch.reduce((sum, audio) => sum + audio[side].length, 0));
  let at = 0;
  for (const audio of batch) {
    whole.set(audio[side], at);
    at += audio[side].length;
  }
  return whole;
}

/** How long readings of the audio clock are kept. */
const KEPT_MS = 30_000;
const BUCKET_MS = 1_000;

/**
 * When a frame of an AudioContext was recorded, on the time base of the page.
 *
 * Messages of the audio thread arrive late, never early: the least delay of the last half minute is the most accurate.
 * Dropping older readings lets it follow two clocks that drift apart.
 */
export class FrameClock {
  readonly #rate: number;
  #buckets: { readonly since: number; minOffset: number }[] = [];

  constructor(rate: number) {
    this.#rate = rate;
  }

  /** A message with all frames before this one has just arrived. */
  record(frame: number, nowMs: number): void {
    const offset = nowMs - (frame / this.#rate) * 1_000;
    const latest = this.#buckets.at(-1);
    if (latest && nowMs - latest.since < BUCKET_MS) latest.minOffset = Math.min(latest.minOffset, offset);
    else this.#buckets.push({ since: nowMs, minOffset: offset });
    this.#buckets = this.#buckets.filter(({ since }) => nowMs - since < KEPT_MS);
  }

  /** The context was suspended, so the earlier readings are wrong. */
  reset(): void {
    this.#buckets = [];
  }

  timeOf(frame: number): number {
    return Math.min(...this.#buckets.map(({ minOffset }) => minOffset)) + (frame / this.#rate) * 1_000;
  }
}
