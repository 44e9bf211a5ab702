/** What a row of the event log says about an event of the Realtime API. */

import { type EventSummary, wordsIn } from "../../conversation/event_summary";
import { eventTypeOf } from "../../conversation/facts";
import { isRecord, isText, type JsonObject } from "../../json";

export function summarize(event: JsonObject): EventSummary {
  const { response_id: responseId, response } = event;
  const name = eventTypeOf(event);
  const id = isText(responseId) ? responseId : isRecord(response) ? response.id : undefined;
  // The words of sound are base64.
  const words = /audio\.delta$|audio_buffer\.append$/.test(name) ? "" : wordsIn(event);
  return { name, response: isText(id) ? id : undefined, isDelta: name.endsWith(".delta"), words };
}
