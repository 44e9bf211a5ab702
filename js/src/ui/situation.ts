/** The situation of a store, and the words for it; computed once for all its views. */

import { computed, type ReadonlySignal } from "@preact/signals";
import { isCalling } from "../comm/protocol";
import type { Store } from "../store";
import { type CallLength, type Situation, type Words, wordsFor } from "./words";

const known = new WeakMap<Store, ReadonlySignal<Words>>();

/** The words that the store's views show now. */
export function wordsOf(store: Store): ReadonlySignal<Words> {
  const found = known.get(store);
  if (found) return found;
  const words = computed(() => wordsFor(situationOf(store)));
  known.set(store, words);
  return words;
}

function situationOf(store: Store): Situation {
  const state = store.state.value;
  const { isOn, isHeld } = store.pushToTalk.value;
  const speaking = store.speaking.value;
  return {
    status: state.status,
    connection: state.connection_state,
    ice: state.ice_connection_state,
    isChannelOpen: state.data_channel_state === "open",
    isMuted: state.muted,
    input: inputOf(store),
    pushToTalk: isHeld ? "held" : isOn ? "on" : "off",
    isUserSpeaking: speaking.user,
    isAssistantSpeaking: speaking.assistant,
    permission: state.microphone_permission,
    isMicrophoneRequested: store.isMicrophoneRequested.value,
    kernel: store.isKernelDead.value ? "gone" : store.isKernelSlow.value ? "busy" : "ready",
    hearsNothing: store.hearsNothing.value,
    progress: store.progress.value,
    canCall: store.canCall.value,
    holder: store.isFollowing.value ? "elsewhere" : "here",
    recovery: store.recovery.value,
    problem: store.problem.value?.code ?? null,
    // Turns are counted at the end only: a call that goes on does not show them.
    lastCall: isCalling(state.status) ? null : lastCallOf(store),
  };
}

/** A call knows what it sends; before it, and of clips, the settings tell. */
function inputOf({ state, input }: Store): Situation["input"] {
  if (input.value === "clips" || !isCalling(state.value.status)) return input.value;
  return state.value.receive_only ? "none" : "microphone";
}

function lastCallOf({ callTimes, conversation }: Store): CallLength | null {
  const { startMs, endMs, attempts } = callTimes.value;
  if (startMs === undefined || endMs === undefined) return null;
  const turns = conversation.value.turns.filter(({ role, attempt }) => role !== "unseen" && attempts.includes(attempt));
  return { seconds: (endMs - startMs) / 1_000, turns: turns.length };
}
