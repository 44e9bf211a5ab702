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

/** A message of a data channel as it crosses: text, or bytes in base64. */
export function contentOf(data: unknown): { readonly text: string } | { readonly base64: string } {
  return data instanceof ArrayBuffer ? { base64: bytesToBase64(new Uint8Array(data)) } : { text: String(data) };
}
