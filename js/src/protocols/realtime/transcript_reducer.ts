/**
 * The transcript, reduced from the server's events; pure.
 *
 * Items are placed by `previous_item_id`: a spoken question is transcribed after its response has begun.
 */

import {
  type Conversation,
  type FunctionCall,
  isOpen,
  type Turn,
  type TurnStatus,
} from "../../conversation/transcript";
import { isRecord, isText, type JsonObject } from "../../json";
import { CARRIED } from "./client_events";
import {
  audioAfter,
  cutAudio,
  hasAudio,
  isOf,
  playedFor,
  playedUntil,
  secondsUntil,
  withAudio,
  withDurations,
  withStart,
  withStop,
} from "./response_audio";

/** Larger content indices are ignored: without a limit one invalid event could fill the memory. */
const MAX_PARTS = 64;

const RESPONSE_STATUS: ReadonlyMap<unknown, TurnStatus> = new Map<unknown, TurnStatus>([
  ["completed", "completed"],
  ["cancelled", "cancelled"],
  ["incomplete", "incomplete"],
  ["failed", "failed"],
]);

/** The final text of a part replaces its deltas. */
const whole = (_: string, text: string) => text.trim();

/** Returns the conversation after one more event; the same object if the event does not change it. */
export function reduce(conversation: Conversation, event: JsonObject, attempt: string, atMs?: number): Conversation {
  const audio = audioAfter(conversation.audio, event, attempt, atMs);
  const changed = reduceTurns(conversation, event, attempt, atMs);
  return audio === changed.audio ? changed : { ...changed, audio };
}

function reduceTurns(conversation: Conversation, event: JsonObject, attempt: string, atMs?: number): Conversation {
  if (event.type === "output_audio_buffer.started") return withStart(conversation, event.response_id, attempt);
  const change = changeBy(event, attempt, conversation, atMs);
  if (change === undefined) return conversation;
  if ("isTranscribed" in change) return { ...conversation, isTranscribed: change.isTranscribed };
  const turns = change.turns(conversation.turns);
  if (turns === conversation.turns) return conversation;
  return { ...conversation, turns: isLatest(conversation, attempt) ? turns : sortByCalls(turns, conversation) };
}

function isLatest({ calls }: Conversation, attempt: string): boolean {
  return calls.length === 0 || calls.at(-1)?.attempt === attempt;
}

/** Sorts by calls: late turns of an earlier call belong before those of the next call. */
function sortByCalls(turns: readonly Turn[], { calls }: Conversation): readonly Turn[] {
  const order = new Map(calls.map(({ attempt }, number) => [attempt, number]));
  const place = ({ attempt }: Turn) => order.get(attempt) ?? calls.length;
  return turns.toSorted((one, other) => place(one) - place(other));
}

/** Returns the conversation with one more call; a call that is already known changes nothing. */
export function beginCall(conversation: Conversation, attempt: string, resumes: boolean): Conversation {
  if (conversation.calls.some((call) => call.attempt === attempt)) return conversation;
  return { ...conversation, calls: [...conversation.calls, { attempt, resumes }] };
}

/**
 * Returns the conversation after its last call, or after the call of this attempt: open turns are never finished, nor is
 * audio that was played or waited to be played. `atMs` says until when audio was heard; if it is unknown now, it may
 * follow.
 */
export function endCall(conversation: Conversation, atMs?: number, attempt?: string): Conversation {
  const ended = attempt ?? conversation.calls.at(-1)?.attempt;
  const { audio } = conversation;
  const isCut = atMs !== undefined && audio?.attempt === ended;
  const isOver = (turn: Turn) => attempt === undefined || turn.attempt === attempt;
  const cut = cutAudio(conversation, ended, atMs);
  const turns = cut.map((turn): Turn => (isOver(turn) && isOpen(turn) ? { ...turn, status: "interrupted" } : turn));
  if (!isCut && turns.every((turn, index) => turn === conversation.turns[index])) return conversation;
  return { ...conversation, turns, audio: isCut ? undefined : audio };
}

type Change = { isTranscribed: boolean } | { turns: (before: readonly Turn[]) => readonly Turn[] };

