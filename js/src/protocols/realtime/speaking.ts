/** Who speaks, by what the server says of the two audio buffers. */

import type { Fact } from "../../conversation/facts";
import type { JsonObject } from "../../json";

export function speakingFact(event: JsonObject): Fact | undefined {
  switch (event.type) {
    case "input_audio_buffer.speech_started":
      return { type: "speaking", speaker: "user", isSpeaking: true };
    case "input_audio_buffer.speech_stopped":
    // Where the turn ends by hand no `speech_stopped` comes.
    case "input_audio_buffer.committed":
    case "input_audio_buffer.cleared":
      return { type: "speaking", speaker: "user", isSpeaking: false };
    case "output_audio_buffer.started":
      return { type: "speaking", speaker: "assistant", isSpeaking: true };
    case "output_audio_buffer.stopped":
    case "output_audio_buffer.cleared":
      return { type: "speaking", speaker: "assistant", isSpeaking: false };
    default:
      return undefined;
  }
}
