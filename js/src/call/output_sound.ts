/** The assistant's sound: reported where the server does not say when it is heard, and silenced by an interruption. */

import { type SoundChange, SoundDetector } from "../media/sound_detector";
import { SoundMeter } from "../media/sound_meter";
import { now } from "../page";

/** A server that reports its audio does so before the sound; its report is awaited for so long. */
const REPORT_MS = 300;
/** A voice that goes on after an interruption is heard again after this time. */
const MAX_SILENCED_MS = 10_000;

export interface OutputSoundParts {
  /** The assistant has become audible or silent, and the server has not said so. */
  onChange(change: SoundChange): void;
  /** Whether the loudspeaker is to be silent. */
  setMuted(muted: boolean): void;
}

export class OutputSound {
  readonly #parts: OutputSoundParts;
  readonly #meter = new SoundMeter((level, startMs, durationMs) => this.take(level, startMs, durationMs));
  #detector = new SoundDetector();
  #isReported = false;
  /** Changes that wait for the server's report; undefined after the first ones have waited. */
  #held: SoundChange[] | undefined = [];
  #holding: ReturnType<typeof setTimeout> | undefined;
  /** Ends the silence of an interruption. */
  #silenced: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: OutputSoundParts) {
    this.#parts = parts;
  }

  /** A call begins to receive this stream. */
  listen(stream: MediaStream): void {
    this.end();
    this.#meter.listen(stream);
  }

  /** The server says itself when its audio is heard. */
  serverReports(): void {
    this.#isReported = true;
    clearTimeout(this.#holding);
    this.#meter.stop();
    this.#unmute();
  }

  /** Silences the voice, if it is heard, until it has paused. */
  silence(): void {
    if (!this.#detector.isAudible || this.#silenced !== undefined) return;
    this.#silenced = setTimeout(() => {
      this.#unmute();
      this.#report({ isAudible: true, atMs: now() });
    }, MAX_SILENCED_MS);
    this.#parts.setMuted(true);
    this.#report({ isAudible: false, atMs: now() });
  }

  /** The call is over. */
  end(): void {
    this.#meter.stop();
    clearTimeout(this.#holding);
    this.#detector = new SoundDetector();
    this.#isReported = false;
    this.#held = [];
    this.#unmute();
  }

  /** Takes the level of the next block of received audio. */
  take(level: number, startMs: number, durationMs: number): void {
    const change = this.#detector.take(level, startMs, durationMs);
    if (!change) return;
    if (this.#silenced === undefined) this.#report(change);
    else this.#unmute(); // it has paused
  }

  #report(change: SoundChange): void {
    if (this.#isReported) return;
    if (!this.#held) {
      this.#parts.onChange(change);
      return;
    }
    this.#held.push(change);
    if (this.#held.length > 1) return;
    this.#holding = setTimeout(() => {
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const one of held) this.#parts.onChange(one);
    }, REPORT_MS);
  }

  #unmute(): void {
    if (this.#silenced === undefined) return;
    clearTimeout(this.#silenced);
    this.#silenced = undefined;
    this.#parts.setMuted(false);
  }
}
