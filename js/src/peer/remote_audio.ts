/** Plays what the other side sends: a browser decodes only audio that is played, and counts only what it decodes. */

import { Speaker } from "../media/speaker";

/** "blocked": the browser wants a click before it lets the page be heard, so the audio is played without sound. */
export type RemoteAudioState = "none" | "audible" | "muted" | "blocked";

export class RemoteAudio {
  readonly #onState: (state: RemoteAudioState) => void;
  readonly #signal: AbortSignal;
  readonly #stream = new MediaStream();
  #speaker: Speaker | undefined;
  #state: RemoteAudioState = "none";

  constructor(onState: (state: RemoteAudioState) => void, signal: AbortSignal) {
    this.#onState = onState;
    this.#signal = signal;
    signal.addEventListener(
      "abort",
      () => {
        this.#speaker?.remove();
        this.#setState("none");
      },
      { once: true },
    );
  }

  /** Plays one more track. */
  add(track: MediaStreamTrack): void {
    if (track.kind !== "audio" || this.#signal.aborted) return;
    this.#stream.addTrack(track);
    this.#speaker ??= new Speaker((blocked) => blocked && this.#fallBack());
    if (this.#state === "none") this.#setState("audible");
    void this.#speaker.play(this.#stream);
  }

  /** Makes the audio heard, or plays it without sound. To be called by a click. */
  setAudible(isAudible: boolean): void {
    if (!this.#speaker || this.#state === "none") return;
    this.#speaker.muted = !isAudible;
    this.#setState(isAudible ? "audible" : "muted");
    void this.#speaker.resume();
  }

  #fallBack(): void {
    if (!this.#speaker || this.#state !== "audible") return;
    this.#setState("blocked");
    this.#speaker.muted = true;
    void this.#speaker.resume();
  }

  #setState(state: RemoteAudioState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#onState(state);
  }
}
