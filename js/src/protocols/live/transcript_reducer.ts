/** The transcript of calls of GPT-Live. */

import type { Conversation } from "../../conversation/transcript";
import type { JsonObject } from "../../json";
import { CallTurns } from "./call_turns";

/** By attempt. Only the latest conversation is changed, so the turns in the making need not be copied at each word. */
type Calls = ReadonlyMap<string, CallTurns>;

/** Returns the conversation after one more event; the same object if the event does not change it. */
export function reduce(conversation: Conversation, event: JsonObject, attempt: string, atMs?: number): Conversation {
  const known = callsOf(conversation).get(attempt);
  const call = known ?? new CallTurns(attempt);
  call.add(event, atMs);
  const calls = known ? callsOf(conversation) : new Map([...callsOf(conversation), [attempt, call]]);
  return withTurns({ ...conversation, protocolState: calls }, attempt, conversation);
}

/** Returns the conversation with one more call; a call that is already known changes nothing. */
export function beginCall(conversation: Conversation, attempt: string, resumes: boolean): Conversation {
  if (conversation.calls.some((call) => call.attempt === attempt)) return conversation;
  return { ...conversation, calls: [...conversation.calls, { attempt, resumes }] };
}

/** Returns the conversation after the end of its calls, or of this one: open turns stay unfinished. */
export function endCall(conversation: Conversation, _atMs?: number, attempt?: string): Conversation {
  return [...callsOf(conversation)].reduce((before, [one, call]) => {
    if (attempt !== undefined && one !== attempt) return before;
    call.end();
    return withTurns(before, one, before);
  }, conversation);
}

function callsOf({ protocolState }: Conversation): Calls {
  return protocolState instanceof Map ? protocolState : new Map();
}

/** Returns the conversation with the present turns of a call, where they stand; or `before` if they are as before. */
function withTurns(conversation: Conversation, attempt: string, before: Conversation): Conversation {
  const fresh = callsOf(conversation).get(attempt)?.turns ?? [];
  const isOurs = (turn: { readonly attempt: string }) => turn.attempt === attempt;
  const old = new Map(conversation.turns.filter(isOurs).map((turn) => [turn.key, turn]));
  const turns = fresh.map((turn) => {
    const same = old.get(turn.key);
    // The rows of handed over work are replaced only when they change.
    if (turn.role === "unseen") return turn;
    return same && same.status === turn.status && same.parts[0] === turn.parts[0] ? same : turn;
  });
  const isSame = turns.length === old.size && turns.every((turn) => old.get(turn.key) === turn);
  if (isSame && conversation.protocolState === before.protocolState) return before;
  const first = conversation.turns.findIndex(isOurs);
  const rest = conversation.turns.filter((turn) => !isOurs(turn));
  const at = first < 0 ? rest.length : first;
  return { ...conversation, turns: rest.toSpliced(at, 0, ...turns) };
}
