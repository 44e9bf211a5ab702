import { describe, expect, it } from "vitest";
import heardContract from "../../../../tests/contract/realtime_heard.json";
import noteContract from "../../../../tests/contract/realtime_notes.json";
import transcriptContract from "../../../../tests/contract/realtime_transcript.json";
import detectionContract from "../../../../tests/contract/realtime_turn_detection.json";
import unspokenContract from "../../../../tests/contract/realtime_unspoken.json";
import { Resumption } from "../../../src/call/resumption";
import { SILENCE, speakingAfter } from "../../../src/conversation/speaking";
import { EMPTY_CONVERSATION, heardText, turnText } from "../../../src/conversation/transcript";
import type { JsonObject } from "../../../src/json";
import { REALTIME } from "../../../src/protocols/realtime/protocol";

interface TimedCase {
  readonly name: string;
  readonly events: readonly (readonly [seconds: number, direction: string, event: JsonObject])[];
  readonly ended_at: number | null;
  readonly carried: readonly (readonly string[])[];
  readonly statuses?: readonly string[];
}

const TIMED_CASES = heardContract.timed_cases as unknown as readonly TimedCase[];

/** A group of repeated events as the contract writes it. */
function described(group: readonly string[]): readonly string[] {
  const items = group.map((text) => JSON.parse(text).item);
  for (const { id } of items) expect(id).toMatch(/^carried_.{1,24}$/);
  const [first, output] = items;
  if (items.length === 1) return [first.role, first.content[0].text];
  expect([first.type, output.type]).toEqual(["function_call", "function_call_output"]);
  expect(first.call_id).toMatch(/^carried_/);
  expect(output.call_id).toBe(first.call_id);
  return ["call", first.name, first.arguments, output.output];
}

describe("the transcript that both halves have agreed on", () => {
  it.each(transcriptContract.cases)("$name", ({ events, transcript, user_speaking, assistant_speaking }) => {
    const received: readonly JsonObject[] = events;
    const { turns } = received.reduce((before, event) => REALTIME.reduce(before, event, "a1"), EMPTY_CONVERSATION);
    const seen = turns.filter(({ role }) => role !== "unseen");
    expect(seen.map((turn) => [turn.role, turnText(turn), turn.status])).toEqual(transcript);
    const speaking = received.flatMap(REALTIME.factsOf).reduce(speakingAfter, SILENCE);
    expect(speaking).toEqual({ user: user_speaking, assistant: assistant_speaking });
  });
});

describe("the notes that both halves have agreed on", () => {
  it.each(noteContract.cases)("$name", ({ events, notes }) => {
    const received: readonly JsonObject[] = events;
    const found = received.flatMap(REALTIME.factsOf).flatMap((fact) => (fact.type === "note" ? [fact.note] : []));
    expect(found).toEqual(notes);
  });
});

describe("the turn detection that both halves have agreed on", () => {
  it.each(detectionContract.cases)("$name", ({ session, detects_turns }) => {
    for (const type of ["session.created", "session.updated"]) {
      const found = REALTIME.factsOf({ type, session }).flatMap((fact) =>
        fact.type === "turn_detection" ? [fact.isEnabled] : [],
      );
      // Where the session does not say, the server does what it does by default.
      expect(found.at(-1) ?? true).toBe(detects_turns);
    }
  });
});

describe("what is repeated to a call that resumes another", () => {
  it.each(heardContract.cases)("$name", ({ events, heard }) => {
    const received: readonly JsonObject[] = events;
    const conversation = received.reduce((before, event) => REALTIME.reduce(before, event, "a1"), EMPTY_CONVERSATION);
    const known = REALTIME.beginCall(conversation, "a1", false);
    const repeated = new Resumption(REALTIME).begin(true, known).flat();
    expect(repeated.map((text) => JSON.parse(text).item.content[0].text)).toEqual(heard);
  });

  it.each(TIMED_CASES)("$name", ({ events, ended_at, carried, statuses }) => {
    const begun = REALTIME.beginCall(EMPTY_CONVERSATION, "a1", false);
    const held = events.reduce((before, [at, , event]) => REALTIME.reduce(before, event, "a1", at * 1_000), begun);
    const ended = REALTIME.endCall(held, ended_at === null ? undefined : ended_at * 1_000);
    expect(new Resumption(REALTIME).begin(true, ended).map(described)).toEqual(carried);
    const spoken = ended.turns.filter(({ role }) => role === "assistant");
    if (statuses) expect(spoken.map(({ status }) => status)).toEqual(statuses);
    const again = REALTIME.endCall(REALTIME.beginCall(ended, "a2", true), 99_000);
    expect(new Resumption(REALTIME).begin(true, again).map(described)).toEqual(carried);
  });
});

describe("the responses that the voice did not speak", () => {
  it.each(unspokenContract.cases)("$name", ({ events, turns: expected }) => {
    const received: readonly JsonObject[] = events;
    const conversation = received.reduce((before, event) => REALTIME.reduce(before, event, "a1"), EMPTY_CONVERSATION);
    const spoken = (unspoken: boolean, heard: string) => [unspoken, unspoken ? "" : heard];
    expect(
      conversation.turns.map((turn) => [turnText(turn), ...spoken(turn.isUnspoken === true, heardText(turn))]),
    ).toEqual(expected.map(([text, heard, unspoken]) => [text, unspoken, heard]));
    const known = REALTIME.beginCall(conversation, "a1", false);
    const carried = new Resumption(REALTIME).begin(true, known).flat();
    const repeated = carried.map((text) => JSON.parse(text).item.content[0].text);
    const read = expected.map(([text, heard, unspoken]) => (unspoken ? text : heard));
    expect(repeated).toEqual(read.filter((text) => text !== ""));
  });
});
