/** Errors of the server that do not end the call. */

import { server as SERVER_TEXTS } from "../../../../src/rtc_widget/errors/texts.json";
import type { ServerNote } from "../../conversation/facts";
import { isRecord, isText, type JsonObject, textOr, truncate, wellFormed } from "../../json";

/** The error that an event reports, if a person should know of it. */
export function noteOf(event: JsonObject): ServerNote | undefined {
  const error = errorIn(event);
  if (!isRecord(error)) return endOfResponse(event);
  if (isHarmless(error)) return undefined;
  const message = isText(error.message) ? truncate(error.message) : SERVER_TEXTS.no_message;
  return { code: wellFormed(textOr(error.code, "server_error")), message };
}

/** A response that failed is reported by `response.done` alone. */
function errorIn({ type, error, response }: JsonObject): unknown {
  if (type === "error") return error;
  if (type !== "response.done" || !isRecord(response) || response.status !== "failed") return undefined;
  return isRecord(response.status_details) ? response.status_details.error : undefined;
}

/** Why a response gives nothing, where the server reports no error. */
function endOfResponse({ type, response }: JsonObject): ServerNote | undefined {
  if (type !== "response.done" || !isRecord(response)) return undefined;
  const { status, status_details: details, output } = response;
  if (status !== "failed" && (status !== "incomplete" || hasContent(output))) return undefined;
  const reason = isRecord(details) ? textOr(details.reason, "") : "";
  return { code: `response_${status}`, message: endText(status, reason) };
}

function endText(status: "failed" | "incomplete", reason: string): string {
  if (status === "incomplete" && (reason === "content_filter" || reason === "max_output_tokens")) {
    return SERVER_TEXTS[reason];
  }
  return reason === "" ? SERVER_TEXTS[status] : SERVER_TEXTS[`${status}_because`].replace("{reason}", truncate(reason));
}

/** Whether the output of a response has words or function calls. */
function hasContent(output: unknown): boolean {
  const items = Array.isArray(output) ? output.filter(isRecord) : [];
  const parts = items.flatMap(({ content }) => (Array.isArray(content) ? content.filter(isRecord) : []));
  const texts = parts.flatMap(({ transcript, text }) => [transcript, text]);
  return items.some(({ type }) => type === "function_call") || texts.some((text) => isText(text) && text.trim() !== "");
}

/** A person can do nothing about these. */
function isHarmless({ code, event_id }: JsonObject): boolean {
  // There was nothing left to cancel: an interruption means the voice, which is silenced separately.
  if (code === "response_cancel_not_active") return true;
  // The text box asked during a response (its events have no id); the kernel asks again after that response.
  return code === "conversation_already_has_active_response" && !isText(event_id);
}
