/** The input audio that a connection sends: the microphone, or a clip in its place. */

import { abortable } from "../async";
import { type Clip, ClipPlayer, type PlayedInterval } from "../media/clips";

/** Silence after a clip, so that the server detects the end of speech. */
const SILENCE_MS = 1_000;

export class AudioSender {
  readonly #send: (track: MediaStreamTrack | null) => Promise<void>;
  readonly #signal: AbortSignal;
  #microphone: MediaStreamTrack | null = null;
  #player: ClipPlayer | undefined;
  #sentTrack: MediaStreamTrack | null = null;
  #pendingClips = 0;
  #playing: Promise<unknown> = Promise.resolve();
  #restoring: ReturnType<typeof setTimeout> | undefined;

  /** @param send sends a track from now on. The sender lives until the signal is aborted. */
  constructor(send: (track: MediaStreamTrack | null) => Promise<void>, signal: AbortSignal) {
    this.#send = send;
    this.#signal = signal;
    signal.addEventListener("abort", () => clearTimeout(this.#restoring));
  }

  /** Sends this microphone from now on, or after the current clip. */
  async setMicrophone(track: MediaStreamTrack | null): Promise<void> {
    this.#microphone = track;
    await this.#update();
  }

  /** Sends silence from now on; without a track the server does not detect the end of speech. */
  async sendSilence(): Promise<void> {
    this.#player ??= new ClipPlayer(this.#signal);
    await this.setMicrophone(null);
  }

  /** Plays a clip after those before it; either signal cuts it off and rejects with its reason. */
  playClip(clip: Clip, cancelled: AbortSignal): Promise<PlayedInterval> {
    const signal = AbortSignal.any([this.#signal, cancelled]);
    this.#pendingClips++;
    const played = this.#playing.then(async () => {
      signal.throwIfAborted();
      this.#player ??= new ClipPlayer(this.#signal);
      await abortable(this.#update(), signal);
      return await this.#player.play(clip, signal);
    });
    const over = () => {
      this.#pendingClips--;
      clearTimeout(this.#restoring);
      if (!this.#signal.aborted) this.#restoring = setTimeout(() => void this.#update().catch(() => {}), SILENCE_MS);
    };
    this.#playing = played.then(over, over);
    return played;
  }

  async #update(): Promise<void> {
    clearTimeout(this.#restoring);
    // Without a microphone the silent player stays: a server does not take a missing track for silence.
    const track =
      this.#pendingClips > 0 ? (this.#player?.track ?? this.#microphone) : (this.#microphone ?? this.#player?.track);
    if (this.#sentTrack === (track ?? null)) return;
    this.#sentTrack = track ?? null;
    await this.#send(this.#sentTrack);
  }
}
