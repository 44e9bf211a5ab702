import type { Device } from "./devices";
import { recall, remember } from "./remembered";

/** The loudspeaker: one `<audio>` element that belongs to the model, so that no view that comes or goes cuts the voice off. */
export class Speaker {
  readonly #element: HTMLAudioElement;
  readonly #onBlocked: (blocked: boolean) => void;
  #choice = recall("speaker");

  constructor(onBlocked: (blocked: boolean) => void) {
    this.#onBlocked = onBlocked;
    this.#element = document.createElement("audio");
    this.#element.autoplay = true;
    this.#element.setAttribute("playsinline", "");
    this.#element.hidden = true;
    document.body.append(this.#element);
  }

  /** Whether this browser lets a page choose where the voice comes out. */
  get canChoose(): boolean {
    return typeof this.#element.setSinkId === "function";
  }

  get choice(): string | undefined {
    return this.#choice?.id;
  }

  /** Plays on that device, or on the system's own; rejects where the browser does not let it. */
  async choose(device: Device | undefined): Promise<void> {
    await this.#element.setSinkId(device?.id ?? "");
    this.#choice = device;
    remember("speaker", device && { id: device.id, name: device.name });
  }

  async play(stream: MediaStream): Promise<void> {
    // A remembered device that is gone leaves the system's own, and the choice stands for when it is back.
    if (this.#choice && this.canChoose) await this.#element.setSinkId(this.#choice.id).catch(() => {});
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
