/**
 * The life of a call as a state machine; the twin of `headless/call_machine.py`, except for the ICE restart.
 *
 * Pure: `call.ts` runs the timers and makes the attempts. An event that the table does not list for a phase changes nothing.
 */

import type { Status } from "../comm/protocol";
import { isDeeper, RtcWidgetError, textOf } from "../errors";
import type { Reconnect } from "../settings";

/** `tries` counts the ICE restarts and the new calls since the connection was last healthy for a while. */
export type Phase =
  | { readonly is: "idle" }
  | { readonly is: "connecting" }
  | { readonly is: "connected"; readonly tries: number }
  /** WebRTC lost the other side and may find it again by itself. */
  | { readonly is: "disconnected"; readonly tries: number }
  /** An ICE restart looks for a new path to the server, for the same call. */
  | { readonly is: "restarting"; readonly tries: number; readonly error: RtcWidgetError }
  /** The connection is given up; the next attempt begins after a pause. */
  | { readonly is: "backoff"; readonly tries: number; readonly error: RtcWidgetError }
  | { readonly is: "retrying"; readonly tries: number; readonly error: RtcWidgetError }
  | { readonly is: "failed"; readonly error: RtcWidgetError };

export type CallEvent =
  /** Python or a person asks for a call, or for its end. */
  | { readonly type: "connect" }
  | { readonly type: "disconnect" }
  /** The data channel is open. */
  | { readonly type: "opened" }
  /** WebRTC reports that it lost the other side, or that it found it again. */
  | { readonly type: "disconnected" }
  | { readonly type: "reconnected" }
  | { readonly type: "grace_over" }
  | { readonly type: "backoff_over" }
  | { readonly type: "healthy" }
  /** The path to the server is lost; another call may find one. */
  | { readonly type: "lost"; readonly error: RtcWidgetError }
  /** The session has reached, or is about to reach, its maximum duration; a new call continues the conversation. */
  | { readonly type: "expired"; readonly error: RtcWidgetError }
  /** The call is over, and calling again would not help or is not wanted. */
  | { readonly type: "ended"; readonly error: RtcWidgetError };

/** What can be done about a loss. */
export interface Capabilities {
  readonly reconnect: Reconnect | null;
  /** Whether the server takes part in an ICE restart of the call. */
  readonly canRestart: boolean;
}

type PhaseNamed<P extends Phase["is"]> = Extract<Phase, { is: P }>;
type Rule<P extends Phase["is"], E extends CallEvent["type"]> = (
  phase: PhaseNamed<P>,
  event: Extract<CallEvent, { type: E }>,
  capabilities: Capabilities,
) => Phase;
type Table = { readonly [P in Phase["is"]]: { readonly [E in CallEvent["type"]]?: Rule<P, E> } };

const IDLE: Phase = { is: "idle" };
const toIdle = () => IDLE;
const toConnecting = (): Phase => ({ is: "connecting" });
const toFailed = (_: Phase, { error }: { readonly error: RtcWidgetError }): Phase => ({ is: "failed", error });
/** Giving up is reported as the end of the session: the connection was not lost. */
const toNewSession = (
  { tries }: { readonly tries: number },
  { error }: { readonly error: RtcWidgetError },
  { reconnect }: Capabilities,
): Phase => (canRetry(tries, reconnect) ? { is: "backoff", tries: tries + 1, error } : { is: "failed", error });
const toConnected = ({ tries }: { readonly tries: number }): Phase => ({ is: "connected", tries });

