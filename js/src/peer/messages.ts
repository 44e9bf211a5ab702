/**
 * The messages between the page and the kernel about a peer connection; both halves follow `tests/contract/peer.json`.
 *
 * Names of the W3C cross in snake_case; values of enumerations, candidates, codecs, parameters and statistics as the browser
 * has them.
 */

import type { Decode } from "../comm/envelope";
import type { ClipRequest } from "../comm/protocol";
import { isRecord, isText, type JsonObject } from "../json";

/** What happened: milliseconds since 1970, the handle of the object, the event's name, its payload, and what has changed. */
export type PeerEvent = readonly [timeMs: number, source: string, name: string, payload: unknown, changes: Changes];

/** New or changed attributes of objects, by their handles. */
export type Changes = Readonly<Record<string, JsonObject>>;

/** One operation on the peer connection. */
export interface PeerRequest {
  readonly type: "peer";
  readonly id: string;
  /** The peer that the page has named; empty for `create`. */
  readonly peer: string;
  readonly op: string;
  readonly args: JsonObject;
}

/** The kernel does not wait for a request any more; what the request has opened is to be closed. */
export interface PeerCancel {
  readonly type: "cancel";
  readonly request: string;
}

export interface PeerEvents {
  readonly type: "peer_events";
  readonly peer: string;
  /** The number of the first event; counted over all peers of the page. */
  readonly first: number;
  readonly events: readonly PeerEvent[];
}

export interface PeerMessages {
  readonly request: PeerRequest;
  readonly notice: PeerCancel;
  readonly posted: PeerEvents;
  readonly asked: ClipRequest;
}

export const decodePeerMessage: Decode<PeerMessages> = ({ type, id, peer, op, args, request }) => {
  if (type === "cancel") return isText(request) ? { type, request } : undefined;
  if (type !== "peer" || !isText(id) || !isText(op) || !isRecord(args)) return undefined;
  return { type, id, peer: isText(peer) ? peer : "", op, args };
};

/** The payload of `operation`: the same call has two of them. */
export interface OperationPayload {
  readonly call: number;
  readonly op: string;
  readonly phase: "called" | "settled";
  readonly error?: { readonly name: string; readonly message: string };
  /** Why the page itself has called this operation. */
  readonly reason?: string;
}
