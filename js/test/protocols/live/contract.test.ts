import { describe, expect, it } from "vitest";
import contract from "../../../../tests/contract/live_transcript.json";
import { SILENCE, speakingAfter } from "../../../src/conversation/speaking";
import { EMPTY_CONVERSATION, type Turn, turnText } from "../../../src/conversation/transcript";
import type { JsonObject } from "../../../src/json";
import { LIVE } from "../../../src/protocols/live/protocol";

type Timed = readonly (readonly [seconds: number, direction: string, event: JsonObject])[];

const rowOf = (turn: Turn) => turn.functionCall?.name ?? turn.delegation?.id ?? turnText(turn);

/** The delegations and the function calls, as the contract writes them. */
function workIn(rows: readonly Turn[]) {
  const delegations = rows.flatMap(({ delegation: one, status }) =>
    one ? [[one.isClient ? "client" : "responses", one.model ?? null, one.result, status]] : [],
  );
  const functions = rows.flatMap(({ functionCall: one, status }) =>
    one ? [[one.name, one.arguments, one.output ?? null, status]] : [],
  );
  return { delegations, functions };
}

describe("the transcript of GPT-Live that both halves have agreed on", () => {
  it.each(contract.cases)("$name", ({ events, transcript, user_speaking, assistant_speaking, ...expected }) => {
    const given: readonly JsonObject[] = events;
    const reduced = given.reduce((before, event) => LIVE.reduce(before, event, "a1"), EMPTY_CONVERSATION);
    const { turns: rows } = "call_ended" in expected ? LIVE.endCall(reduced) : reduced;
    const turns = rows.filter(({ role }) => role !== "unseen");
    if ("rows" in expected) expect(rows.map(rowOf)).toEqual(expected.rows);
    if ("work" in expected) expect(workIn(rows)).toEqual(expected.work);
    expect(turns.map((turn) => [turn.role, turnText(turn), turn.status])).toEqual(transcript);
    const unspoken = turns.flatMap(({ isUnspoken }, index) => (isUnspoken ? [index] : []));
    expect(unspoken).toEqual("unspoken" in expected ? expected.unspoken : []);
    const speaking = given.flatMap(LIVE.factsOf).reduce(speakingAfter, SILENCE);
    expect(speaking).toEqual({ user: user_speaking, assistant: assistant_speaking });
  });

  it.each(contract.timed_cases)("$name", ({ events, transcript }) => {
    const given = events as unknown as Timed;
    const { turns: rows } = given.reduce(
      (before, [seconds, , event]) => LIVE.reduce(before, event, "a1", 1_000 * seconds),
      EMPTY_CONVERSATION,
    );
    const turns = rows.filter(({ role }) => role !== "unseen");
    expect(turns.map((turn) => [turn.role, turnText(turn), turn.status])).toEqual(transcript);
  });
});
