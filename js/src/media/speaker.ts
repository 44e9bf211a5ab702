import type { Device } from "../comm/protocol";
import { pageError } from "../errors";
import { type DeviceChoice, loadChoice, saveChoice } from "./devices";

/** The loudspeaker: one `<audio>` element that belongs to the model, so that a view that closes does not stop the audio. */
export class Speaker {
  readonly #element: HTMLAudioElement;
  readonly #onBlocked: (blocked: boolean) => void;
  #choice = loadChoice("speaker");

  constructor(onBlocked: (blocked: boolean) => void) {
    this.#onBlocked = onBlocked;
    this.#element = document.createElement("audio");
    this.#element.autoplay = true;
    this.#element.setAttribute("playsinline", "");
    this.#element.hidden = true;
    document.body.append(this.#element);
  }

  /** Whether this browser lets a page choose the loudspeaker. */
  get canChoose(): boolean {
    return typeof this.#element.setSinkId === "function";
  }

  get choice(): DeviceChoice | undefined {
    return this.#choice;
  }

  /** Plays on that device or the system default; rejects with `speaker_not_selectable` where the browser forbids it. */
  async choose(device: Device | undefined): Promise<void> {
    if (this.canChoose) await this.#playOn(device?.id ?? "");
    else if (device) throw pageError("speaker_not_selectable");
    this.#choice = device;
    saveChoice("speaker", device && { id: device.id, name: device.name });
  }

  async #playOn(id: string): Promise<void> {
    try {
      await this.#element.setSinkId(id);
    } catch (error) {
      const message = "The browser cannot play audio on this loudspeaker.";
      const hint = "Check that it is plugged in, choose another one, or choose it in the system's audio settings.";
      throw pageError("speaker_not_selectable", { message, hint, cause: error });
    }
  }

  /** A muted element decodes what it plays, so that the statistics move; and no browser blocks it. */
  set muted(muted: boolean) {
    this.#element.muted = muted;
  }

  async play(stream: MediaStream): Promise<void> {
    // Without the chosen device the system default plays; the choice is kept for when the device is back.
    if (this.#choice && this.canChoose) await this.#element.setSinkId(this.#choice.id).catch(() => {});
    this.#element.srcObject = stream;
    await this.resume();
  }

  /** Plays the stream. If the browser needs a click first, this is reported and not thrown. */
  async resume(): Promise<void> {
    try {
      await this.#element.play();
      this.#onBlocked(false);
    } catch (error) {
      // Other rejections mean that the stream was removed again.
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
