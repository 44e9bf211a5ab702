/**
 * The messages between the page and the kernel about a call; the twin of `src/rtc_widget/comm/protocol.py`.
 *
 * Both follow `tests/contract/protocol.json`. Messages are plain JSON without buffers (Colab drops buffers). The kernel's
 * messages are decoded once, here; no other module reads an unchecked message.
 */

import type { ErrorReport } from "../errors";
import { isRecord, isText, type JsonObject, textOr } from "../json";
import type { Bridge } from "./bridge";
import { decodeEnvelope, isCount, isFor, type KernelEnvelope } from "./envelope";

export const STATUSES = ["idle", "connecting", "connected", "reconnecting", "error"] as const;
export type Status = (typeof STATUSES)[number];

/** Whether there is a call, or the beginning of one. */
export function isCalling(status: Status): boolean {
  return status !== "idle" && status !== "error";
}

export const MICROPHONE_PERMISSIONS = ["prompt", "granted", "denied", "unavailable"] as const;
export type MicrophonePermission = (typeof MICROPHONE_PERMISSIONS)[number];

export type Direction = "sent" | "received";

/** A microphone or loudspeaker. */
export interface Device {
  readonly kind: "microphone" | "speaker";
  readonly id: string;
  /** Empty until the microphone has been permitted. */
  readonly name: string;
}

/** The complete state of the call, in the terms of the W3C. */
export interface CallState {
  readonly status: Status;
  readonly connection_state: RTCPeerConnectionState;
  readonly ice_connection_state: RTCIceConnectionState;
  readonly ice_gathering_state: RTCIceGatheringState;
  readonly signaling_state: RTCSignalingState;
  readonly data_channel_state: RTCDataChannelState;
  readonly microphone_permission: MicrophonePermission;
  readonly muted: boolean;
  /** The call has no microphone, by choice or after a refusal: it sends text and receives audio. */
  readonly receive_only: boolean;
  /** How many bytes a message on the data channel may have; null while there is none. */
  readonly max_message_size: number | null;
  readonly error: ErrorReport | null;
}

export const INITIAL_STATE: CallState = {
  status: "idle",
  connection_state: "new",
  ice_connection_state: "new",
  ice_gathering_state: "new",
  signaling_state: "stable",
  data_channel_state: "closed",
  microphone_permission: "prompt",
  muted: false,
  receive_only: false,
  max_message_size: null,
  error: null,
};

/** One event of the data channel: direction, milliseconds since 1970, and its JSON text as it went over the channel. */
export type WireEvent = readonly [direction: Direction, timeMs: number, text: string];

/** The recorded tracks: what was sent, after muting; and what was received. */
export type Track = "user" | "assistant";

/** Recordings and statistics, which may wait; numbered when they leave, acknowledged by `media_ack`. */
export type MediaMessage = { number: number; attempt: string } & (
  | {
      type: "audio";
      track: Track;
      /** Samples per second. */
      rate: number;
      /** The time of its first sample, on the time base of the events. */
      at_ms: number;
      /** Samples of this track that were dropped just before it. */
      lost: number;
      /** Signed 16-bit little-endian mono PCM in base64. */
      data: string;
    }
  | { type: "stats"; time_ms: number; reports: readonly object[] }
);

/** What the page sends beside the envelope; `page` is added by the bridge. */
export type PageMessage =
  | {
      type: "state";
      seq: number;
      attempt: string | null;
      resumes: boolean;
      /** Until when the other side's audio was heard, on the time base of the events; null before the call has ended. */
      heard_until_ms: number | null;
      state: CallState;
    }
  | { type: "events"; attempt: string | null; first: number; events: readonly WireEvent[] }
  | { type: "exchanged"; attempt: string; call_id: string | null }
  | MediaMessage
  | {
      type: "sound";
      attempt: string;
      speaker: "assistant";
      is_audible: boolean;
      /** When it became audible, or when its last sound ended, on the time base of the events. */
      at_ms: number;
    }
  /** A person is about to call. */
  | { type: "expect_call" }
  | { type: "hang_up"; attempt: string };

/** What the page asks of the kernel; `page` and `id` are added by the bridge. */
export type PageRequest =
  | { type: "prepare"; attempt: string }
  /** `preparation`: the version of the one that the offer was made with, if the reply to `prepare` was not awaited. */
  | { type: "exchange"; attempt: string; sdp: string; preparation: string | null }
  | { type: "renegotiate"; attempt: string; sdp: string }
  | { type: "create_client_secret"; attempt: string }
  | { type: "explain_sdp"; sdp: string }
  | {
      type: "history";
      first: number;
      before: number | null;
      brief: boolean;
      without: readonly string[];
    }
  | ClipRequest
  | { type: "update_session"; settings: JsonObject }
  | { type: "change_settings"; text_interrupts: boolean };

/** Asks for the part of a clip that begins with that number. */
export interface ClipRequest {
  readonly type: "clip";
  readonly clip: string;
  readonly first: number;
}

