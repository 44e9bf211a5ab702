/**
 * The playback of responses by the measured sound, for servers that send no `output_audio_buffer.*` events.
 *
 * The twin of `protocols/realtime/measured_audio.py`; `tests/contract/realtime_sound.json` holds both together.
 */

import type { Fact, MeasuredEvent, SoundReader } from "../../conversation/facts";
import type { JsonObject } from "../../json";
import { isRecord, isText } from "../../json";
import { hasAudio } from "./response_audio";

const TEXT_DELTAS: ReadonlySet<unknown> = new Set(["response.output_text.delta", "response.text.delta"]);

/** Audio is played in the order of the responses. A pause while a response is still generated does not end it. */
export class MeasuredAudio implements SoundReader {
  #isReported = false;
  /** The responses that were not heard yet, oldest first, and those that have ended, with their status. */
  #waiting: string[] = [];
  readonly #ended = new Map<string, unknown>();
  #playing: string | undefined;
  #isAudible = false;
  #soundMs = 0;

  consume(event: JsonObject, facts: readonly Fact[], atMs: number): readonly MeasuredEvent[] {
    if (this.#isReported) return [];
    const { type } = event;
    if (isText(type) && type.startsWith("output_audio_buffer.")) this.#isReported = true;
    else if (TEXT_DELTAS.has(type)) this.#drop(event.response_id);
    else return facts.flatMap((fact) => this.#takeFact(fact, event, atMs));
    return [];
  }

  take(isAudible: boolean, atMs: number): readonly MeasuredEvent[] {
    if (this.#isReported) return [];
    this.#isAudible = isAudible;
    this.#soundMs = atMs;
    return isAudible ? this.#start(atMs) : this.#stop();
  }

  #takeFact(fact: Fact, { response }: JsonObject, atMs: number): readonly MeasuredEvent[] {
    if (fact.type === "response_started") {
      this.#waiting.push(fact.id);
      return this.#isAudible ? this.#start(atMs) : [];
    }
    if (fact.type !== "response_ended") return [];
    const { status, output } = isRecord(response) ? response : {};
    const isSpoken = Array.isArray(output) && output.some((item) => isRecord(item) && hasAudio(item.content));
    if (this.#waiting.includes(fact.id) && !isSpoken) this.#drop(fact.id);
    else this.#ended.set(fact.id, status);
    return this.#stop();
  }

  #start(atMs: number): readonly MeasuredEvent[] {
    if (this.#playing !== undefined) return [];
    this.#playing = this.#waiting.shift();
    return this.#playing === undefined ? [] : [measured("started", this.#playing, atMs)];
  }

  #stop(): readonly MeasuredEvent[] {
    const id = this.#playing;
    if (id === undefined || this.#isAudible || !this.#ended.has(id)) return [];
    const isCut = this.#ended.get(id) === "cancelled";
    this.#ended.delete(id);
    this.#playing = undefined;
    return [measured(isCut ? "cleared" : "stopped", id, this.#soundMs)];
  }

  #drop(id: unknown): void {
    this.#waiting = this.#waiting.filter((one) => one !== id);
  }
}

function measured(what: string, response_id: string, atMs: number): MeasuredEvent {
  return { event: { type: `output_audio_buffer.${what}`, response_id, measured: true }, atMs };
}
