/**
 * What a wire protocol offers: intents become events to send, received events become facts and turns.
 *
 * No module outside `protocols/` names a wire event (`check_event_names.mjs`). Not every protocol has an event for every
 * intent: an empty list means that there is nothing to send. GPT-Live has no events that begin, commit or discard a
 * turn; there push-to-talk only enables the track.
 */

import type { SummarizeEvent } from "../conversation/event_summary";
import type { EventReader, SoundReader } from "../conversation/facts";
import type { Turn } from "../conversation/transcript";
import type { JsonObject } from "../json";

/** What the assistant is doing when it is interrupted. */
export interface AssistantActivity {
  readonly isResponding: boolean;
  readonly isSpeaking: boolean;
}

/** Watches the events of one call. */
export interface Watch {
  sent(event: JsonObject): void;
  received(event: JsonObject): void;
  /** The call is over. */
  end(): void;
}

/** Sends the turns that a user writes, by what the events of the call say. */
export interface TurnSender extends Watch {
  /** Sends the events of `textTurn`; what the server would refuse now is sent as soon as it takes it. */
  sendTurn(texts: readonly string[]): void;
}

/** All events are JSON texts, ready to be sent. */
export interface VoiceProtocol extends EventReader {
  readonly name: string;
  /** Whether events are only listed: there is nothing to write in, and no transcript. */
  readonly isEventsOnly?: boolean;
  /** Whether the session stands still while the server receives no audio: then silence is sent without a microphone. */
  readonly needsInputAudio: boolean;
  /** Whether events begin and end a turn of push-to-talk; if not, only the track does. */
  readonly hasTurnEvents: boolean;
  /** Writes a turn of the user and asks for a response; `hasBackend` is what the fact `backend` has said last. */
  textTurn(text: string, hasBackend: boolean): readonly string[];
  /** Stops what the assistant is doing; empty where it does nothing, or no event stops it. */
  interrupt(assistant: AssistantActivity): readonly string[];
  /** Begins a push-to-talk turn: discards earlier input audio and cancels what the assistant is doing. */
  beginTurn(assistant: AssistantActivity): readonly string[];
  /** Ends a push-to-talk turn and asks for a response. */
  commitTurn(): readonly string[];
  /** Takes a push-to-talk turn back. */
  discardTurn(): readonly string[];
  /**
   * Tells a new call what was said, and which functions were called, in the calls that it continues: for each turn the
   * events that must all be sent, or none of them.
   */
  carriedTurns(turns: readonly Turn[]): readonly (readonly string[])[];
  /** Summarizes the events of a log, for its rows. */
  eventSummaries(): SummarizeEvent;
  /** Reads the measured sound of one call. */
  soundReader(): SoundReader;
  /** Whether a sent text changes the session, so that a call that continues this one must repeat it. */
  isSessionChange(text: string): boolean;
  /** Asks the server to close the session, and to send what it still has; empty where the end of the call does that. */
  closeSession(): readonly string[];
  /** Whether a received text is the last one of a session. */
  isSessionEnd(text: string): boolean;
  /** Watches one call for a session that stands still; undefined where none can. */
  clockWatch?(onStanding: () => void): Watch;
  /** Sends written turns; undefined where the server takes them at any time. */
  turnSender?(send: (texts: readonly string[]) => void): TurnSender;
}
