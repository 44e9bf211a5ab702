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
import { factsOf } from "./facts";
import { beginCall, endCall, reduce } from "./transcript_reducer";

export const REALTIME: VoiceProtocol = {
  name: "realtime",
  textTurn,
  interrupt,
  beginTurn,
  commitTurn,
  discardTurn,
  carriedTurns,
  isSessionChange,
  beginCall,
  reduce,
  endCall,
  factsOf,
};
