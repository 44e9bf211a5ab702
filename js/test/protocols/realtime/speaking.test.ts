import { describe, expect, it } from "vitest";
import { SILENCE, type Speaking, speakingAfter } from "../../../src/conversation/speaking";
import { factsOf } from "../../../src/protocols/realtime/facts";

const after = (type: string, before: Speaking) => factsOf({ type }).reduce(speakingAfter, before);

describe("who can be heard", () => {
  it.each(["speech_stopped", "committed", "cleared"])("is not the person any more after %s", (end) => {
    const speaking = after("input_audio_buffer.speech_started", SILENCE);
    expect(speaking).toEqual({ user: true, assistant: false });
    expect(after(`input_audio_buffer.${end}`, speaking)).toEqual(SILENCE);
  });

  it.each(["stopped", "cleared"])("is not the assistant any more after %s", (end) => {
    const speaking = after("output_audio_buffer.started", SILENCE);
    expect(speaking).toEqual({ user: false, assistant: true });
    expect(after(`output_audio_buffer.${end}`, speaking)).toEqual(SILENCE);
  });
});
