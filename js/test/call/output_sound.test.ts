import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import contract from "../../../tests/contract/sound_detector.json";
import { OutputSound } from "../../src/call/output_sound";
import { SoundDetector } from "../../src/media/sound_detector";

const LOUD = 0.1;

/** Feeds blocks of 20 ms, from `fromMs` on. */
function play(
  take: (level: number, startMs: number, durationMs: number) => unknown,
  level: number,
  fromMs: number,
  ms: number,
) {
  return Array.from({ length: ms / 20 }, (_, block) => take(level, fromMs + 20 * block, 20)).filter(Boolean);
}

describe("the sound detector that both halves have", () => {
  it.each(contract.cases)("$name", ({ blocks, changes }) => {
    const detector = new SoundDetector();
    let at = 0;
    const found = blocks.flatMap(([level = 0, duration = 0]) => {
      const made = play(detector.take.bind(detector), level, at, duration);
      at += duration;
      return made;
    });
    expect(found).toEqual(changes.map(([isAudible, atMs]) => ({ isAudible, atMs })));
  });
});

describe("the assistant's sound", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function listening() {
    const onChange = vi.fn();
    const setMuted = vi.fn();
    const sound = new OutputSound({ onChange, setMuted });
    return { sound, onChange, setMuted, take: sound.take.bind(sound) };
  }

  it("is told where the server does not report it, the first time after a moment", () => {
    const { onChange, take } = listening();
    play(take, LOUD, 0, 100);
    play(take, 0, 100, 500);
    expect(onChange).not.toHaveBeenCalled();
    vi.advanceTimersByTime(300);
    expect(onChange.mock.calls).toEqual([[{ isAudible: true, atMs: 0 }], [{ isAudible: false, atMs: 100 }]]);
    play(take, LOUD, 900, 20);
    expect(onChange).toHaveBeenLastCalledWith({ isAudible: true, atMs: 900 });
  });

  it("is not told where the server reports it", () => {
    const { sound, onChange, take } = listening();
    play(take, LOUD, 0, 100);
    sound.serverReports();
    vi.advanceTimersByTime(1_000);
    play(take, 0, 100, 500);
    play(take, LOUD, 600, 100);
    vi.advanceTimersByTime(1_000);
    expect(onChange).not.toHaveBeenCalled();
  });

  it("is silenced until it has paused", () => {
    const { sound, onChange, setMuted, take } = listening();
    play(take, LOUD, 0, 100);
    vi.advanceTimersByTime(300);
    sound.silence();
    expect(setMuted.mock.calls).toEqual([[true]]);
    expect(onChange).toHaveBeenLastCalledWith({ isAudible: false, atMs: expect.any(Number) });
    play(take, LOUD, 100, 1_000);
    play(take, 0, 1_100, 480);
    expect(setMuted).toHaveBeenCalledTimes(1);
    play(take, 0, 1_580, 20);
    expect(setMuted.mock.calls).toEqual([[true], [false]]);
    expect(onChange).toHaveBeenCalledTimes(2); // the pause was told when it was silenced
  });

  it("is not silenced for the next words", () => {
    const { sound, setMuted } = listening();
    sound.silence();
    expect(setMuted).not.toHaveBeenCalled();
  });

  it("comes back where it does not pause, and with the next call", () => {
    const { sound, setMuted, take } = listening();
    play(take, LOUD, 0, 100);
    sound.silence();
    vi.advanceTimersByTime(10_000);
    expect(setMuted.mock.calls).toEqual([[true], [false]]);
    sound.silence();
    sound.end();
    expect(setMuted.mock.calls).toEqual([[true], [false], [true], [false]]);
  });
});
