import { describe, expect, it } from "vitest";
import contract from "../../../../tests/contract/live_transcript.json";
import { SILENCE, speakingAfter } from "../../../src/conversation/speaking";
import { EMPTY_CONVERSATION, turnText } from "../../../src/conversation/transcript";
import type { JsonObject } from "../../../src/json";
import { LIVE } from "../../../src/protocols/live/protocol";

type Timed = readonly (readonly [seconds: number, direction: string, event: JsonObject])[];

describe("the transcript of GPT-Live that both halves have agreed on", () => {
  it.each(contract.cases)("$name", ({ events, transcript, user_speaking, assistant_speaking, ...expected }) => {
    const given: readonly JsonObject[] = events;
    const { turns } = given.reduce((before, event) => LIVE.reduce(before, event, "a1"), EMPTY_CONVERSATION);
    expect(turns.map((turn) => [turn.role, turnText(turn), turn.status])).toEqual(transcript);
    const unspoken = turns.flatMap(({ isUnspoken }, index) => (isUnspoken ? [index] : []));
    expect(unspoken).toEqual("unspoken" in expected ? expected.unspoken : []);
    const speaking = given.flatMap(LIVE.factsOf).reduce(speakingAfter, SILENCE);
    expect(speaking).toEqual({ user: user_speaking, assistant: assistant_speaking });
  });

  it.each(contract.timed_cases)("$name", ({ events, transcript }) => {
    const given = events as unknown as Timed;
    const { turns } = given.reduce(
      (before, [seconds, , event]) => LIVE.reduce(before, event, "a1", 1_000 * seconds),
      EMPTY_CONVERSATION,
    );
    expect(turns.map((turn) => [turn.role, turnText(turn), turn.status])).toEqual(transcript);
  });
});
