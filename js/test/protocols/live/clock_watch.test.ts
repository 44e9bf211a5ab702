import { afterEach, describe, expect, it, vi } from "vitest";
import contract from "../../../../tests/contract/live_clock_watch.json";
import type { JsonObject } from "../../../src/json";
import { ClockWatch } from "../../../src/protocols/live/clock_watch";

/** Both halves share the cases; `tests/contract/test_live_clock_watch.py` asserts them for the headless page. */
interface Case {
  readonly name: string;
  readonly events: readonly (readonly [seconds: number, direction: "sent" | "received", event: JsonObject])[];
  readonly ended?: number;
  readonly told: number | null;
}

const CASES = contract.cases as unknown as readonly Case[];

describe("a session clock that may stand still", () => {
  afterEach(() => vi.useRealTimers());

  it.each(CASES)("is told where something waits for it: $name", ({ events, ended = 60, told }) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: 0 });
    const found: number[] = [];
    const watch = new ClockWatch(() => found.push(Date.now() / 1_000));
    for (const [at, direction, event] of events) {
      vi.advanceTimersByTime(at * 1_000 - Date.now());
      watch[direction](event);
    }
    vi.advanceTimersByTime(ended * 1_000 - Date.now());
    watch.end();
    vi.advanceTimersByTime(600_000);
    expect(found).toEqual(told === null ? [] : [told]);
  });
});
