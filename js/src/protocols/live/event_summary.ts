/** What a row of the event log says about an event of GPT-Live. */

import { type EventSummary, type SummarizeEvent, wordsIn } from "../../conversation/event_summary";
import { eventTypeOf } from "../../conversation/facts";
import { isRecord, isText, type JsonObject } from "../../json";

/** Only the first and the last events of a backend's response name it; those between belong to the one that runs. */
export function eventSummaries(): SummarizeEvent {
  const running = new Map<unknown, string>();
  return (event) => {
    const { type, event: nested, delegation_id: delegation = null } = event;
    if (type !== "response.event" || !isRecord(nested)) return summary(event, eventTypeOf(event));
    const id = responseIdOf(nested);
    if (id !== undefined) running.set(delegation, id);
    return { ...summary(nested, `${type}: ${eventTypeOf(nested)}`), response: id ?? running.get(delegation) };
  };
}

function summary(event: JsonObject, name: string): EventSummary {
  // The words of sound are base64.
  const isAudio = /audio\.(delta|append)$/.test(name);
  return { name, isDelta: name.endsWith(".delta"), words: isAudio ? "" : wordsIn(event) };
}

function responseIdOf({ response, response_id: responseId }: JsonObject): string | undefined {
  const id = isRecord(response) ? response.id : responseId;
  return isText(id) ? id : undefined;
}
