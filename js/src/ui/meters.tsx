/** How loud both sides are, how long the call lasts, and how far the server is away. */

import { useRef, useState } from "preact/hooks";
import type { Track } from "../comm/protocol";
import { now } from "../page";
import type { Store } from "../store";
import { useWhileVisible } from "./visible";

const LABELS: Readonly<Record<Track, string>> = { user: "Your level", assistant: "The assistant's level" };

/** A bar that follows the level of one side. Its width is set directly: ten renders a second would cost more. */
export function LevelBar({ store, side }: { store: Store; side: Track }) {
  const bar = useRef<HTMLSpanElement>(null);
  const fill = useRef<HTMLElement>(null);
  useWhileVisible(bar, () =>
    store.watchLevels((levels) => {
      if (fill.current) fill.current.style.transform = `scaleX(${levels[side].toFixed(2)})`;
    }),
  );
  return (
    <span class="rtc-level" data-side={side} role="img" aria-label={LABELS[side]} title={LABELS[side]} ref={bar}>
      <i ref={fill} />
    </span>
  );
}

/** Counts the seconds of this page's call. */
export function CallTimer({ store }: { store: Store }) {
  const { startMs, endMs } = store.callTimes.value;
  return startMs === undefined || endMs !== undefined ? null : <Seconds startMs={startMs} />;
}

function Seconds({ startMs }: { startMs: number }) {
  const box = useRef<HTMLSpanElement>(null);
  const [nowMs, setNow] = useState(now);
  useWhileVisible(box, () => {
    setNow(now());
    const timer = setInterval(() => setNow(now()), 1_000);
    return () => clearInterval(timer);
  });
  return (
    <span class="rtc-timer" role="timer" title="Length of the call" ref={box}>
      {clockTime((nowMs - startMs) / 1_000)}
    </span>
  );
}

/** Returns seconds as a clock shows them: "0:07", "12:34", "1:02:03". */
export function clockTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number: number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3_600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

export function RoundTrip({ store }: { store: Store }) {
  const milliseconds = store.roundTripMs.value;
  if (milliseconds === undefined) return null;
  return (
    <span class="rtc-round-trip" title="Round-trip time to the server">
      {milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms
    </span>
  );
}
