import { describe, expect, it } from "vitest";
import contract from "../../tests/contract/realtime_transcript.json";
import { SILENCE, speakingAfter } from "../src/conversation/speaking";
import { EMPTY_CONVERSATION, turnText } from "../src/conversation/transcript";
import { REALTIME } from "../src/protocols/realtime/protocol";

type ServerEvent = Readonly<Record<string, unknown>>;

describe("the transcript that both halves have agreed on", () => {
  it.each(contract.cases)("$name", ({ events, transcript, user_speaking, assistant_speaking }) => {
    const received: readonly ServerEvent[] = events;
    const { turns } = received.reduce((before, event) => REALTIME.reduce(before, event, "a1"), EMPTY_CONVERSATION);
    const seen = turns.filter(({ role }) => role !== "unseen");
    expect(seen.map((turn) => [turn.role, turnText(turn), turn.status])).toEqual(transcript);
    const speaking = received.flatMap(REALTIME.factsOf).reduce(speakingAfter, SILENCE);
    expect(speaking).toEqual({ user: user_speaking, assistant: assistant_speaking });
  });
});
