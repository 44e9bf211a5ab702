/** The transcript of a conversation, whatever wire protocol it was held in; immutable, so that every view shows the same. */

import { wellFormed } from "../json";

export type TurnStatus = "in_progress" | "completed" | "interrupted" | "cancelled" | "incomplete" | "failed";

/**
 * One item of the conversation. An item that is not a message (a tool call), or was deleted, is `unseen`: others are
 * placed after it.
 */
export interface Turn {
  /** Unique over all calls: servers may count their items from one in each. */
  readonly key: string;
  readonly attempt: string;
  readonly role: "user" | "assistant" | "unseen";
  /** The texts of the content parts by their index. */
  readonly parts: readonly string[];
  readonly status: TurnStatus;
  readonly responseId?: string;
  /** The place at the end is provisional; a later event may correct it. */
  readonly isGuessed: boolean;
  /** The duration of its audio in seconds, if the server reports it. */
  readonly audioSeconds?: number;
  /** How many seconds of its audio were played before it was interrupted. */
  readonly playedSeconds?: number;
  /** Whether it has audio that the server has not begun to play; undefined without audio. */
  readonly isUnplayed?: boolean;
  /** Complete, but the voice did not speak it: it may have no sounds for the language. */
  readonly isUnspoken?: boolean;
  /** Late events of a deleted item are ignored: a transcription may end after its item was deleted. */
  readonly isDeleted?: boolean;
  /** The function call that the item is; not shown, but repeated to a call that resumes this one. */
  readonly functionCall?: FunctionCall;
  /** The work that it hands over to a backend; shown, but not repeated. */
  readonly delegation?: Delegation;
  /** The function call whose output the item is. */
  readonly outputOf?: string;
}

/** A function call of the model. */
export interface FunctionCall {
  readonly callId: string;
  readonly name: string;
  /** JSON. */
  readonly arguments: string;
  /** Undefined until the model was told. */
  readonly output?: string | undefined;
  /** When the model made the call, and when it was told the output; undefined where that is unknown. */
  readonly startMs?: number | undefined;
  readonly endMs?: number | undefined;
}

/** Work that the voice model has handed over to a backend. */
export interface Delegation {
  readonly id: string;
  /** Whether the kernel does it; if not, a model that the service runs. */
  readonly isClient: boolean;
  /** The model, if the service reports it. */
  readonly model?: string;
  /** What the backend has returned so far, or why it failed. */
  readonly result: string;
  readonly startMs?: number | undefined;
  readonly endMs?: number | undefined;
}

/** The audio of the last spoken response. */
export interface ResponseAudio {
  readonly attempt: string;
  readonly responseId: string;
  /** Undefined where the time is unknown. */
  readonly startMs: number | undefined;
  readonly isPlaying: boolean;
}

/** A call of a conversation. */
export interface ConversationCall {
  readonly attempt: string;
  /** Whether it continues the call before it. */
  readonly resumes: boolean;
}

export interface Conversation {
  readonly turns: readonly Turn[];
  /** In their order. */
  readonly calls: readonly ConversationCall[];
  /** Whether the server transcribes what the user says; it need not. */
  readonly isTranscribed: boolean;
  readonly audio?: ResponseAudio | undefined;
  /** The responses whose audio the server has begun to play, as `attempt/id`. */
  readonly played: ReadonlySet<string>;
  /** What the protocol keeps of the calls besides. */
  readonly protocolState?: ReadonlyMap<string, unknown>;
}

export const EMPTY_CONVERSATION: Conversation = { turns: [], calls: [], isTranscribed: true, played: new Set() };

/** Whether a turn may still get words. */
export function isOpen({ status }: Turn): boolean {
  return status === "in_progress";
}

export function turnText(turn: Turn): string {
  // The parts are kept as they came: the other half of a character may follow in the next delta.
  return wellFormed(turn.parts.filter(Boolean).join("\n"));
}

/** The rate of calm speech, for servers that do not report the duration of audio; Python uses the same. */
const CHARACTERS_PER_SECOND = 15;

/** The duration of a turn's audio in seconds, estimated where the server does not report it. */
export function secondsOf(turn: Turn): number {
  return turn.audioSeconds || turnText(turn).length / CHARACTERS_PER_SECOND;
}

/** The words of a turn that were heard; estimated where it was interrupted, as Python's `Turn.heard` does. */
export function heardText(turn: Turn): string {
  const text = turnText(turn);
  if (turn.playedSeconds === undefined) return text;
  const seconds = secondsOf(turn);
  if (turn.playedSeconds >= seconds) return text;
  const words = text.slice(0, Math.round((text.length * turn.playedSeconds) / seconds) + 1);
  return words.slice(0, words.lastIndexOf(" ") + 1).trim();
}
