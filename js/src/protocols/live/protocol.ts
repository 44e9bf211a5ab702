/** The events of OpenAI's GPT-Live, which listens while it speaks and decides by itself when to speak. */

import type { VoiceProtocol } from "../base";
import { OVER_MS } from "./call_turns";
import { closeSession, isSessionEnd, textTurn } from "./client_events";
import { ClockWatch } from "./clock_watch";
import { eventSummaries } from "./event_summary";
import { factsOf, soundReader } from "./facts";
import { ResponseRequests } from "./response_requests";
import { sessionOf } from "./session";
import { beginCall, endCall, reduce } from "./transcript_reducer";

const none = () => [];

export const LIVE: VoiceProtocol = {
  name: "live",
  needsInputAudio: true,
  hasTurnEvents: false,
  turnEndMs: OVER_MS,
  textTurn,
  interrupt: none,
  // The service has no events for them: the track is silent between two turns, and the model decides.
  beginTurn: none,
  commitTurn: none,
  discardTurn: none,
  // The kernel gives the conversation and the changed settings with the offer.
  carriedTurns: none,
  isSessionChange: () => false,
  closeSession,
  isSessionEnd,
  eventSummaries,
  soundReader,
  clockWatch: (onStanding) => new ClockWatch(onStanding),
  turnSender: (send) => new ResponseRequests(send),
  beginCall,
  reduce,
  endCall,
  factsOf,
  sessionOf,
};
