/**
 * What the interface says about a call: one table, from the situation to the words. Pure, and tested for all situations.
 *
 * Nothing else in `ui/` derives words from the state of the call, so that no two parts of a view contradict each other.
 */

import type { Recovery } from "../call/call_machine";
import type { MicrophonePermission, Status } from "../comm/protocol";

export interface Situation {
  readonly status: Status;
  readonly connection: RTCPeerConnectionState;
  readonly ice: RTCIceConnectionState;
  readonly isChannelOpen: boolean;
  readonly isMuted: boolean;
  /** What the call sends: the microphone, clips of Python only, or no audio at all. */
  readonly input: "microphone" | "clips" | "none";
  readonly pushToTalk: "off" | "on" | "held";
  readonly isUserSpeaking: boolean;
  readonly isAssistantSpeaking: boolean;
  readonly permission: MicrophonePermission;
  /** Whether the browser is opening a microphone. */
  readonly isMicrophoneRequested: boolean;
  readonly kernel: "ready" | "busy" | "gone";
  /** What the kernel is doing for the call; empty if nothing. */
  readonly progress: string;
  /** Whether nothing was heard of who should speak, for some seconds. */
  readonly hearsNothing: boolean;
  readonly canCall: boolean;
  readonly holder: "here" | "elsewhere";
  /** How a lost connection is being replaced. */
  readonly recovery: Recovery | null;
  /** The code of the error that is shown with the call; null if none is. */
  readonly problem: string | null;
  /** The last call of this page that was established; null if there was none. */
  readonly lastCall: CallLength | null;
}

export interface CallLength {
  readonly seconds: number;
  readonly turns: number;
}

export interface Words {
  readonly dot: "off" | "busy" | "on" | "muted" | "bad";
  readonly headline: string;
  /** The states of the W3C beside the headline, while they change. */
  readonly states: string;
  readonly secondLine: string;
  /** What a person can do in a conversation without turns. */
  readonly invitation: string;
  readonly placeholder: string;
}

export function wordsFor(situation: Situation): Words {
  return {
    dot: dotFor(situation),
    headline: headlineFor(situation),
    states: statesFor(situation),
    secondLine: secondLineFor(situation),
    invitation: invitationFor(situation),
    placeholder: placeholderFor(situation),
  };
}

/** Whether the person's microphone goes into this call, and is muted. */
function isMutedHere({ isMuted, input, holder }: Situation): boolean {
  return isMuted && input === "microphone" && holder === "here";
}

function dotFor(situation: Situation): Words["dot"] {
  if (situation.kernel === "gone") return "bad";
  switch (situation.status) {
    case "connecting":
    case "reconnecting":
      return "busy";
    case "connected":
      return isMutedHere(situation) ? "muted" : "on";
    case "error":
      return "bad";
    case "idle":
      return "off";
  }
}

function headlineFor(situation: Situation): string {
  const { status, kernel, holder, lastCall, canCall } = situation;
  if (kernel === "gone") return "Kernel gone";
  const where = holder === "elsewhere" ? " in another window" : "";
  switch (status) {
    case "connecting":
      return where ? `Connecting${where}` : connectingHeadline(situation);
    case "connected":
      return isMutedHere(situation) ? "Muted" : `Connected${where}`;
    case "reconnecting":
      return where ? `Reconnecting${where}` : reconnectingHeadline(situation);
    case "error":
      return lastCall ? callOver(lastCall) : "Could not connect";
    case "idle":
      if (lastCall) return callOver(lastCall);
      return canCall ? "Ready" : "No server to call";
  }
}

/** A step that the kernel counts, such as "Loading speech recognition (2 of 3)". */
const COUNTED_STEP = /^(.{1,48} \(\d+ of \d+\))\s*…?$/;

function connectingHeadline({ isMicrophoneRequested, permission, progress }: Situation): string {
  if (isMicrophoneRequested && permission === "prompt") return "Waiting for your permission";
  const step = COUNTED_STEP.exec(progress)?.[1];
  if (step !== undefined) return step;
  return isMicrophoneRequested ? "Opening the microphone" : "Connecting";
}

/** Why a connection is replaced, by the codes of the errors. */
const REASONS: Readonly<Record<string, string>> = {
  session_expired: "the session expired",
  channel_timeout: "the data channel did not open",
  no_network: "no network",
  kernel_timeout: "the kernel is busy",
  server_unreachable: "no server",
  host_not_found: "no server",
  signaling_timeout: "the server is slow",
  server_error: "an error of the server",
  local_server: "no server",
  rate_limited: "too many calls",
};

