/** The events of a peer connection's objects, and what of each crosses to the kernel. */

import { bytesToBase64 } from "../comm/pcm";
import type { Kind, PeerObjects } from "./objects";

/** The events that are listened to, by the kind of their object. */
export const EVENT_NAMES: Readonly<Record<Kind, readonly string[]>> = {
  pc: [
    "negotiationneeded",
    "icecandidate",
    "icecandidateerror",
    "signalingstatechange",
    "icegatheringstatechange",
    "iceconnectionstatechange",
    "connectionstatechange",
    "track",
    "datachannel",
  ],
  transceiver: [],
  sender: [],
  receiver: [],
  track: ["mute", "unmute", "ended"],
  channel: ["open", "message", "bufferedamountlow", "error", "closing", "close"],
  dtls: ["statechange"],
  ice: ["statechange", "gatheringstatechange", "selectedcandidatepairchange"],
  sctp: ["statechange"],
};

/** Returns the payload of an event; null for those that only say that something has changed. */
export function payloadOf(event: Event, objects: PeerObjects): unknown {
  const { handleOf } = objects;
  switch (event.type) {
    case "icecandidate": {
      const { candidate } = event as RTCPeerConnectionIceEvent;
      const url = (candidate as { url?: string | null } | null)?.url;
      return { candidate: candidate?.toJSON() ?? null, url: url || null };
    }
    case "icecandidateerror": {
      const { address, port, url, errorCode, errorText } = event as RTCPeerConnectionIceErrorEvent;
      return { address, port, url, error_code: errorCode, error_text: errorText };
    }
    case "track": {
      const { transceiver, receiver, track } = event as RTCTrackEvent;
      return {
        transceiver: handleOf("transceiver", transceiver),
        receiver: handleOf("receiver", receiver),
        track: handleOf("track", track),
      };
    }
    case "datachannel":
      return { channel: handleOf("channel", (event as RTCDataChannelEvent).channel) };
    case "message":
      return contentOf((event as MessageEvent<unknown>).data);
    case "error":
      return { message: (event as RTCErrorEvent).error?.message ?? "" };
    default:
      return null;
  }
}

export type MessageContent = { readonly text: string } | { readonly base64: string } | { readonly bytes: number };

/** Jupyter's WebSocket breaks at messages of 10 MB. */
export const MAX_CONTENT_BYTES = 4_000_000;

/** A message of a data channel as it crosses: text, or bytes in base64; only the size of one that is too large. */
export function contentOf(data: unknown): MessageContent {
  if (data instanceof ArrayBuffer) {
    return data.byteLength > MAX_CONTENT_BYTES
      ? { bytes: data.byteLength }
      : { base64: bytesToBase64(new Uint8Array(data)) };
  }
  const text = String(data);
  // Only a long text is measured as it crosses: escapes make it up to six times as long.
  if (6 * text.length <= MAX_CONTENT_BYTES || utf8Length(JSON.stringify(text)) <= MAX_CONTENT_BYTES) return { text };
  return { bytes: utf8Length(text) };
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
