/** Server events of GPT-Live as facts. */

import { server as SERVER_TEXTS } from "../../../../src/rtc_widget/errors/texts.json";
import type { Fact, MeasuredEvent, SoundReader } from "../../conversation/facts";
import { pageError } from "../../errors";
import { isRecord, isText, type JsonObject, textOr, truncate, wellFormed } from "../../json";
import { endReason, RESPONSE_ENDS } from "./delegations";

/** The page has heard the assistant begin or end: the protocol has no event for it. */
const SOUND = "rtc_widget.sound";
/** An append was pending when the session was closed. */
const HARMLESS = "context_injection_incomplete";

export function factsOf(event: JsonObject): readonly Fact[] {
  switch (event.type) {
    case "session.started":
    case "session.updated":
      return sessionFacts(event.session);
    case "session.closed":
      return closedFacts(event.reason);
    case "response.event":
      return isRecord(event.event) ? responseFacts(event.event) : [];
    case "error":
      return errorFacts(event.error);
    case SOUND:
      return [{ type: "speaking", speaker: "assistant", isSpeaking: event.is_audible === true }];
    default:
      return [];
  }
}

/** Nothing says which words are heard: only that the assistant is. */
export function soundReader(): SoundReader {
  return {
    consume: () => [],
    take: (isAudible, atMs): readonly MeasuredEvent[] => [{ event: { type: SOUND, is_audible: isAudible }, atMs }],
  };
}

function sessionFacts(session: unknown): readonly Fact[] {
  if (!isRecord(session)) return [];
  const { expires_at: seconds, delegation } = session;
  const hasBackend = isRecord(delegation) && delegation.type === "responses";
  const isTime = typeof seconds === "number" && Number.isFinite(seconds) && seconds > 0;
  return [
    { type: "backend", isRemote: hasBackend },
    ...(isTime ? [{ type: "session_expiry", atMs: seconds * 1_000 } as const] : []),
  ];
}

function closedFacts(reason: unknown): readonly Fact[] {
  const closed: Fact = { type: "closed", isRequested: reason === "close_requested" };
  if (reason === "expired") return [{ type: "ending", error: pageError("session_expired") }, closed];
  const note = { code: "content", message: SERVER_TEXTS.content_filter };
  return reason === "content" ? [{ type: "note", note }, closed] : [closed];
}

function responseFacts({ type, response }: JsonObject): readonly Fact[] {
  if (!isRecord(response) || !isText(response.id)) return [];
  const { id } = response;
  if (type === "response.created") return [{ type: "response_started", id }];
  const status = RESPONSE_ENDS.get(type);
  if (status === undefined) return [];
  const ended: Fact = { type: "response_ended", id, callsFunctions: false };
  if (status === "completed") return [ended];
  const reason = endReason(response);
  const because = SERVER_TEXTS[`${status}_because`].replace("{reason}", truncate(reason));
  const message = reason === "" ? SERVER_TEXTS[status] : because;
  return [ended, { type: "note", note: { code: `response_${status}`, message } }];
}

function errorFacts(error: unknown): readonly Fact[] {
  if (!isRecord(error) || error.code === HARMLESS) return [];
  const message = isText(error.message) ? truncate(error.message) : SERVER_TEXTS.no_message;
  return [{ type: "note", note: { code: wellFormed(textOr(error.code, "server_error")), message } }];
}