/** What the kernel asks of the page. */
export type KernelRequest =
  | { type: "connect"; id: string; microphone: boolean | null; resume: boolean }
  | { type: "disconnect"; id: string }
  | { type: "release_call"; id: string }
  | { type: "send"; id: string; events: readonly string[] }
  | { type: "mute"; id: string; muted: boolean }
  | { type: "devices"; id: string }
  | { type: "use_device"; id: string; device_kind: Device["kind"]; device: string | null }
  | { type: "diagnose"; id: string }
  | ({ type: "approve"; id: string } & ApprovalRequest)
  | ({ type: "note"; id: string } & ErrorReport)
  | { type: "talk"; id: string; on: boolean }
  | { type: "play_clip"; id: string; clip: string }
  | { type: "cancel_clip"; id: string; clip: string }
  | { type: "flush_audio"; id: string }
  | { type: "silence_output"; id: string };

/** Whether the model may call a function of the notebook. */
export interface ApprovalRequest {
  readonly call_id: string;
  readonly name: string;
  readonly arguments: JsonObject;
  /** Without an answer in this time, the answer is no. */
  readonly seconds: number;
}

/** What the kernel tells the page. */
export type KernelNotice =
  | { type: "log_grew"; next: number }
  | { type: "media_ack"; next: number; missing: boolean }
  /** Whether somebody in Python waits for events or listens to them. */
  | { type: "listening"; on: boolean }
  /** As the reply to `prepare`. */
  | { type: "preparation"; preparation: JsonObject };

/** The messages of a call, by their kinds. */
export interface CallMessages {
  readonly request: KernelRequest;
  readonly notice: KernelNotice;
  readonly posted: PageMessage;
  readonly asked: PageRequest;
}

export type CallBridge = Bridge<CallMessages>;

/** Decodes a message of the kernel; undefined if it is for another page, or not a message of this protocol. */
export function decodeKernelMessage(
  content: unknown,
  page: string,
): KernelEnvelope | KernelNotice | KernelRequest | undefined {
  return isFor(page, content) ? (decodeEnvelope(content) ?? decodeCallMessage(content)) : undefined;
}

export function decodeCallMessage(content: JsonObject): KernelNotice | KernelRequest | undefined {
  const { type, id } = content;
  switch (type) {
    case "log_grew":
      return isCount(content.next) ? { type, next: content.next } : undefined;
    case "media_ack": {
      const { next, missing } = content;
      return isCount(next) && typeof missing === "boolean" ? { type, next, missing } : undefined;
    }
    case "listening":
      return typeof content.on === "boolean" ? { type, on: content.on } : undefined;
    case "preparation":
      return isRecord(content.preparation) ? { type, preparation: content.preparation } : undefined;
    case "connect": {
      const { microphone, resume } = content;
      if (typeof id !== "string" || (microphone !== null && typeof microphone !== "boolean")) return undefined;
      return typeof resume === "boolean" ? { type, id, microphone, resume } : undefined;
    }
    case "disconnect":
    case "release_call":
    case "devices":
    case "diagnose":
    case "flush_audio":
    case "silence_output":
      return typeof id === "string" ? { type, id } : undefined;
    case "use_device": {
      const { device_kind, device } = content;
      if (typeof id !== "string" || (device !== null && !isText(device))) return undefined;
      if (device_kind !== "microphone" && device_kind !== "speaker") return undefined;
      return { type, id, device_kind, device };
    }
    case "play_clip":
    case "cancel_clip":
      return typeof id === "string" && isText(content.clip) ? { type, id, clip: content.clip } : undefined;
    case "send": {
      const { events } = content;
      if (typeof id !== "string" || !Array.isArray(events) || !events.every(isText)) return undefined;
      return { type, id, events };
    }
    case "mute":
      return typeof id === "string" && typeof content.muted === "boolean"
        ? { type, id, muted: content.muted }
        : undefined;
    case "approve": {
      const { call_id, name, arguments: given, seconds } = content;
      if (typeof id !== "string" || !isText(call_id) || !isText(name) || !isRecord(given)) return undefined;
      return isDuration(seconds) ? { type, id, call_id, name, arguments: given, seconds } : undefined;
    }
    case "note": {
      const { code, message, hint } = content;
      if (typeof id !== "string" || !isText(code) || !isText(message) || !isText(hint)) return undefined;
      return { type, id, code, message, hint };
    }
    case "talk":
      return typeof id === "string" && typeof content.on === "boolean" ? { type, id, on: content.on } : undefined;
    default:
      return undefined;
  }
}

/** What an offer needs: the kernel's reply to `prepare`, and what it has told before. */
export interface Preparation {
  /** The label of the data channel; null: the call has none. */
  readonly label: string | null;
  readonly iceServers: RTCIceServer[];
  /** Whether the server accepts another offer for an established call. */
  readonly renegotiates: boolean;
  /** Whether the offer must contain the candidates; else the server learns them from the page's checks. */
  readonly needsCandidates: boolean;
  /** Whether the server runs on the kernel's machine. */
  readonly besideKernel?: boolean;
  /** Changes with the others. */
  readonly version?: string | undefined;
}

