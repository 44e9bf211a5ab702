/** Intents as client events of the Realtime API. */

import { heardText, type Turn } from "../../conversation/transcript";
import { parseObject, wellFormed } from "../../json";
import { randomId } from "../../page";
import type { AssistantActivity } from "../base";

/** Begins the ids of items that are carried over from an earlier call; Python's reducer knows it too. */
export const CARRIED = "carried_";
/** The service takes item ids of up to 32 characters. */
const MAX_ID_LENGTH = 32;

const CREATE_RESPONSE = { type: "response.create" };
const CLEAR_INPUT = { type: "input_audio_buffer.clear" };

export function textTurn(text: string): readonly string[] {
  return texts([
    createItem({ type: "message", role: "user", content: [{ type: "input_text", text: wellFormed(text) }] }),
    CREATE_RESPONSE,
  ]);
}

export function beginTurn(assistant: AssistantActivity): readonly string[] {
  return [...texts([CLEAR_INPUT]), ...interrupt(assistant)];
}

export function interrupt({ isResponding, isSpeaking }: AssistantActivity): readonly string[] {
  return texts([
    ...(isResponding ? [{ type: "response.cancel" }] : []),
    ...(isSpeaking ? [{ type: "output_audio_buffer.clear" }] : []),
  ]);
}

export function commitTurn(): readonly string[] {
  return texts([{ type: "input_audio_buffer.commit" }, CREATE_RESPONSE]);
}

export function discardTurn(): readonly string[] {
  return texts([CLEAR_INPUT]);
}

export function carriedTurns(turns: readonly Turn[]): readonly (readonly string[])[] {
  return turns.map((turn) => texts(carriedItems(turn).map(createItem)));
}

/** The ids tell both transcripts that these are not new items. */
function carriedItems(turn: Turn): readonly object[] {
  const { functionCall: call } = turn;
  if (!call) {
    const type = turn.role === "user" ? "input_text" : "output_text";
    return [{ id: carriedId(), type: "message", role: turn.role, content: [{ type, text: heardText(turn) }] }];
  }
  // A server may use the ids of its calls again in another session.
  const call_id = carriedId();
  const { name, arguments: given, output } = call;
  return [
    { id: carriedId(), type: "function_call", call_id, name: wellFormed(name), arguments: wellFormed(given || "{}") },
    { id: carriedId(), type: "function_call_output", call_id, output: wellFormed(output ?? "") },
  ];
}

function carriedId(): string {
  return randomId(CARRIED).slice(0, MAX_ID_LENGTH);
}

export function isSessionChange(text: string): boolean {
  // A history may hold a hundred thousand events: only those that can match are parsed.
  return text.includes('"session.update"') && parseObject(text)?.type === "session.update";
}

function createItem(item: object): object {
  return { type: "conversation.item.create", item };
}

function texts(events: readonly object[]): readonly string[] {
  return events.map((event) => JSON.stringify(event));
}
