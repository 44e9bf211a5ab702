/** The steps of the last call and where it stopped; each step needs the one before it. */

import { diagnosis as STEPS } from "../../../src/rtc_widget/errors/texts.json";
import type { CallState } from "../comm/protocol";
import { microphoneObstacle } from "../media/microphone";
import type { CandidatePair } from "./ice_pairs";
import type { PeerProgress } from "./peer";

export type Outcome = "ok" | "failed" | "not reached";

export interface Step {
  readonly name: string;
  readonly outcome: Outcome;
  readonly detail: string;
}

export interface Diagnosis {
  readonly steps: readonly Step[];
  /** The candidate pairs that ICE has tried. */
  readonly pairs: readonly CandidatePair[];
  /** The likely cause; empty when nothing went wrong. */
  readonly cause: string;
  readonly hint: string;
}

/** How far an attempt has come; kept when it ends. */
export interface AttemptProgress {
  readonly prepared: boolean;
  readonly microphone: "open" | "none" | "failed" | "waiting";
  readonly answered: boolean;
  readonly peer: PeerProgress | undefined;
  readonly pairs: readonly CandidatePair[];
}

export const NO_PROGRESS: AttemptProgress = {
  prepared: false,
  microphone: "waiting",
  answered: false,
  peer: undefined,
  pairs: [],
};

export function diagnose(state: CallState, microphones: number, progress: AttemptProgress | undefined): Diagnosis {
  const needsMicrophone = progress?.microphone !== "none";
  const steps = [...beforeCall(state, microphones, needsMicrophone), ...(progress ? duringCall(progress) : [])];
  const { error } = state;
  const stopped = steps.find(({ outcome }) => outcome !== "ok");
  const cause = error?.message ?? (stopped?.outcome === "failed" ? `${stopped.name}: ${stopped.detail}` : "");
  return { steps, pairs: progress?.pairs ?? [], cause, hint: error?.hint ?? "" };
}

/** What a microphone needs. A call without one needs none of it. */
function beforeCall(
  { microphone_permission: permission }: CallState,
  microphones: number,
  isNeeded: boolean,
): readonly Step[] {
  const obstacle = microphoneObstacle();
  const step = (name: string, isOk: boolean, detail: string): Step => ({
    name,
    outcome: isOk || !isNeeded ? "ok" : "failed",
    detail: isOk || isNeeded ? detail : `${detail}; not needed`,
  });
  return [
    step("Secure context", isSecureContext, isSecureContext ? location.origin : `${location.origin} is plain http`),
    step("Microphone access", !obstacle, obstacle?.message ?? "the browser has it"),
    step("Permission", permission === "granted" || permission === "prompt", permission),
    step("Microphones", microphones > 0, `${microphones} found`),
  ];
}

function duringCall({ prepared, microphone, answered, peer, pairs }: AttemptProgress): readonly Step[] {
  const sides = peer ? `${kinds(peer.localCandidates)} here, ${kinds(peer.remoteCandidates)} there` : "";
  const steps: readonly (readonly [name: string, isReached: boolean, detail: string])[] = [
    [STEPS.prepared, prepared, ""],
    ["Microphone opened", microphone === "open" || microphone === "none", microphone],
    [STEPS.gathered, (peer?.localCandidates.length ?? 0) > 0, kinds(peer?.localCandidates ?? [])],
    [STEPS.answered, answered, ""],
    [
      STEPS.ice,
      peer?.iceHasConnected ?? false,
      `${peer?.ice ?? "new"}; candidates: ${sides}; pairs tried: ${pairs.length}`,
    ],
    ["DTLS secured it", peer?.dtls === "connected" || (peer?.channelHasOpened ?? false), peer?.dtls ?? "new"],
    [STEPS.channel, peer?.channelHasOpened ?? false, peer?.channel ?? "none"],
  ];
  const stop = steps.findIndex(([, isReached]) => !isReached);
  return steps.map(([name, isReached, detail], index) => ({
    name,
    outcome: isReached ? "ok" : index === stop ? "failed" : "not reached",
    detail,
  }));
}

function kinds(candidates: readonly string[]): string {
  const names = [...new Set(candidates)].map((kind) => `${candidates.filter((one) => one === kind).length} ${kind}`);
  return names.join(", ") || "none";
}