export function decodePreparation(result: JsonObject): Preparation {
  const { data_channel_label: label, ice_servers: servers, renegotiates } = result;
  const { beside_kernel: besideKernel, needs_candidates: needsCandidates } = result;
  // The RTCPeerConnection constructor checks the servers and reports what is wrong with them.
  const iceServers = Array.isArray(servers) ? servers.filter((server): server is RTCIceServer => isRecord(server)) : [];
  return {
    label: label === null ? null : textOr(label, "oai-events"),
    iceServers,
    renegotiates: renegotiates === true,
    needsCandidates: needsCandidates !== false,
    besideKernel: besideKernel === true,
    version: isText(result.version) ? result.version : undefined,
  };
}

/** Decodes the part of the reply to `exchange` that refuses an offer which was made with an old preparation. */
export function decodeSuperseding({ superseded_by: present }: JsonObject): Preparation | undefined {
  return isRecord(present) ? decodePreparation(present) : undefined;
}

/** What the page sends by itself on the data channel of a call. */
export interface OwnMessages {
  /** As soon as the channel is open, before anything else. */
  readonly first: readonly string[];
  readonly keepAlive: { readonly message: string; readonly seconds: number } | undefined;
}

/** Decodes the messages in the kernel's reply to `exchange` or `create_client_secret`. */
export function decodeOwnMessages({ first_messages: first, keep_alive: repeated }: JsonObject): OwnMessages {
  const keepAlive =
    isRecord(repeated) && isText(repeated.message) && isDuration(repeated.seconds)
      ? { message: repeated.message, seconds: repeated.seconds }
      : undefined;
  return { first: Array.isArray(first) ? first.filter(isText) : [], keepAlive };
}

/** What the page needs to post an offer itself: a URL, and a secret that expires in a few minutes. */
export interface ClientSecret {
  readonly url: string;
  readonly secret: string;
}

export function decodeClientSecret({ url, secret }: JsonObject): ClientSecret | undefined {
  return isText(url) && isText(secret) ? { url, secret } : undefined;
}

/** A part of the kernel's history: events by their calls, and where the next part begins. */
export interface HistoryPage {
  readonly calls: readonly HistoryCall[];
  /** Where the part begins in fact: the oldest events may be gone. */
  readonly first: number;
  readonly next: number;
  /** Whether more of the requested events follow. */
  readonly more: boolean;
}

export interface HistoryCall {
  readonly attempt: string;
  readonly resumes: boolean;
  /** Until when its audio was heard, on the time base of these events; undefined if it goes on or that is unknown. */
  readonly heardUntilMs?: number | undefined;
  readonly events: readonly WireEvent[];
}

export function decodeHistoryPage({ calls, first, next, more }: JsonObject): HistoryPage {
  const decoded = (Array.isArray(calls) ? calls : []).flatMap((call: unknown): readonly HistoryCall[] => {
    if (!isRecord(call) || !isText(call.attempt) || !Array.isArray(call.events)) return [];
    const { attempt, resumes, heard_until_ms: heardUntil } = call;
    const heardUntilMs = typeof heardUntil === "number" ? heardUntil : undefined;
    return [{ attempt, resumes: resumes === true, heardUntilMs, events: call.events.flatMap(asWireEvent) }];
  });
  const from = isCount(first) ? first : 0;
  // A part that does not advance would be requested without end.
  const isValid = isCount(next) && next > from;
  return { calls: decoded, first: from, next: isValid ? next : from, more: isValid && more === true };
}

function asWireEvent(entry: unknown): readonly WireEvent[] {
  if (!Array.isArray(entry)) return [];
  const [direction, time, text] = entry as unknown[];
  if ((direction !== "sent" && direction !== "received") || typeof time !== "number" || !isText(text)) return [];
  return [[direction, time, text]];
}

/** One line of an offer or an answer, as the kernel explains it. */
export interface ExplainedLine {
  /** Joined, the parts are the line; one with a kind is private, such as an address. */
  readonly parts: readonly { readonly text: string; readonly kind: string | null }[];
  readonly says: string;
  readonly refs: readonly string[];
}

export function decodeExplainedLines({ lines }: JsonObject): readonly ExplainedLine[] {
  return (Array.isArray(lines) ? lines : []).flatMap((line: unknown): readonly ExplainedLine[] => {
    if (!isRecord(line) || !Array.isArray(line.parts) || !isText(line.says) || !Array.isArray(line.refs)) return [];
    const parts = line.parts.flatMap((part: unknown) => {
      const [text, kind] = Array.isArray(part) ? (part as unknown[]) : [];
      // What has no kind that this page can read may be private.
      return isText(text) ? [{ text, kind: kind === null ? null : textOr(kind, "private") }] : [];
    });
    return [{ parts, says: line.says, refs: line.refs.filter(isText) }];
  });
}

/** A part of a clip, and where the next part begins. */
export interface ClipPart {
  readonly rate: number;
  /** As in an `audio` message. */
  readonly data: string;
  /** Null when this was the last part. */
  readonly next: number | null;
}

export function decodeClipPart({ rate, data, next }: JsonObject): ClipPart | undefined {
  if (!isCount(rate) || !isText(data)) return undefined;
  return { rate, data, next: isCount(next) ? next : null };
}

function isDuration(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
