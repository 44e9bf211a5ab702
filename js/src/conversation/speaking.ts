/** Who is speaking. The facts may come from events or, where the protocol has none for it, from measured loudness. */

import type { Fact } from "./facts";

export interface Speaking {
  readonly user: boolean;
  readonly assistant: boolean;
}

export const SILENCE: Speaking = { user: false, assistant: false };

export function speakingAfter(before: Speaking, fact: Fact): Speaking {
  return fact.type === "speaking" ? { ...before, [fact.speaker]: fact.isSpeaking } : before;
}
