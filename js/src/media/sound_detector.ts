/** When audio becomes audible and silent, by the levels of its blocks; the twin of `headless/sound_detector.py`. */

/** -54 dBFS (RMS). */
export const AUDIBLE_LEVEL = 10 ** (-54 / 20);
/** A shorter silence is a pause within speech. */
export const SILENCE_MS = 500;

export interface SoundChange {
  readonly isAudible: boolean;
  /** When it became audible, or when its last sound ended. */
  readonly atMs: number;
}

/** Counts in the time of the audio, not of a clock: a starved machine measures the same, only later. */
export class SoundDetector {
  #isAudible = false;
  #silentMs = 0;
  #soundEndMs = 0;

  get isAudible(): boolean {
    return this.#isAudible;
  }

  /** Takes the next block of audio, with its RMS level (0 to 1); returns the change that it makes. */
  take(level: number, startMs: number, durationMs: number): SoundChange | undefined {
    if (level > AUDIBLE_LEVEL) {
      this.#silentMs = 0;
      this.#soundEndMs = startMs + durationMs;
      if (this.#isAudible) return undefined;
      this.#isAudible = true;
      return { isAudible: true, atMs: startMs };
    }
    this.#silentMs += durationMs;
    if (!this.#isAudible || this.#silentMs < SILENCE_MS) return undefined;
    this.#isAudible = false;
    return { isAudible: false, atMs: this.#soundEndMs };
  }
}