function reconnectingHeadline({ recovery }: Situation): string {
  if (!recovery) return "Reconnecting";
  const reason = REASONS[recovery.reason ?? ""] ?? "the connection was lost";
  return recovery.number === 0 ? "Reconnecting" : `Reconnecting (${recovery.number} of ${recovery.most}, ${reason})`;
}

function callOver({ seconds, turns }: CallLength): string {
  return `Call over: ${durationWords(seconds)}, ${turns === 1 ? "1 turn" : `${turns} turns`}`;
}

/** Returns a duration as people say it: "14 s", "2 min 14 s", "1 h 2 min". */
export function durationWords(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
}

function statesFor({ status, kernel, connection, ice }: Situation): string {
  const isChanging = status === "connecting" || status === "reconnecting";
  // Before there is a connection to speak of, its states say nothing.
  return isChanging && kernel !== "gone" && connection !== "new" ? `${connection}, ICE ${ice}` : "";
}

function secondLineFor(situation: Situation): string {
  const { status, kernel, holder, problem, progress, isMicrophoneRequested, permission } = situation;
  // The error says it where a call ended with the kernel.
  if (kernel === "gone") return problem === "kernel_died" ? "" : "This widget has lost its kernel. Run its cell again.";
  if (isMicrophoneRequested && permission === "prompt") return "Allow the microphone in the browser's prompt.";
  if (progress !== "") return status === "connecting" && COUNTED_STEP.test(progress) ? "" : progress;
  if (kernel === "busy") return "Waiting for the kernel; is a cell running?";
  if (holder === "elsewhere") return "The call is in another window; this view follows it.";
  if (status === "connected") return inputNote(situation);
  return status === "idle" ? idleNote(situation) : "";
}

function inputNote(situation: Situation): string {
  if (isMutedHere(situation)) return "The assistant does not hear you.";
  if (situation.hearsNothing && situation.input === "microphone") return "We hear nothing: is the microphone on?";
  switch (situation.input) {
    case "none":
      return "No microphone: the assistant hears nothing.";
    case "clips":
      return "The assistant hears the clips that Python plays.";
    case "microphone":
      return "";
  }
}

function idleNote({ canCall, input, permission, isMuted }: Situation): string {
  if (!canCall || input !== "microphone") return "";
  if (permission === "denied") return "The browser blocks the microphone for this page.";
  if (permission === "unavailable") return "This page has no access to a microphone.";
  return isMuted ? "The microphone is muted." : "";
}

function invitationFor(situation: Situation): string {
  const { status, kernel, holder, canCall, input, isMuted } = situation;
  if (kernel === "gone") return "";
  if (holder === "elsewhere") return "The transcript of the other window's call appears here.";
  switch (status) {
    case "idle":
    case "error":
      if (!canCall) return "No server to call yet.";
      if (input !== "microphone" || !canUseMicrophone(situation))
        return "Connect and write. The transcript appears here.";
      if (isMuted) return "Connect, and unmute the microphone to talk. The transcript appears here.";
      return "Connect and start talking. The transcript appears here.";
    case "connecting":
      return "Connecting …";
    case "reconnecting":
      return "The call comes back in a moment.";
    case "connected":
      return connectedInvitation(situation);
  }
}

function canUseMicrophone({ permission }: Situation): boolean {
  return permission === "prompt" || permission === "granted";
}

function connectedInvitation(situation: Situation): string {
  const { input, isUserSpeaking, isAssistantSpeaking, pushToTalk } = situation;
  if (isMutedHere(situation)) return "Unmute the microphone to speak, or write below.";
  if (input !== "microphone") return "Write below.";
  if (isUserSpeaking || pushToTalk === "held") return "Listening …";
  if (isAssistantSpeaking) return "The assistant speaks first.";
  return pushToTalk === "on" ? "Hold the button and speak, or write below." : "Say something, or write below.";
}

function placeholderFor({ status, kernel, holder, isChannelOpen, canCall }: Situation): string {
  if (kernel === "gone") return "Run the cell again to send a message";
  if (holder === "elsewhere") return "Take over to send a message";
  // Also while WebRTC reconnects: the channel queues what is sent then.
  if (isChannelOpen) return "Write a message";
  switch (status) {
    case "connecting":
      return "Write a message; send it when the call is connected";
    case "reconnecting":
      return "Write a message; send it when the call is reconnected";
    default:
      return canCall ? "Connect to send a message" : "No server to send a message to";
  }
}
