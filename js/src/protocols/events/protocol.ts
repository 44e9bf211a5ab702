/** A signaling without a wire protocol: its events are listed, and have no meaning here. */

import { plainSummary } from "../../conversation/event_summary";
import type { VoiceProtocol } from "../base";

export const EVENTS: VoiceProtocol = {
  name: "events",
  isEventsOnly: true,
  needsInputAudio: false,
  hasTurnEvents: false,
  textTurn: () => [],
  beginTurn: () => [],
  commitTurn: () => [],
  discardTurn: () => [],
  carriedTurns: () => [],
  interrupt: () => [],
  eventSummaries: () => plainSummary,
  soundReader: () => ({ consume: () => [], take: () => [] }),
  closeSession: () => [],
  isSessionEnd: () => false,
  isSessionChange: () => false,
  beginCall: (conversation, attempt, resumes) =>
    conversation.calls.some((call) => call.attempt === attempt)
      ? conversation
      : { ...conversation, calls: [...conversation.calls, { attempt, resumes }] },
  reduce: (conversation) => conversation,
  endCall: (conversation) => conversation,
  factsOf: () => [],
};
