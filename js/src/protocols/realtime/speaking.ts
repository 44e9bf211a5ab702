/** Who speaks, by what the server says of the two audio buffers. */

import type { Fact } from "../../conversation/facts";
import type { JsonObject } from "../../json";

/** By event, whether somebody begins to speak; the name of the buffer says who. */
const CHANGES: ReadonlyMap<unknown, boolean> = new Map([
  ["input_audio_buffer.speech_started", true],
  ["input_audio_buffer.speech_stopped", false],
  // Where the turn ends by hand no `speech_stopped` comes.
  ["input_audio_buffer.committed", false],
  ["input_audio_buffer.cleared", false],
  ["output_audio_buffer.started", true],
  ["output_audio_buffer.stopped", false],
  ["output_audio_buffer.cleared", false],
]);

export const SPEAKING_EVENTS = [...CHANGES.keys()];

export function speakingFact({ type }: JsonObject): Fact | undefined {
  const isSpeaking = CHANGES.get(type);
  if (isSpeaking === undefined) return undefined;
  return { type: "speaking", speaker: `${type}`.startsWith("input") ? "user" : "assistant", isSpeaking };
}