function changeBy(
  event: JsonObject,
  attempt: string,
  { audio, played }: Conversation,
  atMs: number | undefined,
): Change | undefined {
  const id = event.item_id;
  const itemKey = isText(id) ? `${attempt}/${id}` : undefined;
  const edit = (role: Turn["role"], after: (turn: Turn) => Turn): Change | undefined =>
    itemKey === undefined ? undefined : { turns: (turns) => upsert(turns, blank(itemKey, attempt, role), after) };
  const grow = (role: Turn["role"], after = (turn: Turn) => turn): Change | undefined =>
    isText(event.delta)
      ? edit(role, (turn) => after(withPart(turn, event, "delta", (before, delta) => before + delta)))
      : undefined;
  const spoken = (turn: Turn) => withAudio(turn, played);
  switch (event.type) {
    case "session.created":
    case "session.updated":
      return transcriptionOf(event.session);
    case "input_audio_buffer.committed":
      if (itemKey === undefined) return undefined;
      return { turns: (turns) => place(turns, blank(itemKey, attempt, "user"), event.previous_item_id) };
    case "conversation.item.added":
    case "conversation.item.created":
    case "conversation.item.done":
      return withItem(event.item, attempt, played, {
        previousId: event.previous_item_id,
        isCreated: event.type !== "conversation.item.done",
        atMs,
      });
    case "response.output_item.added":
    case "response.output_item.done":
      return withItem(event.item, attempt, played, { responseId: event.response_id, atMs });
    case "conversation.item.deleted":
      if (itemKey === undefined) return undefined;
      return {
        turns: (turns) => {
          const output = turns.find(({ key }) => key === itemKey)?.outputOf;
          const rest = output === undefined ? turns : withOutput(turns, attempt, output, undefined);
          return upsert(rest, blank(itemKey, attempt, "unseen"), deleted);
        },
      };
    // Sent: not every server confirms the item.
    case "conversation.item.create": {
      const output = outputIn(event.item);
      return output && { turns: (turns) => withOutput(turns, attempt, output.callId, output.text, atMs) };
    }
    case "conversation.item.input_audio_transcription.delta":
      return grow("user");
    case "conversation.item.input_audio_transcription.completed":
      return edit("user", (turn) => ({ ...withPart(turn, event, "transcript", whole), status: "completed" }));
    case "conversation.item.input_audio_transcription.failed":
      return edit("user", (turn) => ({ ...turn, status: "failed" }));
    case "response.output_audio_transcript.delta":
    case "response.audio_transcript.delta":
      return grow("assistant", spoken);
    case "response.output_text.delta":
    case "response.text.delta":
      return grow("assistant");
    case "response.output_audio_transcript.done":
    case "response.audio_transcript.done":
      return edit("assistant", (turn) => spoken(withPart(turn, event, "transcript", whole)));
    case "response.output_text.done":
    case "response.text.done":
      return edit("assistant", (turn) => withPart(turn, event, "text", whole));
    case "conversation.item.truncated":
      return {
        turns: (turns) =>
          turns.map((turn) =>
            turn.key === itemKey ? { ...turn, status: "interrupted", ...playedUntil(event.audio_end_ms) } : turn,
          ),
      };
    case "output_audio_buffer.stopped":
      return { turns: (turns) => withStop(turns, event.response_id, attempt) };
    case "output_audio_buffer.cleared": {
      const { response_id: id } = event;
      // Without a start, nothing of it was played.
      const seconds = isOf(audio, attempt, id) ? secondsUntil(audio, atMs) : atMs === undefined ? undefined : 0;
      return {
        turns: (turns) =>
          seconds === undefined
            ? endResponse(turns, attempt, id, "interrupted")
            : playedFor(turns, attempt, id, seconds, "interrupted"),
      };
    }
    case "response.done":
      return withResponse(event.response, attempt, played);
    default:
      return undefined;
  }
}

function transcriptionOf(session: unknown): Change | undefined {
  const audio = isRecord(session) ? session.audio : undefined;
  const input = isRecord(audio) ? audio.input : undefined;
  if (!isRecord(input) || !("transcription" in input)) return undefined;
  return { isTranscribed: input.transcription !== null };
}

function blank(key: string, attempt: string, role: Turn["role"]): Turn {
  return { key, attempt, role, parts: [], status: "in_progress", isGuessed: true };
}

function deleted({ functionCall: _, ...turn }: Turn): Turn {
  return { ...turn, role: "unseen", parts: [], status: "completed", isDeleted: true };
}

