import { describe, expect, it } from "vitest";
import { listenFor, SILENCE } from "../../../src/protocols/realtime/speaking";

describe("who can be heard", () => {
  it.each(["speech_stopped", "committed", "cleared"])("is not the person any more after %s", (end) => {
    const speaking = listenFor({ type: "input_audio_buffer.speech_started" }, SILENCE);
    expect(speaking).toEqual({ user: true, assistant: false });
    expect(listenFor({ type: `input_audio_buffer.${end}` }, speaking)).toEqual(SILENCE);
  });

  it.each(["stopped", "cleared"])("is not the assistant any more after %s", (end) => {
    const speaking = listenFor({ type: "output_audio_buffer.started" }, SILENCE);
    expect(speaking).toEqual({ user: false, assistant: true });
    expect(listenFor({ type: `output_audio_buffer.${end}` }, speaking)).toEqual(SILENCE);
  });
});
