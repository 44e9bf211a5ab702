/** What a row of the event log says about an event. */

import { isRecord, isText, type JsonObject } from "../json";
import { eventTypeOf } from "./facts";

export interface EventSummary {
  /** The type; of an event within an event, both. */
  readonly name: string;
  /** The id of the response that the event belongs to; undefined if it belongs to none. */
  readonly response?: string | undefined;
  /** Whether other events of this name continue it. */
  readonly isDelta: boolean;
  /** The beginning of the words in it; empty if it has none. */
  readonly words: string;
}

/** Summarizes the events of a log in their order: one event may need those before it. */
export type SummarizeEvent = (event: JsonObject) => EventSummary;

/** The summary of an event that has no meaning here. */
export function plainSummary(event: JsonObject): EventSummary {
  return { name: eventTypeOf(event), isDelta: false, words: "" };
}

const MAX_WORDS_LENGTH = 200;
const FIELDS = ["delta", "transcript", "text", "arguments", "output", "content", "message", "name", "status", "model"];

/** Returns the first text of an event, or of what it holds, in the fields that both wire protocols use for words. */
export function wordsIn(event: JsonObject): string {
  const { error, part, item, response, session } = event;
  const content = isRecord(item) && Array.isArray(item.content) ? item.content[0] : undefined;
  for (const holder of [event, error, part, content, item, response, session]) {
    if (!isRecord(holder)) continue;
    const field = FIELDS.find((name) => isText(holder[name]) && holder[name] !== "");
    if (field !== undefined) return String(holder[field]).slice(0, MAX_WORDS_LENGTH);
  }
  return "";
}
