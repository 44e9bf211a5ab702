import type { Device } from "../comm/protocol";
import { pageError } from "../errors";
import { type DeviceChoice, recall, remember } from "./devices";

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

  get choice(): DeviceChoice | undefined {
    return this.#choice;
  }

  /** Plays on that device, or on the system's own; rejects with `speaker_not_selectable` where the browser does not let it. */
  async choose(device: Device | undefined): Promise<void> {
    if (this.canChoose) await this.#playOn(device?.id ?? "");
    else if (device) throw pageError("speaker_not_selectable");
    this.#choice = device;
    remember("speaker", device && { id: device.id, name: device.name });
  }

  async #playOn(id: string): Promise<void> {
    try {
      await this.#element.setSinkId(id);
    } catch (error) {
      const message = "The browser does not play the voice on this loudspeaker.";
      const hint = "Is it plugged in? Choose another one, or choose it in the system's sound settings.";
      throw pageError("speaker_not_selectable", { message, hint, cause: error });
    }
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
