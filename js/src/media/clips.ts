/** Clips of the kernel: fetched part by part, and played into a track that can be sent. */

import { abortable } from "../async";
import type { RequestOptions, Result } from "../comm/bridge";
import { fromBase64 } from "../comm/pcm";
import { type ClipRequest, decodeClipPart } from "../comm/protocol";
import { pageError } from "../errors";
import { now } from "../page";
import { keepResuming, openContext, running } from "./audio_context";

const PART_LIMIT_MS = 10_000;

export interface Clip {
  readonly id: string;
  readonly rate: number;
  readonly parts: readonly Int16Array[];
}

/** What asks the kernel: the bridge of any widget. */
export interface ClipSource {
  request(message: ClipRequest, options: RequestOptions): Promise<Result>;
}

export async function fetchClip(kernel: ClipSource, id: string, signal: AbortSignal): Promise<Clip> {
  const parts: Int16Array[] = [];
  let rate = 0;
  for (let first: number | null = 0; first !== null; ) {
    const result = await kernel.request({ type: "clip", clip: id, first }, { signal, limitMs: PART_LIMIT_MS });
    const part = decodeClipPart(result);
    if (!part) throw pageError("unexpected", { message: "The kernel's reply holds no part of a clip." });
    parts.push(fromBase64(part.data));
    rate = part.rate;
    first = part.next;
  }
  return { id, rate, parts };
}

/** Without it the first samples are cut off while the graph starts. */
const LEAD_SECONDS = 0.05;

/** When a clip was played, on the time base of the page. */
export interface PlayedInterval {
  readonly startMs: number;
  readonly endMs: number;
}

/** Plays clips into a track; the track is silent between clips. */
export class ClipPlayer {
  readonly track: MediaStreamTrack;
  readonly #context: AudioContext;
  readonly #destination: MediaStreamAudioDestinationNode;

  /** Lives until the signal is aborted; its track ends with it. */
  constructor(signal: AbortSignal) {
    this.#context = openContext();
    this.#destination = new MediaStreamAudioDestinationNode(this.#context, { channelCount: 1 });
    // Without any source, Chromium sends nothing.
    const silence = new ConstantSourceNode(this.#context, { offset: 0 });
    silence.connect(this.#destination);
    silence.start();
    const [track] = this.#destination.stream.getAudioTracks();
    if (!track) throw pageError("media_unavailable");
    this.track = track;
    keepResuming(this.#context, signal); // a context that is suspended sends nothing, not even silence
    signal.addEventListener("abort", () => {
      track.stop();
      void this.#context.close();
    });
  }

  /** Resolves when it can play; rejects with `audio_blocked` if the browser needs a gesture first. */
  async ready(signal: AbortSignal): Promise<void> {
    await abortable(running(this.#context), signal);
  }

  /** Resolves when the clip has been played; the signal cuts it off and rejects with its reason. */
  async play(clip: Clip, signal: AbortSignal): Promise<PlayedInterval> {
    await this.ready(signal);
    const source = this.#sourceOf(clip);
    source.connect(this.#destination);
    const ended = new Promise<unknown>((resolve) => source.addEventListener("ended", resolve, { once: true }));
    const startMs = now() + 1_000 * LEAD_SECONDS;
    source.start(this.#context.currentTime + LEAD_SECONDS);
    try {
      await abortable(ended, signal);
      return { startMs, endMs: startMs + 1_000 * (source.buffer?.duration ?? 0) };
    } finally {
      source.stop();
      source.disconnect();
    }
  }

  #sourceOf(clip: Clip): AudioBufferSourceNode {
    try {
      return new AudioBufferSourceNode(this.#context, { buffer: bufferOf(clip) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw pageError("clip_failed", { message: `The browser could not play the clip: ${reason}`, cause: error });
    }
  }
}

function bufferOf({ rate, parts }: Clip): AudioBuffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const buffer = new AudioBuffer({ length, sampleRate: rate });
  const samples = buffer.getChannelData(0);
  let at = 0;
  for (const part of parts) for (const sample of part) samples[at++] = sample / 32_768;
  return buffer;
}
