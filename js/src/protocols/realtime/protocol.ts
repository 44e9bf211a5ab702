/** The events of OpenAI's Realtime API, GA and beta names. */

import type { VoiceProtocol } from "../base";
import {
  beginTurn,
  carriedTurns,
  commitTurn,
  discardTurn,
  interrupt,
  isSessionChange,
  textTurn,
} from "./client_events";
import { summarize } from "./event_summary";
import { factsOf } from "./facts";
import { MeasuredAudio } from "./measured_audio";
import { sessionOf } from "./session";
import { beginCall, endCall, reduce } from "./transcript_reducer";

export const REALTIME: VoiceProtocol = {
  name: "realtime",
  needsInputAudio: false,
  hasTurnEvents: true,
  textTurn,
  interrupt,
  beginTurn,
  commitTurn,
  discardTurn,
  carriedTurns,
  isSessionChange,
  closeSession: () => [],
  isSessionEnd: () => false,
  eventSummaries: () => summarize,
  soundReader: () => new MeasuredAudio(),
  beginCall,
  reduce,
  endCall,
  factsOf,
  sessionOf,
};
