/** What is sent over a connection's audio line: the microphone, or a clip in its place. */

import { abortable } from "../async";
import type { Clip } from "../media/clips";
import { ClipPlayer, type PlayedInterval } from "../media/clips";

/** After a clip the line is silent for so long, so that the server notices that nobody speaks any more. */
const SILENCE_MS = 1_000;

export class AudioSender {
  readonly #send: (track: MediaStreamTrack | null) => Promise<void>;
  readonly #signal: AbortSignal;
  #microphone: MediaStreamTrack | null = null;
  #voice: ClipPlayer | undefined;
  #sent: MediaStreamTrack | null = null;
  #clips = 0;
  #speaking: Promise<unknown> = Promise.resolve();
  #restoring: ReturnType<typeof setTimeout> | undefined;

  /** @param send puts a track on the line. The line lives until the signal is aborted. */
  constructor(send: (track: MediaStreamTrack | null) => Promise<void>, signal: AbortSignal) {
    this.#send = send;
    this.#signal = signal;
    signal.addEventListener("abort", () => clearTimeout(this.#restoring));
  }

  /** Sends this microphone from now on, or when the clip that speaks has ended. */
  async setMicrophone(track: MediaStreamTrack | null): Promise<void> {
    this.#microphone = track;
    await this.#update();
  }

  /** Sends silence from now on: the server notices that nobody speaks any more, which it would not on a line without a track. */
  async sendSilence(): Promise<void> {
    this.#voice ??= new ClipPlayer(this.#signal);
    await this.setMicrophone(null);
  }

  /** Speaks a clip when those before it have been spoken; either signal cuts it off and rejects with its reason. */
  say(clip: Clip, hushed: AbortSignal): Promise<PlayedInterval> {
    const signal = AbortSignal.any([this.#signal, hushed]);
    this.#clips++;
    const said = this.#speaking.then(async () => {
      signal.throwIfAborted();
      this.#voice ??= new ClipPlayer(this.#signal);
      await abortable(this.#update(), signal);
      return await this.#voice.speak(clip, signal);
    });
    const over = () => {
      this.#clips--;
      clearTimeout(this.#restoring);
      if (!this.#signal.aborted) this.#restoring = setTimeout(() => void this.#update().catch(() => {}), SILENCE_MS);
    };
    this.#speaking = said.then(over, over);
    return said;
  }

  async #update(): Promise<void> {
    clearTimeout(this.#restoring);
    // Without a microphone the silent voice stays: a line on which nothing comes any more is no silence to a server.
    const track = this.#clips > 0 ? (this.#voice?.track ?? this.#microphone) : (this.#microphone ?? this.#voice?.track);
    if (this.#sent === (track ?? null)) return;
    this.#sent = track ?? null;
    await this.#send(this.#sent);
  }
}
