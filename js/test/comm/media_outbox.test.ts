import { beforeEach, describe, expect, it, vi } from "vitest";
import { MediaOutbox } from "../../src/comm/media_outbox";
import { fromBase64 } from "../../src/comm/pcm";
import type { MediaMessage, Track } from "../../src/comm/protocol";

const KIB = 1_024;

let posted: MediaMessage[] = [];
let outbox: MediaOutbox;

const add = (first: number, track: Track = "user", length = 4) =>
  outbox.addAudio({
    attempt: "a1",
    track,
    rate: 24_000,
    atMs: first,
    samples: Int16Array.from({ length }, (_, at) => first + at),
  });
const numbers = () => posted.map(({ number }) => number);
const audio = (message: MediaMessage | undefined) => {
  if (message?.type !== "audio") throw new Error("This is no sound");
  return message;
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  posted = [];
  outbox = new MediaOutbox((message) => posted.push(message), 64 * KIB);
  return () => {
    outbox.close();
    vi.useRealTimers();
  };
});

describe("sound and statistics on their way to the kernel", () => {
  it("carry the samples, the clock and a number, both kinds in one row", () => {
    add(7);
    outbox.addStats({ attempt: "a1", timeMs: 9, reports: [{ id: "x", type: "transport" }] });
    const { data, ...rest } = audio(posted[0]);
    expect(rest).toEqual({
      type: "audio",
      number: 0,
      attempt: "a1",
      track: "user",
      rate: 24_000,
      at_ms: 7,
      lost: 0,
    });
    expect([...fromBase64(data)]).toEqual([7, 8, 9, 10]);
    expect(posted[1]).toEqual({
      type: "stats",
      number: 1,
      attempt: "a1",
      time_ms: 9,
      reports: [{ id: "x", type: "transport" }],
    });
  });

  it("stop when the kernel is too far behind, and go on when it says what it has", () => {
    for (let n = 0; n < 100; n++) add(n);
    expect(posted).toHaveLength(64);
    outbox.acknowledge(10, false);
    expect(numbers()).toEqual(Array.from({ length: 74 }, (_, n) => n));
    outbox.acknowledge(74, false);
    expect(posted).toHaveLength(100);
  });

  it("are sent again from where the kernel misses them, once for each hole", () => {
    for (let n = 0; n < 5; n++) add(n);
    posted = [];
    outbox.acknowledge(2, true);
    expect(numbers()).toEqual([2, 3, 4]);
    // The kernel requests the missing messages again with each message after the gap.
    outbox.acknowledge(2, true);
    outbox.acknowledge(2, true);
    expect(numbers()).toEqual([2, 3, 4]);
    vi.advanceTimersByTime(1_100);
    outbox.acknowledge(2, true);
    expect(numbers()).toEqual([2, 3, 4, 2, 3, 4]);
  });

  it("take no harm from acknowledgements that are doubled, late or too high", () => {
    for (let n = 0; n < 3; n++) add(n);
    outbox.acknowledge(2, false);
    outbox.acknowledge(1, false);
    outbox.acknowledge(99, false);
    posted = [];
    add(3);
    expect(numbers()).toEqual([3]);
  });

  it("are said again now and then, ever slower, for the last may be lost", () => {
    add(0);
    vi.advanceTimersByTime(4_900);
    expect(numbers()).toEqual([0]);
    vi.advanceTimersByTime(200);
    expect(numbers()).toEqual([0, 0]);
    vi.advanceTimersByTime(10_000 + 20_000 + 30_000);
    expect(posted).toHaveLength(5);
    outbox.acknowledge(1, false);
    vi.advanceTimersByTime(120_000);
    expect(posted).toHaveLength(5);
  });
});

describe("a kernel that is busy for very long", () => {
  // 8 KiB each; at most 64 KiB may wait.
  const large = 4 * KIB;

  it("loses the oldest that wait, and is told how much of which side", () => {
    for (let n = 0; n < 64; n++) add(n);
    for (let n = 0; n < 12; n++) add(n, "user", large);
    add(0, "assistant");
    posted = [];
    outbox.acknowledge(64, false);
    const sounds = posted.map(audio);
    expect(sounds.filter(({ track }) => track === "user")).toHaveLength(7);
    expect(sounds[0]).toMatchObject({ track: "user", lost: 5 * large });
    expect(sounds.slice(1).every(({ lost }) => lost === 0)).toBe(true);
    expect(numbers()).toEqual(Array.from({ length: 8 }, (_, n) => 64 + n));
  });

  it("is told of what was lost also when nothing of that side waits any more", () => {
    for (let n = 0; n < 64; n++) add(n);
    add(0, "assistant");
    for (let n = 0; n < 9; n++) add(n, "user", large);
    outbox.acknowledge(64, false);
    outbox.acknowledge(80, false);
    posted = [];
    add(0, "assistant");
    expect(audio(posted[0])).toMatchObject({ track: "assistant", lost: 4 });
  });
});

describe("whoever waits until all has arrived", () => {
  it("waits for the acknowledgement", async () => {
    await outbox.emptied(1_000);
    for (let n = 0; n < 70; n++) add(n);
    let isDone = false;
    const waiting = outbox.emptied(60_000).then(() => {
      isDone = true;
    });
    outbox.acknowledge(64, false);
    await vi.advanceTimersByTimeAsync(1);
    expect(isDone).toBe(false);
    outbox.acknowledge(70, false);
    await waiting;
    expect(isDone).toBe(true);
  });

  it("does not wait for ever", async () => {
    add(0);
    const waiting = outbox.emptied(1_000);
    await vi.advanceTimersByTimeAsync(1_100);
    await waiting;
  });
});
