/**
 * What a wire protocol offers: intents become events to send, received events become facts and turns.
 *
 * No module outside `protocols/` names a wire event (`check_event_names.mjs`). Not every protocol has an event for every
 * intent: an empty list means that there is nothing to send. GPT-Live has no events that begin, commit or discard a
 * turn; there push-to-talk only enables the track.
 */

import type { EventReader } from "../conversation/facts";
import type { Turn } from "../conversation/transcript";

/** What the assistant is doing when it is interrupted. */
export interface AssistantActivity {
  readonly isResponding: boolean;
  readonly isSpeaking: boolean;
}

/** All events are JSON texts, ready to be sent. */
export interface VoiceProtocol extends EventReader {
  readonly name: string;
  /** Writes a turn of the user and asks for a response. */
  textTurn(text: string): readonly string[];
  /** Stops what the assistant is doing; empty where it does nothing, or cannot be stopped. */
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
  /** Whether a sent text changes the session, so that a call that continues this one must repeat it. */
  isSessionChange(text: string): boolean;
}
