import { describe, expect, it } from "vitest";
import { FrameClock } from "../../src/media/recording_graph";

const RATE = 24_000;

describe("when a frame was heard", () => {
  it("is told by the message that came with the least delay", () => {
    const clock = new FrameClock(RATE);
    for (const [frame, delay] of [
      [1_024, 30],
      [2_048, 3],
      [3_072, 250],
    ] as const) {
      clock.record(frame, 1_000 + (frame / RATE) * 1_000 + delay);
    }
    expect(clock.timeOf(0)).toBeCloseTo(1_003, 6);
    expect(clock.timeOf(RATE)).toBeCloseTo(2_003, 6);
  });

  it("follows an audio clock that is slower than the page's", () => {
    const clock = new FrameClock(RATE);
    // A thousandth slower, for two minutes.
    for (let second = 0; second <= 120; second++) clock.record(second * RATE, second * 1_001);
    expect(clock.timeOf(120 * RATE) - 120 * 1_001).toBeLessThan(0.001);
    expect(clock.timeOf(120 * RATE) - 120 * 1_001).toBeGreaterThan(-31);
  });

  it("is found anew when the context stood still", () => {
    const clock = new FrameClock(RATE);
    clock.record(RATE, 1_000);
    clock.reset();
    clock.record(2 * RATE, 62_000);
    expect(clock.timeOf(2 * RATE)).toBeCloseTo(62_000, 6);
  });
});