/** Returns the function call in an item; undefined for other items, and for those of an earlier call. */
function functionCallIn({ type, call_id: callId, name, arguments: given }: JsonObject): FunctionCall | undefined {
  if (type !== "function_call" || !isText(callId) || callId.startsWith(CARRIED) || !isText(name)) return undefined;
  return { callId, name, arguments: isText(given) ? given : "" };
}

function outputIn(item: unknown): { readonly callId: string; readonly text: string } | undefined {
  if (!isRecord(item) || item.type !== "function_call_output") return undefined;
  const { call_id: callId, output: text } = item;
  return isText(callId) && isText(text) ? { callId, text } : undefined;
}

/** Sets the output of a function call, or takes it back. */
function withOutput(
  turns: readonly Turn[],
  attempt: string,
  callId: string,
  output: string | undefined,
  atMs?: number,
): readonly Turn[] {
  return turns.map((turn) =>
    turn.attempt === attempt && turn.functionCall?.callId === callId
      ? { ...turn, functionCall: { ...turn.functionCall, output, endMs: turn.functionCall.endMs ?? atMs } }
      : turn,
  );
}

/** Changes the turn with that key; without one, appends it first. */
function upsert(turns: readonly Turn[], fresh: Turn, after: (turn: Turn) => Turn): readonly Turn[] {
  // From the end: in a long conversation the last turns are those that grow.
  const index = turns.findLastIndex((turn) => turn.key === fresh.key);
  const turn = turns[index];
  if (turn?.isDeleted) return turns;
  return turn ? turns.with(index, after(turn)) : [...turns, after(fresh)];
}

/** Places a turn behind its predecessor; a turn that has been placed stays there. */
function place(turns: readonly Turn[], fresh: Turn, previousId: unknown): readonly Turn[] {
  const known = turns.find((turn) => turn.key === fresh.key);
  if (known && (known.isDeleted || !known.isGuessed)) return turns;
  const rest = turns.filter((turn) => turn !== known);
  const previous = isText(previousId) ? rest.findIndex((turn) => turn.key === `${fresh.attempt}/${previousId}`) : -1;
  const turn = { ...(known ?? fresh), isGuessed: previous < 0 };
  // Without a known predecessor a turn stays where it is, or goes to the end.
  if (previous < 0) return known ? turns : [...rest, turn];
  return rest.toSpliced(previous + 1, 0, turn);
}

interface ItemPlace {
  previousId?: unknown;
  responseId?: unknown;
  isCreated?: boolean;
  atMs?: number | undefined;
}

function withItem(
  item: unknown,
  attempt: string,
  played: ReadonlySet<string>,
  { previousId, responseId, isCreated = false, atMs }: ItemPlace,
): Change | undefined {
  if (!isRecord(item) || !isText(item.id)) return undefined;
  const isNew = !item.id.startsWith(CARRIED);
  const role =
    isNew && item.type === "message" && (item.role === "user" || item.role === "assistant") ? item.role : "unseen";
  const fresh = blank(`${attempt}/${item.id}`, attempt, role);
  const call = functionCallIn(item);
  const output = outputIn(item);
  const fill = (turn: Turn): Turn => {
    const filled = {
      ...turn,
      role: isText(item.type) ? role : turn.role,
      parts: filledParts(turn.parts, item.content),
      status: statusOfItem(turn, role, item),
      ...(isText(responseId) ? { responseId } : {}),
      // The arguments may come later than the call.
      ...(call
        ? {
            functionCall: {
              ...turn.functionCall,
              ...call,
              arguments: call.arguments || turn.functionCall?.arguments || "",
              // It runs from the moment on when all its arguments are known.
              startMs:
                turn.functionCall?.endMs === undefined
                  ? (atMs ?? turn.functionCall?.startMs)
                  : turn.functionCall.startMs,
            },
          }
        : {}),
      ...(output ? { outputOf: output.callId } : {}),
    };
    return role === "assistant" && hasAudio(item.content) ? withAudio(filled, played) : filled;
  };
  return {
    turns: (before) => {
      // An item may be created again after it was deleted.
      const turns = isCreated ? before.filter((turn) => turn.key !== fresh.key || !turn.isDeleted) : before;
      const changed = upsert(place(turns, fresh, previousId), fresh, fill);
      return output ? withOutput(changed, attempt, output.callId, output.text, atMs) : changed;
    },
  };
}

