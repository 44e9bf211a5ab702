/**
 * The rows of the event log. Only the visible ones are rendered, however many there are.
 *
 * All rows have one height, and the details of an event are shown below the rows. So the position of a row is its index times
 * its height, and nothing need be measured.
 */

import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type EventRow, type EventRows, FoldedRow, type PlacedRow, type Row } from "./event_rows";
import { bytesText, timeOfDay } from "./formats";

/** The height of a row, in the text size of its box. */
const ROW_EMS = 2;
const PAGE_ROWS = 8;
/** Rows rendered beyond either edge, so that scrolling shows no gap. */
const OVERSCAN_ROWS = 6;

interface ListProps {
  readonly rows: EventRows;
  /** The id of the element that shows the chosen event. */
  readonly detailsId: string;
  readonly chosen: EventRow | undefined;
  readonly onChoose: (row: EventRow) => void;
  readonly emptyText: string;
}

export function EventRowList({ rows, detailsId, chosen, onChoose, emptyText }: ListProps) {
  const { box, first, last, measure, keepPlace } = useVisibleRows(rows);
  const [, setChanges] = useState(0);
  /** The id of the row that the arrow keys have reached. */
  const [cursor, setCursor] = useState<string>();
  const isMoving = useRef(false);
  useLayoutEffect(() => {
    const row = isMoving.current && box.current?.querySelector<HTMLElement>(`[data-row="${cursor}"]`);
    if (!row) return; // it is rendered when the box has scrolled there
    isMoving.current = false;
    row.focus({ preventScroll: true });
  });

  const moveTo = (index: number) => {
    const target = Math.max(0, Math.min(index, rows.size - 1));
    const placed = rows.at(target);
    if (!placed || !box.current) return;
    isMoving.current = true;
    setCursor(rowId(placed));
    scrollIntoView(box.current, target);
    measure();
  };
  const open = (placed: PlacedRow, isOpen: boolean) => {
    rows.setOpen(placed, isOpen);
    keepPlace();
    setChanges((changes) => changes + 1);
  };
  const onKeyDown = (pressed: KeyboardEvent, placed: PlacedRow, index: number) => {
    const step = STEPS[pressed.key];
    const isOpening = pressed.key === "ArrowRight";
    if (step !== undefined) moveTo(index + step);
    else if (isOpening || pressed.key === "ArrowLeft") open(placed, isOpening);
    else return;
    pressed.preventDefault();
  };
  const visible = Array.from({ length: Math.max(last - first, 0) }, (_, offset) => first + offset).flatMap((index) => {
    const placed = rows.at(index);
    return placed ? [{ placed, index, id: rowId(placed) }] : [];
  });
  // The Tab key stops at one row; the arrow keys move between rows.
  const tabStop = visible.some(({ id }) => id === cursor) ? cursor : visible.at(-1)?.id;
  return (
    <div class="rtc-event-box" ref={box}>
      {rows.size === 0 && <p class="rtc-no-events">{emptyText}</p>}
      <ol class="rtc-event-rows" style={{ height: `${rows.size * ROW_EMS}em` }}>
        {visible.map(({ placed, index, id }) => {
          const { row, level } = placed;
          const isFolded = row instanceof FoldedRow;
          return (
            <li
              key={id}
              aria-setsize={rows.size}
              aria-posinset={index + 1}
              style={{ insetBlockStart: `${index * ROW_EMS}em` }}
            >
              <button
                type="button"
                class="rtc-event"
                data-row={id}
                data-level={level}
                data-direction={row.direction}
                aria-expanded={isFolded ? row.isOpen : row.key === chosen?.key}
                aria-controls={isFolded ? undefined : detailsId}
                tabIndex={id === tabStop ? 0 : -1}
                onClick={() => {
                  setCursor(id);
                  if (isFolded) open(placed, !row.isOpen);
                  else onChoose(row);
                }}
                onKeyDown={(pressed) => onKeyDown(pressed, placed, index)}
              >
                <RowLine row={row} />
              </button>
            </li>
          );
        })}
      </ol>
    </div>
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

/** A fold and its first event have the same key, but not the same level. */
function rowId({ row, level }: PlacedRow): string {
  return `${level}:${row.key}`;
}

const ARROWS = { sent: "↑", received: "↓", both: "↕" } as const;
const DIRECTIONS = { sent: "sent", received: "received", both: "sent and received" } as const;

function RowLine({ row }: { row: Row }) {
  const { direction, time, name, words, bytes } = row;
  return (
    <>
      <span class="rtc-event-fold" aria-hidden="true">
        {row instanceof FoldedRow && (row.isOpen ? "▾" : "▸")}
      </span>
      <span class="rtc-event-direction" role="img" aria-label={DIRECTIONS[direction]} title={DIRECTIONS[direction]}>
        {ARROWS[direction]}
      </span>
      <time dateTime={new Date(time).toISOString()}>{timeOfDay(time)}</time>
      <span class="rtc-event-type">{name || "(no type)"}</span>
      <span class="rtc-event-words">{words}</span>
      {row instanceof FoldedRow && <span class="rtc-event-many">× {row.count.toLocaleString("en")}</span>}
      <span class="rtc-event-size">{bytesText(bytes)}</span>
    </>
  );
}

/** Computes the visible rows. At its end the list follows new events; scrolled up, it keeps its position. */
function useVisibleRows(rows: EventRows) {
  const box = useRef<HTMLDivElement>(null);
  const [viewport, setViewport] = useState({ top: 0, height: 0, row: 1 });
  const isAtEnd = useRef(true);
  /** The row of the first level at the upper edge, and where it was. */
  const edge = useRef<{ readonly topKey: number; readonly index: number } | undefined>(undefined);
  const keepPlace = useCallback(() => {
    isAtEnd.current = false;
  }, []);
  const measure = useCallback(() => {
    if (!box.current) return;
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    const row = rowPixels(box.current);
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < row;
    setViewport({ top: scrollTop, height: clientHeight, row });
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
    const element = box.current;
    if (!element) return;
    const before = edge.current;
    const row = rowPixels(element);
    isAtEnd.current ||= element.scrollHeight - element.scrollTop - element.clientHeight < row;
    if (isAtEnd.current) element.scrollTop = element.scrollHeight;
    else if (before) element.scrollTop += (rows.indexOf(before.topKey) - before.index) * row;
    const top = rows.at(Math.floor(element.scrollTop / row));
    edge.current = top && { topKey: top.topKey, index: rows.indexOf(top.topKey) };
  });
  const first = Math.max(0, Math.floor(viewport.top / viewport.row) - OVERSCAN_ROWS);
  const last = Math.min(rows.size, Math.ceil((viewport.top + viewport.height) / viewport.row) + OVERSCAN_ROWS);
  return { box, first: Math.min(first, last), last, measure, keepPlace };
}

function rowPixels(box: HTMLElement): number {
  return ROW_EMS * Number.parseFloat(getComputedStyle(box).fontSize);
}

function scrollIntoView(box: HTMLElement, index: number): void {
  const row = rowPixels(box);
  const top = index * row;
  const lowest = top + row - box.clientHeight;
  box.scrollTop = Math.min(Math.max(box.scrollTop, lowest), top);
}
