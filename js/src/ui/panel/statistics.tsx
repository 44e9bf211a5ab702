/** The statistics of the last minute of a call, as lines; measured only while the tab is seen. */

import { useRef, useState } from "preact/hooks";
import { type Measurement, measure, type StatsValues } from "../../call/stats_values";
import type { StatsSample } from "../../comm/media_outbox";
import type { Track } from "../../comm/protocol";
import type { Levels } from "../../media/level_meter";
import { now } from "../../page";
import type { Store } from "../../store";
import { useWhileVisible } from "../visible";
import { type Point, SPAN_MS, Sparkline } from "./sparkline";

const REDRAW_MS = 1_000;
/** What a level of 0 stands for, as in the level meter. */
const FLOOR_DB = -60;

interface Series {
  readonly title: string;
  readonly top: number;
  readonly words: (value: number) => string;
}

const VALUES: Readonly<Record<keyof StatsValues, Series>> = {
  roundTripTime: { title: "Round trip", top: 0.05, words: milliseconds },
  jitter: { title: "Jitter", top: 0.02, words: milliseconds },
  loss: { title: "Loss", top: 0.05, words: (share) => `${(100 * share).toFixed(1)} %` },
  sentBitrate: { title: "Sent", top: 32_000, words: kilobits },
  receivedBitrate: { title: "Received", top: 32_000, words: kilobits },
};
const LEVELS: Readonly<Record<Track, Series>> = {
  user: { title: "Your level", top: 1, words: decibels },
  assistant: { title: "The assistant's level", top: 1, words: decibels },
};
const SERIES: Readonly<Record<string, Series>> = { ...VALUES, ...LEVELS };

export function StatisticsTab({ store }: { store: Store }) {
  const box = useRef<HTMLDivElement>(null);
  const [history] = useState(() => new StatsHistory());
  const [endMs, setEnd] = useState(now);
  useWhileVisible(box, () => {
    const redraw = () => {
      history.addPeaks(now());
      setEnd(now());
    };
    history.addGap(now());
    const stops = [
      store.watchStats((sample) => history.addSample(sample)),
      store.watchLevels((levels) => {
        // After a call the meter shows silence, which nobody measures.
        if (store.state.peek().status === "connected" && !store.isFollowing.peek()) history.addLevels(levels);
      }),
    ];
    redraw();
    const timer = setInterval(redraw, REDRAW_MS);
    return () => {
      clearInterval(timer);
      for (const stop of stops) stop();
    };
  });
  const lines = Object.entries(SERIES).flatMap(([name, series]) => {
    const points = history.pointsOf(name, endMs - SPAN_MS);
    const last = points.findLast(({ value }) => value !== undefined)?.value;
    return last === undefined ? [] : [{ name, series, points, last }];
  });
  return (
    <div class="rtc-statistics" ref={box}>
      {lines.length === 0 && <p class="rtc-tab-note">{emptyNote(store)}</p>}
      <ul class="rtc-plots">
        {lines.map(({ name, series: { title, top, words }, points, last }) => (
          <li key={name} class="rtc-plot" data-series={name}>
            <span class="rtc-plot-title">{title}</span>
            <span class="rtc-plot-value">{words(last)}</span>
            <Sparkline label={`${title}: ${words(last)}`} points={points} endMs={endMs} top={top} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function emptyNote(store: Store): string {
  if (store.isFollowing.value) return "Nothing measured yet. The call is in another window, which measures it.";
  if (store.state.value.data_channel_state === "open" && store.statsIntervalMs.value === null)
    return "Nothing measured yet. Python has turned the statistics off (stats_interval=None).";
  return "Nothing measured yet. Lines are drawn while a call is connected.";
}

/** The points of the last minute, by the names of their series. */
export class StatsHistory {
  readonly #points = new Map<string, Point[]>();
  #before: Measurement | undefined;
  #peaks: Levels | undefined;

  addSample(sample: StatsSample): void {
    this.#before = measure(sample, this.#before);
    for (const [name, value] of Object.entries(this.#before.values)) this.#add(name, sample.timeMs, value);
  }

  addLevels({ user, assistant }: Levels): void {
    const { user: userPeak = 0, assistant: assistantPeak = 0 } = this.#peaks ?? {};
    this.#peaks = { user: Math.max(user, userPeak), assistant: Math.max(assistant, assistantPeak) };
  }

  /** Adds the highest levels since the last time; a gap where none were measured. */
  addPeaks(atMs: number): void {
    for (const side of ["user", "assistant"] as const) this.#add(side, atMs, this.#peaks?.[side]);
    this.#peaks = undefined;
  }

  /** Nothing was measured until now. */
  addGap(atMs: number): void {
    this.#before = undefined;
    for (const name of this.#points.keys()) this.#add(name, atMs, undefined);
  }

  /** The points of a series since a time. */
  pointsOf(name: string, sinceMs: number): readonly Point[] {
    return (this.#points.get(name) ?? []).filter(({ atMs }) => atMs >= sinceMs);
  }

  #add(name: string, atMs: number, value: number | undefined): void {
    const recent = this.pointsOf(name, atMs - SPAN_MS);
    if (value === undefined && recent.length === 0) this.#points.delete(name);
    else this.#points.set(name, [...recent, { atMs, value }]);
  }
}

function milliseconds(seconds: number): string {
  const value = 1_000 * seconds;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

function kilobits(bits: number): string {
  return `${Math.round(bits / 1_000)} kbit/s`;
}

function decibels(level: number): string {
  return level === 0 ? "silent" : `${Math.round(FLOOR_DB * (1 - level))} dBFS`.replace("-", "−");
}
