/** Measures the level of a received stream, block by block, with an AnalyserNode. */

import { now } from "../page";
import { keepResuming, openContext } from "./audio_context";

const POLL_MS = 100;
const BLOCK_SECONDS = 0.02;
/** The largest window of an analyser: 0.7 s at 48 kHz, because the timers of a hidden page may be late. */
const WINDOW = 32_768;

/** The RMS level (0 to 1) of a block of audio, and when it was received, on the time base of the page. */
export type OnBlock = (level: number, startMs: number, durationMs: number) => void;

export class SoundMeter {
  readonly #onBlock: OnBlock;
  #life: AbortController | undefined;

  constructor(onBlock: OnBlock) {
    this.#onBlock = onBlock;
  }

  /** Measures this stream until `stop`; does nothing where the browser cannot. */
  listen(stream: MediaStream): void {
    this.stop();
    const life = new AbortController();
    try {
      const context = openContext();
      life.signal.addEventListener("abort", () => void context.close());
      const analyser = new AnalyserNode(context, { fftSize: WINDOW });
      new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(analyser);
      keepResuming(context, life.signal);
      const timer = setInterval(blockReader(context, analyser, this.#onBlock), POLL_MS);
      life.signal.addEventListener("abort", () => clearInterval(timer));
      this.#life = life;
    } catch {
      life.abort(); // without a track, or without Web Audio
    }
  }

  stop(): void {
    this.#life?.abort();
    this.#life = undefined;
  }
}

/** Returns a function that reads the blocks that were received since its last call. */
function blockReader(context: AudioContext, analyser: AnalyserNode, onBlock: OnBlock): () => void {
  const { sampleRate } = context;
  const length = Math.round(BLOCK_SECONDS * sampleRate);
  const samples = new Float32Array(WINDOW);
  let read = 0;
  return () => {
    const frame = Math.round(context.currentTime * sampleRate);
    const atMs = now();
    analyser.getFloatTimeDomainData(samples);
    read = Math.max(read, frame - WINDOW);
    for (; read + length <= frame; read += length) {
      const from = WINDOW - (frame - read);
      const startMs = atMs - ((frame - read) / sampleRate) * 1_000;
      onBlock(rms(samples, from, from + length), startMs, 1_000 * BLOCK_SECONDS);
    }
  };
}

function rms(samples: Float32Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at++) sum += (samples[at] ?? 0) ** 2;
  return Math.sqrt(sum / (to - from));
}
