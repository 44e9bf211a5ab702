/** The audio of responses in the transcript: whether it was played, how long it is, and how much of it was heard. */

import {
  type Conversation,
  isOpen,
  type ResponseAudio,
  secondsOf,
  type Turn,
  type TurnStatus,
  turnText,
} from "../../conversation/transcript";
import { isRecord, isText, type JsonObject } from "../../json";

const SECONDS_PER_AUDIO_TOKEN = 0.05;

export function audioAfter(
  before: ResponseAudio | undefined,
  { type, response_id: responseId }: JsonObject,
  attempt: string,
  startMs: number | undefined,
): ResponseAudio | undefined {
  if (!isText(responseId)) return before;
  switch (type) {
    case "output_audio_buffer.started":
      return { attempt, responseId, startMs, isPlaying: true };
    case "output_audio_buffer.stopped":
    case "output_audio_buffer.cleared":
      return isOf(before, attempt, responseId) ? { ...before, isPlaying: false } : before;
    default:
      return before;
  }
}

export function isOf(audio: ResponseAudio | undefined, attempt: string, responseId: unknown): audio is ResponseAudio {
  return audio !== undefined && audio.attempt === attempt && audio.responseId === responseId;
}

/** Returns the conversation after the start of a response's audio. Audio is played in the order of the responses. */
export function withStart(conversation: Conversation, id: unknown, attempt: string): Conversation {
  if (!isText(id)) return conversation;
  const turns = conversation.turns.map((turn) => {
    if (turn.attempt !== attempt || !turn.isUnplayed) return turn;
    return turn.responseId === id ? { ...turn, isUnplayed: false, isUnspoken: false } : skipped(turn);
  });
  return { ...conversation, turns, played: new Set([...conversation.played, `${attempt}/${id}`]) };
}

/** Returns the turns after the end of a response's audio, which may never have begun. */
export function withStop(turns: readonly Turn[], id: unknown, attempt: string): readonly Turn[] {
  if (!isText(id)) return turns;
  return turns.map((turn) => (turn.attempt === attempt && turn.responseId === id ? skipped(turn) : turn));
}

/** Returns a turn whose audio the server does not play, unless that has begun. */
function skipped(turn: Turn): Turn {
  return turn.isUnplayed && turn.status === "completed" ? { ...turn, isUnspoken: true } : turn;
}

export function hasAudio(content: unknown): boolean {
  return Array.isArray(content) && content.some((part) => isRecord(part) && /^(output_)?audio$/.test(`${part.type}`));
}

/** Returns a turn that has audio. */
export function withAudio(turn: Turn, played: ReadonlySet<string>): Turn {
  return { ...turn, isUnplayed: !played.has(`${turn.attempt}/${turn.responseId}`) };
}

export function secondsUntil({ startMs }: ResponseAudio, atMs: number | undefined): number | undefined {
  return startMs === undefined || atMs === undefined ? undefined : Math.max(0, (atMs - startMs) / 1_000);
}

/** Shares the seconds that were played of a response among its turns, in their order. */
export function playedFor(
  turns: readonly Turn[],
  attempt: string,
  responseId: unknown,
  seconds: number,
  status?: TurnStatus,
): readonly Turn[] {
  const isOurs = (turn: Turn) =>
    turn.attempt === attempt && turn.role === "assistant" && turn.responseId === responseId;
  const last = turns.findLast(isOurs);
  let left = seconds;
  return turns.map((turn) => {
    if (!isOurs(turn)) return turn;
    const playedSeconds = Math.max(0, left);
    left -= secondsOf(turn);
    // Of several messages the first may have been played completely.
    const isCut = left < 0 || turn === last;
    const isFinal = !isOpen(turn) && turn.status !== "completed";
    return { ...turn, playedSeconds, ...(status !== undefined && isCut && !isFinal ? { status } : {}) };
  });
}

/** Returns the turns after the end of a call, with what was played of each response. */
export function cutAudio(
  { turns, audio, played }: Conversation,
  attempt: string | undefined,
  atMs: number | undefined,
): readonly Turn[] {
  if (attempt === undefined || atMs === undefined) return turns;
  const seconds = audio?.isPlaying && audio.attempt === attempt ? secondsUntil(audio, atMs) : undefined;
  const heard = audio && seconds !== undefined ? playedFor(turns, attempt, audio.responseId, seconds) : turns;
  // Responses wait behind the one that is played. Without any start, the server does not report it.
  const hasStarts = [...played].some((response) => response.startsWith(`${attempt}/`));
  return heard.map((turn, index): Turn => {
    const isUnplayed = turn.attempt === attempt && turn.isUnplayed === true && !turn.isUnspoken;
    const isWaiting = hasStarts && isUnplayed && turn.playedSeconds === undefined;
    const after = isWaiting ? { ...turn, playedSeconds: 0 } : turn;
    const isCut = after !== turns[index] && (after.playedSeconds ?? 0) < secondsOf(after);
    return isCut && after.status === "completed" ? { ...after, status: "interrupted" } : after;
  });
}

export function playedUntil(milliseconds: unknown): Partial<Turn> {
  return typeof milliseconds === "number" && milliseconds >= 0 ? { playedSeconds: milliseconds / 1000 } : {};
}

/** Shares the duration of a response's audio among its turns by the length of their texts. */
export function withDurations(turns: readonly Turn[], attempt: string, { id, usage }: JsonObject): readonly Turn[] {
  const details = isRecord(usage) ? usage.output_token_details : undefined;
  const tokens = isRecord(details) ? details.audio_tokens : undefined;
  if (typeof tokens !== "number" || !(tokens > 0)) return turns;
  const isOurs = (turn: Turn) => turn.attempt === attempt && turn.role === "assistant" && turn.responseId === id;
  const letters = turns.filter(isOurs).reduce((sum, turn) => sum + turnText(turn).length, 0);
  const seconds = tokens * SECONDS_PER_AUDIO_TOKEN;
  return turns.map((turn) =>
    isOurs(turn) && letters > 0 ? { ...turn, audioSeconds: (seconds * turnText(turn).length) / letters } : turn,
  );
}
