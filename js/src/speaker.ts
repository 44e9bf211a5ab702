/** The loudspeaker: one `<audio>` element that belongs to the model, so that no view that comes or goes cuts the voice off. */
export class Speaker {
  readonly #element: HTMLAudioElement;
  readonly #onBlocked: (blocked: boolean) => void;

  constructor(onBlocked: (blocked: boolean) => void) {
    this.#onBlocked = onBlocked;
    this.#element = document.createElement("audio");
    this.#element.autoplay = true;
    this.#element.setAttribute("playsinline", "");
    this.#element.hidden = true;
    document.body.append(this.#element);
  }

  async play(stream: MediaStream): Promise<void> {
    this.#element.srcObject = stream;
    await this.resume();
  }

  /** Plays what there is; a browser that wants a click first is reported, not raised. */
  async resume(): Promise<void> {
    try {
      await this.#element.play();
      this.#onBlocked(false);
    } catch (error) {
      // Any other refusal means that the stream was taken away again, which is no news.
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#onBlocked(true);
    }
  }

  stop(): void {
    this.#element.pause();
    this.#element.srcObject = null;
    this.#onBlocked(false);
  }

  remove(): void {
    this.stop();
    this.#element.remove();
  }
}