export const TRANSITIONS: Table = {
  idle: { connect: toConnecting, ended: toFailed },
  connecting: {
    opened: () => ({ is: "connected", tries: 0 }),
    disconnect: toIdle,
    // Where the first call finds no path, a person must change something; retrying would not.
    lost: toFailed,
    expired: toFailed,
    ended: toFailed,
  },
  connected: {
    disconnected: ({ tries }) => ({ is: "disconnected", tries }),
    healthy: () => ({ is: "connected", tries: 0 }),
    disconnect: toIdle,
    lost: ({ tries }, { error }, capabilities) => restartOrRetry(tries, error, capabilities),
    expired: toNewSession,
    ended: toFailed,
  },
  disconnected: {
    reconnected: toConnected,
    grace_over: ({ tries }, _, capabilities) => restartOrRetry(tries, CONNECTION_LOST, capabilities),
    disconnect: toIdle,
    lost: ({ tries }, { error }, capabilities) => restartOrRetry(tries, error, capabilities),
    expired: toNewSession,
    ended: toFailed,
  },
  restarting: {
    reconnected: toConnected,
    disconnect: toIdle,
    lost: ({ tries }, { error }, { reconnect }) => retry(tries, error, reconnect),
    expired: toNewSession,
    ended: toFailed,
  },
  backoff: {
    connect: ({ tries, error }) => ({ is: "retrying", tries, error }),
    backoff_over: ({ tries, error }) => ({ is: "retrying", tries, error }),
    disconnect: toIdle,
    ended: toFailed,
  },
  retrying: {
    opened: toConnected,
    disconnect: toIdle,
    lost: ({ tries }, { error }, { reconnect }) => retry(tries, error, reconnect),
    expired: toNewSession,
    ended: toFailed,
  },
  failed: {
    connect: toConnecting,
    disconnect: toIdle,
    // The deeper cause may be known last: a server that ends with the kernel closes the call first.
    ended: (phase, event) => (isDeeper(event.error, phase.error) ? toFailed(phase, event) : phase),
  },
};

/** Returns the phase that follows; the same object where nothing changes. */
export function nextPhase(phase: Phase, event: CallEvent, capabilities: Capabilities): Phase {
  // The table is written with the narrow types; TypeScript cannot see that row and column fit the two arguments.
  const row = TRANSITIONS[phase.is] as Partial<Record<CallEvent["type"], unknown>>;
  const rule = row[event.type] as Rule<Phase["is"], CallEvent["type"]> | undefined;
  return rule ? rule(phase, event, capabilities) : phase;
}

const STATUS: Readonly<Record<Phase["is"], Status>> = {
  idle: "idle",
  connecting: "connecting",
  connected: "connected",
  disconnected: "reconnecting",
  restarting: "reconnecting",
  backoff: "reconnecting",
  retrying: "reconnecting",
  failed: "error",
};

export function statusOf(phase: Phase): Status {
  return STATUS[phase.is];
}

/** How a lost connection is being replaced. */
export interface Recovery {
  /** The ICE restart or the new call that is being tried; zero while WebRTC tries by itself. */
  readonly number: number;
  readonly most: number;
  /** The code of the error that ended the connection; null while it may come back by itself. */
  readonly reason: string | null;
}

export function recoveryOf(phase: Phase, reconnect: Reconnect | null): Recovery | null {
  const most = reconnect?.maxAttempts ?? 0;
  switch (phase.is) {
    case "disconnected":
      return { number: 0, most, reason: null };
    case "restarting":
    case "backoff":
    case "retrying":
      return { number: phase.tries, most, reason: phase.error.code };
    default:
      return null;
  }
}

/** Whether this phase has an attempt: one that is being made, or an established call. */
export function hasAttempt({ is }: Phase): boolean {
  return is !== "idle" && is !== "backoff" && is !== "failed";
}

const CONNECTION_LOST = new RtcWidgetError({
  code: "connection_failed",
  message: textOf("connection_lost"),
  hint: "Check the network and connect again.",
});

/** An established call is kept where the server takes part in an ICE restart. */
function restartOrRetry(tries: number, error: RtcWidgetError, { reconnect, canRestart }: Capabilities): Phase {
  const restarts = canRestart && reconnect && tries < reconnect.maxAttempts;
  return restarts ? { is: "restarting", tries: tries + 1, error } : retry(tries, error, reconnect);
}

function canRetry(tries: number, reconnect: Reconnect | null): boolean {
  return reconnect !== null && tries < reconnect.maxAttempts;
}

function retry(tries: number, error: RtcWidgetError, reconnect: Reconnect | null): Phase {
  if (canRetry(tries, reconnect)) return { is: "backoff", tries: tries + 1, error };
  return { is: "failed", error: tries === 0 ? error : reconnectFailed(tries, error) };
}

function reconnectFailed(tries: number, last: RtcWidgetError): RtcWidgetError {
  const attempts = tries === 1 ? textOf("attempt") : textOf("attempts", { count: tries });
  return new RtcWidgetError(
    {
      code: "reconnect_failed",
      message: textOf("reconnect_failed", { attempts, last: last.message }),
      hint: textOf("reconnect_failed_hint"),
    },
    { cause: last },
  );
}
