import { describe, expect, it } from "vitest";
import contract from "../../../../tests/contract/realtime_sound.json";
import type { JsonObject } from "../../../src/json";
import { factsOf } from "../../../src/protocols/realtime/facts";
import { MeasuredAudio } from "../../../src/protocols/realtime/measured_audio";

interface Case {
  readonly name: string;
  readonly steps: readonly (readonly [seconds: number, step: JsonObject])[];
  readonly playback: readonly (readonly [seconds: number, what: string, response: string])[];
}

describe("the playback that both halves read from the measured sound", () => {
  it.each(contract.cases as unknown as readonly Case[])("$name", ({ steps, playback }) => {
    const reader = new MeasuredAudio();
    const found = steps.flatMap(([at, step]) =>
      "type" in step ? reader.consume(step, factsOf(step), at) : reader.take(step.is_audible === true, at),
    );
    expect(
      found.map(({ event, atMs }) => [atMs, `${event.type}`.replace("output_audio_buffer.", ""), event.response_id]),
    ).toEqual(playback);
  });
});