/** Returns the texts of an item; an empty text must not replace deltas that have arrived. */
function filledParts(before: readonly string[], content: unknown): readonly string[] {
  if (!Array.isArray(content)) return before;
  const texts = content.map((part: unknown) => {
    if (!isRecord(part)) return "";
    if (part.type === "input_image") return "[image]";
    const texts = [part.transcript, part.text].filter(isText).map((text) => text.trim());
    return texts.find((text) => text !== "") ?? "";
  });
  return Array.from(
    { length: Math.max(before.length, texts.length) },
    (_, index) => texts[index] || before[index] || "",
  );
}

function statusOfItem(turn: Turn, role: Turn["role"], item: JsonObject): TurnStatus {
  if (turn.status !== "in_progress") return turn.status;
  // A spoken item is complete before it is transcribed; a written one comes with its text.
  if (role === "user") return filledParts([], item.content).some(Boolean) ? "completed" : "in_progress";
  const status = RESPONSE_STATUS.get(item.status);
  return status !== undefined && filledParts(turn.parts, item.content).some(Boolean) ? status : turn.status;
}

function withPart(turn: Turn, event: JsonObject, field: string, join: (before: string, text: string) => string): Turn {
  const text = event[field];
  if (!isText(text)) return turn;
  const index = partIndex(event.content_index);
  const parts = Array.from({ length: Math.max(turn.parts.length, index + 1) }, (_, at) => turn.parts[at] ?? "");
  return {
    ...turn,
    parts: parts.with(index, join(parts[index] ?? "", text)),
    ...(isText(event.response_id) ? { responseId: event.response_id } : {}),
  };
}

function partIndex(index: unknown): number {
  const isValid = typeof index === "number" && Number.isInteger(index) && index >= 0 && index < MAX_PARTS;
  return isValid ? index : 0;
}

function withResponse(response: unknown, attempt: string, played: ReadonlySet<string>): Change | undefined {
  if (!isRecord(response)) return undefined;
  const { id, output } = response;
  const status = statusOfResponse(response);
  const items = status !== undefined && Array.isArray(output) ? output.filter(isRecord) : [];
  // A server may mention an item here for the first time.
  const changes = items
    .map((item) => withItem(item, attempt, played, { responseId: id }))
    .filter((change) => change !== undefined);
  return {
    turns: (before) => {
      const turns = changes.reduce((all, change) => ("turns" in change ? change.turns(all) : all), before);
      const keys = new Set(items.map((item) => `${attempt}/${item.id}`));
      const ended = withDurations(endResponse(turns, attempt, id, status, keys), attempt, response);
      return isText(id) && status !== undefined && isSilentEnd(response, ended, attempt)
        ? // A turn without words shows the status.
          upsert(ended, blank(`${attempt}/${id}`, attempt, "assistant"), (turn) => ({
            ...turn,
            responseId: id,
            status,
          }))
        : ended;
    },
  };
}

/** Whether a response of the conversation has ended early without any item. */
function isSilentEnd(response: JsonObject, turns: readonly Turn[], attempt: string): boolean {
  const { id, status, output, conversation_id: conversation } = response;
  if ((status !== "failed" && status !== "incomplete") || conversation === null) return false;
  const hasCalls = Array.isArray(output) && output.some((item) => isRecord(item) && item.type === "function_call");
  return !hasCalls && !turns.some((turn) => turn.attempt === attempt && turn.responseId === id);
}

function statusOfResponse({ status, status_details: details }: JsonObject): TurnStatus | undefined {
  if (status === "cancelled" && isRecord(details) && details.reason === "turn_detected") return "interrupted";
  return RESPONSE_STATUS.get(status);
}

/** Marks the turns of a response as ended; an interrupted turn stays interrupted. */
function endResponse(
  turns: readonly Turn[],
  attempt: string,
  id: unknown,
  status: TurnStatus | undefined,
  keys: ReadonlySet<string> = new Set(),
): readonly Turn[] {
  if (status === undefined) return turns;
  const isOfResponse = (turn: Turn) =>
    keys.has(turn.key) || (turn.attempt === attempt && isText(id) && turn.responseId === id);
  return turns.map((turn) => {
    if (!isOfResponse(turn)) return turn;
    // A response may be complete long before its audio has been played.
    return isOpen(turn) || (turn.status === "completed" && status !== "completed") ? { ...turn, status } : turn;
  });
}
