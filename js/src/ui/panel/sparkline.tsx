/** A line of the values of the last minute. */

export const SPAN_MS = 60_000;
const WIDTH = 240;
const HEIGHT = 36;

export interface Point {
  readonly atMs: number;
  /** Undefined where nothing was measured: the line has a gap there. */
  readonly value: number | undefined;
}

interface SparklineProps {
  /** What a reader who does not see the line is told. */
  readonly label: string;
  readonly points: readonly Point[];
  /** The time at the right edge. */
  readonly endMs: number;
  /** The value at the upper edge, unless a point is higher. */
  readonly top: number;
}

export function Sparkline({ label, points, endMs, top }: SparklineProps) {
  const highest = points.reduce((most, { value = 0 }) => Math.max(most, value), top);
  return (
    <svg
      class="rtc-sparkline"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      data-points={points.length}
    >
      <path d={pathOf(points, endMs, highest)} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

/** Returns the line as SVG path data: connected points, with a gap where nothing was measured. */
export function pathOf(points: readonly Point[], endMs: number, highest: number): string {
  let isDrawing = false;
  const steps: string[] = [];
  for (const { atMs, value } of points) {
    if (value !== undefined) {
      const x = WIDTH * (1 - (endMs - atMs) / SPAN_MS);
      // A pixel of room, so that the whole width of the line is seen at both edges.
      const y = 1 + (HEIGHT - 2) * (1 - value / highest);
      steps.push(`${isDrawing ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}${isDrawing ? "" : "h0"}`);
    }
    isDrawing = value !== undefined;
  }
  return steps.join("");
}
