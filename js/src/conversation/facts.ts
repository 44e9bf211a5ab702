/** What a received event says, in words that do not depend on the wire protocol. */

import type { Direction } from "../comm/protocol";
import type { RtcWidgetError } from "../errors";
import { isText, type JsonObject, parseObject } from "../json";
import type { ConfirmedSession } from "./confirmed_session";
import type { Conversation } from "./transcript";

/** One text of the data channel, parsed once. */
export interface ChannelEvent {
  readonly attempt: string;
  readonly direction: Direction;
  readonly text: string;
  /** Undefined where the text is not a JSON object. */
  readonly json: JsonObject | undefined;
}

export function channelEvent(attempt: string, direction: Direction, text: string): ChannelEvent {
  return { attempt, direction, text, json: parseObject(text) };
}

/** The event's type; empty where it has none. */
export function eventTypeOf(json: JsonObject | undefined): string {
  return isText(json?.type) ? json.type : "";
}

/** An error of the server that does not end the call. */
export interface ServerNote {
  readonly code: string;
  readonly message: string;
}

export type Fact =
  | { readonly type: "speaking"; readonly speaker: "user" | "assistant"; readonly isSpeaking: boolean }
  /** A response of this conversation is under way. */
  | { readonly type: "response_started"; readonly id: string }
  /** With `callsFunctions`, the functions' outputs and another response are to follow. */
  | { readonly type: "response_ended"; readonly id: string; readonly callsFunctions: boolean }
  /** Whether the server detects the end of the user's turn; if not, push-to-talk does. */
  | { readonly type: "turn_detection"; readonly isEnabled: boolean }
  | { readonly type: "note"; readonly note: ServerNote }
  /** Whether the server runs a model that works for the voice model, and takes written messages. */
  | { readonly type: "backend"; readonly isRemote: boolean }
  /** The server has closed the session; `isRequested`: because this side, or its kernel, has asked for it. */
  | { readonly type: "closed"; readonly isRequested: boolean }
  /** When the server will end the session, in milliseconds since 1970. */
  | { readonly type: "session_expiry"; readonly atMs: number }
  /** The server is about to end the call, for this reason. */
  | { readonly type: "ending"; readonly error: RtcWidgetError };

/** An event that the measured sound means; read like a received one, but never logged. */
export interface MeasuredEvent {
  readonly event: JsonObject;
  readonly atMs: number;
}

/** Converts the measured sound of one call to events of its protocol. */
export interface SoundReader {
  /** Takes the next received event and its facts; returns what the measured sound makes of it. */
  consume(event: JsonObject, facts: readonly Fact[], atMs: number): readonly MeasuredEvent[];
  /** The assistant has become audible or silent. */
  take(isAudible: boolean, atMs: number): readonly MeasuredEvent[];
}

/** The part of a wire protocol that reads received events; pure. */
export interface EventReader {
  /** After how long without words a turn is over although no event says so; undefined where an event ends it. */
  readonly turnEndMs?: number;
  /** The conversation with one more call; a call that is already known changes nothing. */
  beginCall(conversation: Conversation, attempt: string, resumes: boolean): Conversation;
  /**
   * The conversation after one more event, received or sent; the same object if the event does not change it. `atMs` is
   * the event's time, if it is known.
   */
  reduce(conversation: Conversation, event: JsonObject, attempt: string, atMs?: number): Conversation;
  /**
   * The conversation after its call has ended: open turns stay unfinished. Of a response that was still spoken, the part
   * until `atMs` was heard.
   */
  endCall(conversation: Conversation, atMs?: number, attempt?: string): Conversation;
  factsOf(event: JsonObject): readonly Fact[];
  /** The settings that a received event confirms; undefined where it confirms none. */
  sessionOf?(event: JsonObject): ConfirmedSession | undefined;
}
