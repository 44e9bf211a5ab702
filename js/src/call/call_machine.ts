/**
 * The life of a call as a machine: its phases, what can happen to it, and one table of what follows from what.
 *
 * Pure: the timers, the attempts and what is told to whom are `call.ts`. What the table does not list changes nothing.
 */

import type { Status } from "../comm/protocol";
import { RtcWidgetError } from "../errors";
import type { Reconnect } from "../settings";

/** `tries` counts the new ways sought and the new calls made since the connection was last healthy for a while. */
export type Phase =
  | { readonly is: "idle" }
  | { readonly is: "connecting" }
  | { readonly is: "connected"; readonly tries: number }
  /** WebRTC lost the other side and may find it again by itself. */
  | { readonly is: "unsteady"; readonly tries: number }
  /** The same call seeks a new way to the server (an ICE restart). */
  | { readonly is: "restarting"; readonly tries: number; readonly error: RtcWidgetError }
  /** The connection is given up; the next attempt waits for its moment. */
  | { readonly is: "pausing"; readonly tries: number; readonly error: RtcWidgetError }
  | { readonly is: "retrying"; readonly tries: number; readonly error: RtcWidgetError }
  | { readonly is: "failed"; readonly error: RtcWidgetError };

export type CallEvent =
  /** Somebody wants a call, or none. */
  | { readonly type: "connect" }
  | { readonly type: "disconnect" }
  /** The data channel is open. */
  | { readonly type: "opened" }
  | { readonly type: "wavered" }
  | { readonly type: "healed" }
  | { readonly type: "grace_over" }
  | { readonly type: "pause_over" }
  | { readonly type: "healthy" }
  /** The way to the server is lost; another call may find one. */
  | { readonly type: "lost"; readonly error: RtcWidgetError }
  /** It is over, and calling again would not help or is not wanted. */
  | { readonly type: "ended"; readonly error: RtcWidgetError };

/** What can be done about a loss. */
export interface Capabilities {
  readonly reconnect: Reconnect | null;
  /** Whether the server takes part in an ICE restart of the call. */
  readonly canRestart: boolean;
}

type Named<P extends Phase["is"]> = Extract<Phase, { is: P }>;
type Rule<P extends Phase["is"], H extends CallEvent["type"]> = (
  phase: Named<P>,
  happening: Extract<CallEvent, { type: H }>,
  means: Capabilities,
) => Phase;
type Table = { readonly [P in Phase["is"]]: { readonly [H in CallEvent["type"]]?: Rule<P, H> } };

const IDLE: Phase = { is: "idle" };
const toIdle = () => IDLE;
const toConnecting = (): Phase => ({ is: "connecting" });
const toFailed = (_: Phase, { error }: { readonly error: RtcWidgetError }): Phase => ({ is: "failed", error });
const toConnected = ({ tries }: { readonly tries: number }): Phase => ({ is: "connected", tries });

export const TRANSITIONS: Table = {
  idle: { connect: toConnecting, ended: toFailed },
  connecting: {
    opened: () => ({ is: "connected", tries: 0 }),
    disconnect: toIdle,
    // A first call that finds no way is a matter for the person, not for patience.
    lost: toFailed,
    ended: toFailed,
  },
  connected: {
    wavered: ({ tries }) => ({ is: "unsteady", tries }),
    healthy: () => ({ is: "connected", tries: 0 }),
    disconnect: toIdle,
    lost: ({ tries }, { error }, means) => onAnotherWay(tries, error, means),
    ended: toFailed,
  },
  unsteady: {
    healed: toConnected,
    grace_over: ({ tries }, _, means) => onAnotherWay(tries, LOST_FROM_SIGHT, means),
    disconnect: toIdle,
    lost: ({ tries }, { error }, means) => onAnotherWay(tries, error, means),
    ended: toFailed,
  },
  restarting: {
    healed: toConnected,
    disconnect: toIdle,
    lost: ({ tries }, { error }, { reconnect }) => again(tries, error, reconnect),
    ended: toFailed,
  },
  pausing: {
    connect: ({ tries, error }) => ({ is: "retrying", tries, error }),
    pause_over: ({ tries, error }) => ({ is: "retrying", tries, error }),
    disconnect: toIdle,
    ended: toFailed,
  },
  retrying: {
    opened: toConnected,
    disconnect: toIdle,
    lost: ({ tries }, { error }, { reconnect }) => again(tries, error, reconnect),
    ended: toFailed,
  },
  failed: { connect: toConnecting, disconnect: toIdle, ended: toFailed },
};

/** The phase that follows; the very same one if nothing does. */
export function next(phase: Phase, happening: CallEvent, means: Capabilities): Phase {
  // The table is written with the narrow types; TypeScript cannot see that row and column fit the two arguments.
  const row = TRANSITIONS[phase.is] as Partial<Record<CallEvent["type"], unknown>>;
  const rule = row[happening.type] as Rule<Phase["is"], CallEvent["type"]> | undefined;
  return rule ? rule(phase, happening, means) : phase;
}

const STATUS: Readonly<Record<Phase["is"], Status>> = {
  idle: "idle",
  connecting: "connecting",
  connected: "connected",
  unsteady: "reconnecting",
  restarting: "reconnecting",
  pausing: "reconnecting",
  retrying: "reconnecting",
  failed: "error",
};

export function statusOf(phase: Phase): Status {
  return STATUS[phase.is];
}

/** Whether there is an attempt in this phase: one being made, or one that stands. */
export function hasAttempt({ is }: Phase): boolean {
  return is !== "idle" && is !== "pausing" && is !== "failed";
}

const LOST_FROM_SIGHT = new RtcWidgetError({
  code: "connection_failed",
  message: "The connection to the server was lost.",
  hint: "Check the network and connect again.",
});

/** A call that stood is kept where its server helps to find another way to it. */
function onAnotherWay(tries: number, error: RtcWidgetError, { reconnect, canRestart }: Capabilities): Phase {
  const isWorthIt = canRestart && reconnect && tries < reconnect.maxAttempts;
  return isWorthIt ? { is: "restarting", tries: tries + 1, error } : again(tries, error, reconnect);
}

function again(tries: number, error: RtcWidgetError, reconnect: Reconnect | null): Phase {
  if (reconnect && tries < reconnect.maxAttempts) return { is: "pausing", tries: tries + 1, error };
  return { is: "failed", error: tries === 0 ? error : givenUp(tries, error) };
}

function givenUp(tries: number, last: RtcWidgetError): RtcWidgetError {
  const attempts = tries === 1 ? "one attempt to connect again" : `${tries} attempts to connect again`;
  return new RtcWidgetError(
    {
      code: "reconnect_failed",
      message: `The connection to the server was lost, and ${attempts} failed. The last one: ${last.message}`,
      hint: "Check the network (cable, Wi-Fi, VPN) and connect again. What was said is kept.",
    },
    { cause: last },
  );
}
