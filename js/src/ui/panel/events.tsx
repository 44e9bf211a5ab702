/** The log of events: filtered, folded by response, and the JSON of the event that is chosen. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { nextFrame } from "../../async";
import type { Direction } from "../../comm/protocol";
import type { EventList } from "../../conversation/event_list";
import { eventPattern } from "../../conversation/event_pattern";
import type { Store } from "../../store";
import { usePageId } from "../landmark";
import { EventDetails } from "./event_details";
import { EventRowList } from "./event_row_list";
import { type EventRow, EventRows } from "./event_rows";

/** For how long one frame takes events in; a long log takes several frames. */
const UPDATE_MS = 8;

interface Filter {
  readonly pattern: string;
  readonly direction: Direction | "";
}

export function EventsTab({ store }: { store: Store }) {
  const { events } = store;
  const id = usePageId();
  const [filter, setFilter] = useState<Filter>({ pattern: "", direction: "" });
  /** The key of the first event after the pause; undefined while nothing is paused. */
  const [pausedAt, setPausedAt] = useState<number>();
  const [chosen, setChosen] = useState<EventRow>();
  void events.version.value; // read, so that every change renders this again
  const end = events.keyAt(events.size);
  const { rows, isComplete } = useEventRows(store, filter, pausedAt ?? end);
  useEffect(() => {
    if (events.size === 0) void events.showEarlier();
  }, [events]);
  return (
    <>
      <div class="rtc-event-tools">
        <input
          type="search"
          class="rtc-event-filter"
          aria-label="Show only events of this type"
          placeholder="Type, such as response.*"
          spellcheck={false}
          value={filter.pattern}
          onInput={({ currentTarget }) => setFilter({ ...filter, pattern: currentTarget.value.trim() })}
        />
        <select
          class="rtc-event-directions"
          aria-label="Show only events of this direction"
          value={filter.direction}
          onChange={({ currentTarget: { value } }) =>
            setFilter({ ...filter, direction: value === "sent" || value === "received" ? value : "" })
          }
        >
          <option value="">Both ways</option>
          <option value="sent">Sent</option>
          <option value="received">Received</option>
        </select>
        <button
          type="button"
          class="rtc-link"
          data-action="pause-events"
          aria-pressed={pausedAt !== undefined}
          onClick={() => setPausedAt(pausedAt === undefined ? end : undefined)}
        >
          {pausedAt === undefined ? "Pause" : "Resume"}
        </button>
        {events.hasEarlier && (
          <button type="button" class="rtc-link" data-action="earlier" onClick={() => void events.showEarlier()}>
            Earlier events
          </button>
        )}
        <span class="rtc-event-count">
          {countText(events, rows, filter, pausedAt === undefined ? 0 : end - pausedAt)}
        </span>
      </div>
      <EventRowList
        rows={rows}
        detailsId={id}
        chosen={chosen}
        onChoose={(row) => setChosen(row?.key === chosen?.key ? undefined : row)}
        emptyText={emptyText(events, isComplete)}
      />
      <EventDetails id={id} row={chosen} events={events} />
    </>
  );
}

/** Keeps the rows up to a key; while another filter's rows are being made, those of the last one stay. */
function useEventRows(store: Store, { pattern, direction }: Filter, end: number) {
  const { events } = store;
  const [, setFrame] = useState(0);
  const latest = useMemo(() => {
    const matches = pattern === "" ? () => true : eventPattern(pattern);
    return new EventRows(
      events,
      store.eventSummaries(),
      (event) => (direction === "" || event.direction === direction) && matches(event.type),
    );
  }, [store, pattern, direction, events.earlierParts]);
  const shown = useRef(latest);
  // While rendering: the rows hold only what the log holds, so that taking more of it in changes nothing else.
  const isComplete = latest.update(end, UPDATE_MS);
  if (isComplete) shown.current = latest;
  useEffect(() => (isComplete ? undefined : nextFrame(() => setFrame((frame) => frame + 1))));
  return { rows: shown.current, isComplete };
}

function countText(events: EventList, rows: EventRows, { pattern, direction }: Filter, waiting: number): string {
  const total = events.total.toLocaleString("en");
  const isFiltered = pattern !== "" || direction !== "";
  const count = isFiltered ? `${rows.count.toLocaleString("en")} of ${total}` : total;
  return waiting > 0 ? `${count}, ${waiting.toLocaleString("en")} new` : count;
}

function emptyText(events: EventList, isComplete: boolean): string {
  if (!isComplete) return "Reading the events …";
  return events.size === 0 ? "What goes over the data channel is listed here." : "No event matches.";
}
