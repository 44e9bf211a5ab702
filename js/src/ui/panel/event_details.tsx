/** The event that is chosen in the log: its JSON, and what can be copied of it. */

import { useMemo, useState } from "preact/hooks";
import type { EventList } from "../../conversation/event_list";
import { parseObject } from "../../json";
import { copyText } from "../clipboard";
import type { EventRow } from "./event_rows";
import { JsonTree } from "./json_tree";

interface DetailsProps {
  readonly id: string;
  readonly row: EventRow | undefined;
  readonly events: EventList;
}

export function EventDetails({ id, row, events }: DetailsProps) {
  return (
    <div id={id} class="rtc-event-details" hidden={!row}>
      {row && <ChosenEvent key={row.key} row={row} events={events} />}
    </div>
  );
}

function ChosenEvent({ row, events }: { row: EventRow; events: EventList }) {
  const [note, setNote] = useState("");
  const json = useMemo(() => parseObject(row.event.text), [row]);
  return (
    <>
      <div class="rtc-event-tools">
        <button
          type="button"
          class="rtc-link"
          data-action="copy-json"
          onClick={async () => setNote(await copyText(json ? JSON.stringify(json, null, 2) : row.event.text))}
        >
          Copy JSON
        </button>
        {events.isNumbered && (
          <button
            type="button"
            class="rtc-link"
            data-action="copy-index"
            title="Copy the expression that is this event in Python"
            onClick={async () => setNote(await copyIndex(events, row.key))}
          >
            Copy chat.events[…]
          </button>
        )}
        <span role="status">{note}</span>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls */}
      <div
        class="rtc-event-text"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
        tabIndex={0}
        role="group"
        aria-label={row.name || "Event"}
      >
        {json ? <JsonTree value={json} /> : <JsonTree value={row.event.text} />}
      </div>
    </>
  );
}

async function copyIndex(events: EventList, key: number): Promise<string> {
  try {
    const index = await events.kernelIndexOf(key);
    if (index === undefined) return "The place of this event in chat.events is not known here.";
    return await copyText(`chat.events[${index}]`, { isNamed: true });
  } catch {
    return "Python does not reply; try again when its cell has ended.";
  }
}
