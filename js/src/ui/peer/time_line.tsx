/** The time line: a bar for each operation, from its call to its settlement, and a dot for each event. */

import { useId } from "preact/hooks";
import { lanes as LANES, lane_of } from "../../../../src/rtc_widget/peers/drawing.json";
import type { Occurrence, OperationCall } from "../../peer/record";

/** The lane of an event, by its name or the kind of its source. */
const LANE_OF: Readonly<Record<string, string>> = lane_of;

export function laneOf({ name, source }: Pick<Occurrence, "name" | "source">): string {
  return LANE_OF[name] ?? LANE_OF[source.split(":")[0] ?? ""] ?? "Media";
}

const WIDTH = 720;
const LABEL_WIDTH = 78;
const LANE_HEIGHT = 24;
const TOP = 8;
const AXIS_HEIGHT = 22;
const MIN_SPAN_MS = 100;
const MIN_BAR_WIDTH = 3;
const TICKS = 5;
/** The tables beside the picture show the latest, as a screen reader would be lost in more. */
const LISTED = 200;

interface TimeLineProps {
  readonly calls: readonly OperationCall[];
  readonly occurrences: readonly Occurrence[];
}

export function TimeLine({ calls, occurrences }: TimeLineProps) {
  const title = useId();
  const times = [...calls.flatMap(({ startMs, endMs }) => [startMs, endMs ?? startMs]), ...occurrences.map(timeOf)];
  const start = times.length > 0 ? Math.min(...times) : 0;
  const span = Math.max(MIN_SPAN_MS, ...times.map((time) => time - start));
  const x = (time: number) => LABEL_WIDTH + ((time - start) / span) * (WIDTH - LABEL_WIDTH - 12);
  const laneTop = (lane: string) => TOP + LANES.indexOf(lane) * LANE_HEIGHT;
  const bottom = TOP + LANES.length * LANE_HEIGHT;
  const ago = (time: number) => `${Math.round(time - start)} ms`;
  return (
    <figure class="rtc-time-line">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard */}
      <section class="rtc-time-box" aria-label="Time line" tabIndex={0}>
        <svg viewBox={`0 0 ${WIDTH} ${bottom + AXIS_HEIGHT}`} role="img" aria-labelledby={title}>
          <title id={title}>
            {`Time line of ${calls.length} operations and ${occurrences.length} events in ${Math.round(span)} ms`}
          </title>
          {LANES.map((lane) => (
            <g key={lane} class="rtc-lane">
              <text x="0" y={laneTop(lane) + 16}>
                {lane}
              </text>
              <line x1={LABEL_WIDTH} x2={WIDTH} y1={laneTop(lane) + 12} y2={laneTop(lane) + 12} />
            </g>
          ))}
          {ticksOf(span).map((tick) => (
            <g key={tick} class="rtc-tick">
              <line x1={x(start + tick)} x2={x(start + tick)} y1={TOP} y2={bottom} />
              <text x={x(start + tick)} y={bottom + 15} data-at={tick > 0.95 * span ? "end" : "middle"}>
                {span > 3_000 ? `${tick / 1_000} s` : `${tick} ms`}
              </text>
            </g>
          ))}
          {calls.map(({ call, op, startMs, endMs, error }) => (
            <rect
              key={call}
              class="rtc-bar"
              data-op={op}
              data-outcome={error ? "failed" : endMs === undefined ? "running" : "done"}
              x={x(startMs)}
              y={laneTop("Operations") + 5}
              width={Math.max(MIN_BAR_WIDTH, x(endMs ?? start + span) - x(startMs))}
              height="14"
              rx="2"
            >
              <title>{`${op}: ${ago(startMs)}${error ? `, ${error.name}` : ""}`}</title>
            </rect>
          ))}
          {occurrences.map((one, index) => (
            <circle
              key={index}
              class="rtc-dot-event"
              data-lane={laneOf(one)}
              cx={x(one.timeMs)}
              cy={laneTop(laneOf(one)) + 12}
              r="4"
            >
              <title>{`${ago(one.timeMs)}: ${one.source} ${one.name} ${one.detail}`}</title>
            </circle>
          ))}
        </svg>
      </section>
      <details class="rtc-listing">
        <summary>The time line as a table</summary>
        <div class="rtc-table-box">
          <table class="rtc-table">
            <caption class="rtc-visually-hidden">Operations and events by time</caption>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">What</th>
                <th scope="col">Detail</th>
              </tr>
            </thead>
            <tbody>
              {listed(calls, occurrences).map(([time, what, detail, isError], index) => (
                <tr key={index} data-outcome={isError ? "failed" : "done"}>
                  <td class="rtc-number">{ago(time)}</td>
                  <td>{what}</td>
                  <td class="rtc-address">{detail}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

type Row = readonly [time: number, what: string, detail: string, isError: boolean];

function listed(calls: readonly OperationCall[], occurrences: readonly Occurrence[]): readonly Row[] {
  const rows = [
    ...calls.map(({ startMs, endMs, op, error }): Row => {
      const took = endMs === undefined ? "running" : `took ${Math.round(endMs - startMs)} ms`;
      return [startMs, `${op}()`, error ? `${error.name}: ${error.message}` : took, error !== undefined];
    }),
    ...occurrences.map(({ timeMs, source, name, detail }): Row => [timeMs, `${source} ${name}`, detail, false]),
  ];
  return rows.sort(([one], [other]) => one - other).slice(-LISTED);
}

function timeOf({ timeMs }: Occurrence): number {
  return timeMs;
}

/** The marks of the axis, in milliseconds: about five round numbers from 0 on. */
export function ticksOf(span: number): readonly number[] {
  const power = 10 ** Math.floor(Math.log10(span / TICKS));
  const factor = [1, 2, 5].find((one) => one * power >= span / TICKS) ?? 10;
  const step = factor * power;
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, tick) => tick * step);
}
