/** The measured sound of a call, and what it means for the conversation. */

import type { Fact, MeasuredEvent, SoundReader } from "../conversation/facts";
import type { JsonObject } from "../json";
import type { SoundChange } from "../media/sound_detector";
import { now } from "../page";
import type { VoiceProtocol } from "../protocols/base";
import { OutputSound } from "./output_sound";

export interface CallSoundParts {
  /** The assistant has become audible or silent, and the server has not said so. */
  onChange(attempt: string, change: SoundChange): void;
  onMeasured(attempt: string, event: MeasuredEvent, facts: readonly Fact[]): void;
  /** Whether the loudspeaker is to be silent. */
  setMuted(muted: boolean): void;
}

export class CallSound {
  readonly #protocol: VoiceProtocol;
  readonly #parts: CallSoundParts;
  readonly #output: OutputSound;
  #call: { readonly attempt: string; readonly reader: SoundReader } | undefined;

  constructor(protocol: VoiceProtocol, parts: CallSoundParts) {
    this.#protocol = protocol;
    this.#parts = parts;
    this.#output = new OutputSound({ onChange: (change) => this.#change(change), setMuted: parts.setMuted });
  }

  begin(attempt: string): void {
    this.#call = { attempt, reader: this.#protocol.soundReader() };
  }

  listen(stream: MediaStream): void {
    this.#output.listen(stream);
  }

  /** Takes a received event of the call, and the facts in it. */
  consume(event: JsonObject, facts: readonly Fact[]): void {
    if (facts.some((fact) => fact.type === "speaking" && fact.speaker === "assistant")) this.#output.serverReports();
    this.#apply(this.#call?.reader.consume(event, facts, now()));
  }

  /** Silences the voice, if it is heard, until it has paused. */
  silence(): void {
    this.#output.silence();
  }

  end(): void {
    this.#output.end();
    this.#call = undefined;
  }

  #change(change: SoundChange): void {
    if (!this.#call) return;
    this.#parts.onChange(this.#call.attempt, change);
    this.#apply(this.#call.reader.take(change.isAudible, change.atMs));
  }

  #apply(events: readonly MeasuredEvent[] = []): void {
    const { attempt } = this.#call ?? {};
    if (attempt === undefined) return;
    for (const measured of events) {
      this.#parts.onMeasured(attempt, measured, this.#protocol.factsOf(measured.event));
    }
  }
}
