/** A signaling without a wire protocol: its events are listed, and have no meaning here. */

import type { VoiceProtocol } from "../base";

export const EVENTS: VoiceProtocol = {
  name: "events",
  isEventsOnly: true,
  textTurn: () => [],
  beginTurn: () => [],
  commitTurn: () => [],
  discardTurn: () => [],
  carriedTurns: () => [],
  isSessionChange: () => false,
  beginCall: (conversation, attempt, resumes) =>
    conversation.calls.some((call) => call.attempt === attempt)
      ? conversation
      : { ...conversation, calls: [...conversation.calls, { attempt, resumes }] },
  reduce: (conversation) => conversation,
  endCall: (conversation) => conversation,
  factsOf: () => [],
};
