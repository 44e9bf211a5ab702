/**
 * The log of events; only the visible rows are rendered, however many events there are.
 *
 * All rows have one height, and the details of an event are shown below the rows. So the position of a row is its index times
 * its height, and nothing need be measured.
 */

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { EventList, ListedEvent } from "../../conversation/event_list";
import type { Store } from "../../store";
import { usePageId } from "../landmark";

const ROW_PIXELS = 26;
const PAGE_ROWS = 8;
/** Rows rendered beyond either edge, so that scrolling shows no gap. */
const OVERSCAN_ROWS = 6;
/** Rendering a larger event would block the page. */
const MAX_TEXT_LENGTH = 20_000;

export function EventsTab({ store }: { store: Store }) {
  return <EventRows events={store.events} />;
}

function EventRows({ events }: { events: EventList }) {
  const id = usePageId();
  void events.version.value;
  const { box, first, last, measure } = useVisibleRows(events);
  /** The key of the event whose details are shown. */
  const [shown, setShown] = useState<number>();
  /** The key of the row that the arrow keys have reached. */
  const [cursor, setCursor] = useState<number>();
  const isMoving = useRef(false);
  useEffect(() => {
    if (events.size === 0) void events.showEarlier();
  }, [events]);
  useLayoutEffect(() => {
    const row = isMoving.current && box.current?.querySelector<HTMLElement>(`[data-key="${cursor}"]`);
    if (!row) return; // it is rendered when the box has scrolled there
    isMoving.current = false;
    row.focus({ preventScroll: true });
  });

  const moveTo = (index: number) => {
    const target = Math.max(0, Math.min(index, events.size - 1));
    isMoving.current = true;
    setCursor(events.keyAt(target));
    if (!box.current) return;
    scrollIntoView(box.current, target);
    measure();
  };
  const indices = Array.from({ length: Math.max(last - first, 0) }, (_, offset) => first + offset);
  const isCursorRendered = indices.some((index) => events.keyAt(index) === cursor);
  const tabStop = isCursorRendered ? cursor : events.keyAt(last - 1);
  return (
    <>
      <div class="rtc-event-tools">
        <span class="rtc-event-count">{events.total.toLocaleString("en")}</span>
        {events.hasEarlier && (
          <button type="button" class="rtc-link" data-action="earlier" onClick={() => void events.showEarlier()}>
            Earlier events
          </button>
        )}
      </div>
      <div class="rtc-event-box" ref={box}>
        {events.size === 0 && <p class="rtc-no-events">What goes over the data channel is listed here.</p>}
        <ol class="rtc-event-rows" style={{ height: `${events.size * ROW_PIXELS}px` }}>
          {indices.map((index) => {
            const event = events.at(index);
            const key = events.keyAt(index);
            if (!event) return null;
            return (
              <li
                key={key}
                aria-setsize={events.size}
                aria-posinset={index + 1}
                style={{ insetBlockStart: `${index * ROW_PIXELS}px` }}
              >
                <button
                  type="button"
                  class="rtc-event"
                  data-key={key}
                  data-direction={event.direction}
                  aria-expanded={key === shown}
                  aria-controls={id}
                  // The Tab key stops at one row; the arrow keys move between rows.
                  tabIndex={key === tabStop ? 0 : -1}
                  onClick={() => {
                    setCursor(key);
                    setShown(key === shown ? undefined : key);
                  }}
                  onKeyDown={(pressed) => {
                    const step = STEPS[pressed.key];
                    if (step === undefined) return;
                    pressed.preventDefault();
                    moveTo(index + step);
                  }}
                >
                  <EventLine event={event} />
                </button>
              </li>
            );
          })}
        </ol>
      </div>
      <EventDetails id={id} event={shown === undefined ? undefined : events.at(shown - events.keyAt(0))} />
    </>
  );
}

const STEPS: Readonly<Record<string, number>> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: PAGE_ROWS,
  PageUp: -PAGE_ROWS,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

function EventLine({ event: { direction, time, type } }: { event: ListedEvent }) {
  return (
    <>
      <span class="rtc-event-direction" role="img" aria-label={direction} title={direction}>
        {direction === "sent" ? "↑" : "↓"}
      </span>
      <time dateTime={new Date(time).toISOString()}>{timeOfDay(time)}</time>
      <span class="rtc-event-type">{type || "(no event)"}</span>
    </>
  );
}

function EventDetails({ id, event }: { id: string; event: ListedEvent | undefined }) {
  return (
    <pre
      id={id}
      class="rtc-event-text"
      hidden={!event}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
      tabIndex={0}
    >
      {event && formatEvent(event.text)}
    </pre>
  );
}

/** Computes the visible rows. At its end the list follows new events; scrolled up, it keeps its position. */
function useVisibleRows(events: EventList) {
  const box = useRef<HTMLDivElement>(null);
  const [viewport, setViewport] = useState({ top: 0, height: 0 });
  const isAtEnd = useRef(true);
  const firstKey = useRef(events.keyAt(0));
  const measure = useCallback(() => {
    if (!box.current) return;
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < ROW_PIXELS;
    setViewport({ top: scrollTop, height: clientHeight });
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const watcher = new ResizeObserver(measure);
    watcher.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      watcher.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, [measure]);
  useLayoutEffect(() => {
    const rowsInFront = firstKey.current - events.keyAt(0);
    firstKey.current = events.keyAt(0);
    if (!box.current) return;
    if (isAtEnd.current) box.current.scrollTop = box.current.scrollHeight;
    else if (rowsInFront !== 0) box.current.scrollTop += rowsInFront * ROW_PIXELS;
  });
  const first = Math.max(0, Math.floor(viewport.top / ROW_PIXELS) - OVERSCAN_ROWS);
  const last = Math.min(events.size, Math.ceil((viewport.top + viewport.height) / ROW_PIXELS) + OVERSCAN_ROWS);
  return { box, first: Math.min(first, last), last, measure };
}

function scrollIntoView(box: HTMLElement, index: number): void {
  const top = index * ROW_PIXELS;
  const lowest = top + ROW_PIXELS - box.clientHeight;
  box.scrollTop = Math.min(Math.max(box.scrollTop, lowest), top);
}

function timeOfDay(time: number): string {
  const at = new Date(time);
  const two = (number: number) => String(number).padStart(2, "0");
  const milliseconds = String(at.getMilliseconds()).padStart(3, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${milliseconds}`;
}

/** Returns the JSON with line breaks; of a very long one, the beginning. */
function formatEvent(text: string): string {
  const whole = text.length > 10 * MAX_TEXT_LENGTH ? text : indented(text);
  if (whole.length <= MAX_TEXT_LENGTH) return whole;
  const rest = (whole.length - MAX_TEXT_LENGTH).toLocaleString("en");
  return `${whole.slice(0, MAX_TEXT_LENGTH)}\n… ${rest} more characters; chat.events in Python has them.`;
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
