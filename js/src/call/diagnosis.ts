/** What was tried for the last call and where it stopped, in an order in which one thing needs the one before it. */

import type { CallState } from "../comm/protocol";
import { microphoneHindrance } from "../media/microphone";
import type { CandidatePair } from "./ice_pairs";
import type { PeerFacts } from "./peer";

export type Outcome = "ok" | "failed" | "not reached";

export interface Step {
  readonly name: string;
  readonly outcome: Outcome;
  readonly detail: string;
}

export interface Diagnosis {
  readonly steps: readonly Step[];
  /** The ways that ICE has tried. */
  readonly pairs: readonly CandidatePair[];
  /** The likely cause in words; empty when nothing went wrong. */
  readonly cause: string;
  readonly hint: string;
}

/** What an attempt has come through; kept when it ends. */
export interface AttemptProgress {
  readonly prepared: boolean;
  readonly microphone: "open" | "none" | "failed" | "waiting";
  readonly answered: boolean;
  readonly peer: PeerFacts | undefined;
  readonly pairs: readonly CandidatePair[];
}

export const NO_PROGRESS: AttemptProgress = {
  prepared: false,
  microphone: "waiting",
  answered: false,
  peer: undefined,
  pairs: [],
};

export function diagnose(state: CallState, microphones: number, trail: AttemptProgress | undefined): Diagnosis {
  const needsMicrophone = trail?.microphone !== "none";
  const steps = [...beforeCall(state, microphones, needsMicrophone), ...(trail ? duringCall(trail) : [])];
  const { error } = state;
  const stopped = steps.find(({ outcome }) => outcome !== "ok");
  const cause = error?.message ?? (stopped?.outcome === "failed" ? `${stopped.name}: ${stopped.detail}` : "");
  return { steps, pairs: trail?.pairs ?? [], cause, hint: error?.hint ?? "" };
}

/** What a microphone needs; nothing of it hinders a call that has none. */
function beforeCall(
  { microphone_permission: permission }: CallState,
  microphones: number,
  isNeeded: boolean,
): readonly Step[] {
  const hindrance = microphoneHindrance();
  const step = (name: string, isFine: boolean, detail: string): Step => ({
    name,
    outcome: isFine || !isNeeded ? "ok" : "failed",
    detail: isFine || isNeeded ? detail : `${detail}; not needed`,
  });
  return [
    step("Secure context", isSecureContext, isSecureContext ? location.origin : `${location.origin} is plain http`),
    step("Microphone access", !hindrance, hindrance?.message ?? "the browser has it"),
    step("Permission", permission === "granted" || permission === "prompt", permission),
    step("Microphones", microphones > 0, `${microphones} found`),
  ];
}

function duringCall({ prepared, microphone, answered, peer, pairs }: AttemptProgress): readonly Step[] {
  const sides = peer ? `${kinds(peer.localCandidates)} here, ${kinds(peer.remoteCandidates)} there` : "";
  const way: readonly (readonly [name: string, isReached: boolean, detail: string])[] = [
    ["Kernel prepared the call", prepared, ""],
    ["Microphone opened", microphone === "open" || microphone === "none", microphone],
    ["ICE candidates gathered", (peer?.localCandidates.length ?? 0) > 0, kinds(peer?.localCandidates ?? [])],
    ["Offer and answer exchanged", answered, ""],
    [
      "ICE found a way",
      peer?.iceHasConnected ?? false,
      `${peer?.ice ?? "new"}; candidates: ${sides}; pairs tried: ${pairs.length}`,
    ],
    ["DTLS secured it", peer?.dtls === "connected" || (peer?.channelHasOpened ?? false), peer?.dtls ?? "new"],
    ["Data channel opened", peer?.channelHasOpened ?? false, peer?.channel ?? "none"],
  ];
  const stop = way.findIndex(([, isReached]) => !isReached);
  return way.map(([name, isReached, detail], index) => ({
    name,
    outcome: isReached ? "ok" : index === stop ? "failed" : "not reached",
    detail,
  }));
}

function kinds(candidates: readonly string[]): string {
  const names = [...new Set(candidates)].map((kind) => `${candidates.filter((one) => one === kind).length} ${kind}`);
  return names.join(", ") || "none";
}
