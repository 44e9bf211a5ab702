/** Measures how loud both sides are, from the sound itself, while somebody looks. */

import type { Track } from "../comm/protocol";
import { keepResuming, openContext } from "./audio_context";

const POLL_MS = 100;
/** 43 ms at 48 kHz. */
const WINDOW = 2_048;
/** What a meter shows at its lower end, in dBFS (RMS). */
const FLOOR_DB = -60;

/** 0 (silence) to 1 (full scale), on a logarithmic scale. */
export type Levels = Readonly<Record<Track, number>>;
export type Tracks = Readonly<Record<Track, MediaStreamTrack | null>>;

export const SILENT: Levels = { user: 0, assistant: 0 };

/** Returns the RMS of samples as a level of a meter. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibels = 10 * Math.log10(sum / samples.length);
  return Math.min(1, Math.max(0, 1 - decibels / FLOOR_DB));
}

interface Source {
  readonly track: MediaStreamTrack;
  readonly node: AudioNode;
  readonly analyser: AnalyserNode;
}

export class LevelMeter {
  readonly #listeners = new Set<(levels: Levels) => void>();
  readonly #samples = new Float32Array(WINDOW);
  #tracks: Tracks = { user: null, assistant: null };
  #sources: Partial<Record<Track, Source>> = {};
  #context: AudioContext | undefined;
  #life: AbortController | undefined;

  /** Measures these tracks from now on. */
  setTracks(tracks: Partial<Tracks>): void {
    this.#tracks = { ...this.#tracks, ...tracks };
    this.#update();
  }

  /** Gets the levels ten times a second until the returned function is called; nothing is measured without listeners. */
  listen(listener: (levels: Levels) => void): () => void {
    this.#listeners.add(listener);
    this.#update();
    return () => {
      this.#listeners.delete(listener);
      this.#update();
    };
  }

  #update(): void {
    const { user, assistant } = this.#tracks;
    const isNeeded = this.#listeners.size > 0 && (user !== null || assistant !== null);
    if (isNeeded) this.#start();
    else this.#stop();
    if (!this.#context) return;
    this.#connect("user", user, this.#context);
    this.#connect("assistant", assistant, this.#context);
  }

  #start(): void {
    if (this.#life) return;
    this.#life = new AbortController();
    try {
      this.#context = openContext();
    } catch {
      return; // without Web Audio there are no meters
    }
    keepResuming(this.#context, this.#life.signal);
    const timer = setInterval(() => this.#measure(), POLL_MS);
    this.#life.signal.addEventListener("abort", () => clearInterval(timer));
  }

  #stop(): void {
    if (!this.#life) return;
    this.#life.abort();
    this.#life = undefined;
    void this.#context?.close();
    this.#context = undefined;
    this.#sources = {};
    for (const listener of this.#listeners) listener(SILENT);
  }

  #connect(side: Track, track: MediaStreamTrack | null, context: AudioContext): void {
    const before = this.#sources[side];
    if (before?.track === track) return;
    before?.node.disconnect();
    delete this.#sources[side];
    if (!track) return;
    try {
      const node = new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track]) });
      const analyser = new AnalyserNode(context, { fftSize: WINDOW });
      node.connect(analyser);
      this.#sources[side] = { track, node, analyser };
    } catch {
      // Firefox measures no track of another rate than the context's.
    }
  }

  #measure(): void {
    // A suspended context gives zeros, whatever is heard.
    if (this.#context?.state !== "running") return;
    const levels = { user: this.#level("user"), assistant: this.#level("assistant") };
    for (const listener of this.#listeners) listener(levels);
  }

  #level(side: Track): number {
    const source = this.#sources[side];
    if (!source) return 0;
    source.analyser.getFloatTimeDomainData(this.#samples);
    return levelOf(this.#samples);
  }
}
