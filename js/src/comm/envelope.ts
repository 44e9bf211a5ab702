/** The messages that every widget exchanges with its kernel: the greeting, life signs, replies and acknowledgements. */

import type { ErrorReport } from "../errors";
import { isRecord, isText, type JsonObject, textOr } from "../json";

export const PROTOCOL = 2;

/** What the kernel sends to every widget. */
export type KernelEnvelope =
  | { type: "welcome"; protocol: number }
  | { type: "resend"; first: number }
  | { type: "ack"; next: number }
  | { type: "ping" }
  /** Several messages that travel as one, in their order. */
  | { type: "bundle"; messages: readonly unknown[] }
  | KernelReply;

export type KernelReply =
  | { type: "reply"; id: string; result: JsonObject }
  | { type: "reply"; id: string; error: ErrorReport };

/** What every widget sends; `page` is added by the bridge. */
export type PageEnvelope =
  | { type: "hello"; protocol: number }
  | { type: "goodbye" }
  | { type: "pong"; time_ms: number }
  /** Several messages that travel as one, in their order. */
  | { type: "bundle"; messages: readonly object[] }
  | ({ type: "reply"; id: string; seq: number } & ({ result: JsonObject } | { error: ErrorReport }));

/** The messages of one widget, beside those of the envelope. */
export interface MessageKinds {
  /** What the kernel asks of the page. */
  readonly request: { readonly type: string; readonly id: string };
  /** What the kernel tells without waiting for a reply. */
  readonly notice: { readonly type: string };
  /** What the page sends without waiting for a reply. */
  readonly posted: { readonly type: string };
  /** What the page asks of the kernel. */
  readonly asked: { readonly type: string };
}

/** Decodes a message of one widget; undefined if it is none. The message is for this page. */
export type Decode<K extends MessageKinds> = (content: JsonObject) => K["request"] | K["notice"] | undefined;

/** Whether this is a message for that page. */
export function isFor(page: string, content: unknown): content is JsonObject {
  return isRecord(content) && content.page === page;
}

export function decodeEnvelope(content: JsonObject): KernelEnvelope | undefined {
  const { type, id } = content;
  switch (type) {
    case "welcome":
      return isCount(content.protocol) ? { type, protocol: content.protocol } : undefined;
    case "resend":
      return isCount(content.first) ? { type, first: content.first } : undefined;
    case "ack":
      return isCount(content.next) ? { type, next: content.next } : undefined;
    case "ping":
      return { type };
    case "bundle":
      return Array.isArray(content.messages) ? { type, messages: content.messages } : undefined;
    case "reply":
      return isText(id) ? decodeReply(id, content) : undefined;
    default:
      return undefined;
  }
}

function decodeReply(id: string, content: JsonObject): KernelReply | undefined {
  const { result, error } = content;
  if (isRecord(result)) return { type: "reply", id, result };
  if (!isRecord(error) || !isText(error.code) || !isText(error.message)) return undefined;
  return { type: "reply", id, error: { code: error.code, message: error.message, hint: textOr(error.hint, "") } };
}

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
