import { beforeEach, describe, expect, it, vi } from "vitest";
import { EventOutbox } from "../../src/comm/event_outbox";
import type { PageMessage } from "../../src/comm/protocol";

type Batch = Extract<PageMessage, { type: "events" }>;

let posted: Batch[] = [];
let outbox: EventOutbox;

const frame = () => vi.advanceTimersByTimeAsync(16);
const add = (text: string, attempt = "a1") => outbox.record(attempt, "received", text);
const texts = (batch: Batch | undefined) => batch?.events.map(([, , text]) => text);

const nextMessage = () =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(null);
  });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "requestAnimationFrame", "cancelAnimationFrame"] });
  posted = [];
  outbox = new EventOutbox((batch) => posted.push(batch));
  return () => outbox.close();
});

describe("events for which nobody waits", () => {
  it("leave together after a fifth of a second, also the first", async () => {
    outbox.setListenedTo(false);
    add("1");
    await frame();
    add("2");
    expect(posted).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(posted.map(texts)).toEqual([["1", "2"]]);
    add("3");
    await frame();
    expect(posted).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(posted.map(texts)).toEqual([["1", "2"], ["3"]]);
  });

  it("leave at once when somebody begins to wait, and so do those after them", async () => {
    outbox.setListenedTo(false);
    add("1");
    add("2");
    outbox.setListenedTo(true);
    expect(posted.map(texts)).toEqual([["1", "2"]]);
    await frame();
    add("3");
    expect(posted).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(posted).toHaveLength(2);
  });

  it("leave before their time when they are many, or the status changes", () => {
    outbox.setListenedTo(false);
    add("1");
    add("x".repeat(70_000));
    expect(posted).toHaveLength(1);
    add("2");
    outbox.flush();
    expect(posted).toHaveLength(2);
  });
});

describe("events on their way to the kernel", () => {
  it("leave at once when none has left lately, then together once a frame", async () => {
    add("1");
    expect(posted.map(texts)).toEqual([["1"]]);
    add("2");
    add("3");
    expect(posted).toHaveLength(1);
    await frame();
    expect(posted.map(texts)).toEqual([["1"], ["2", "3"]]);
    add("4");
    await frame();
    await frame();
    add("5");
    expect(posted.map(texts)).toEqual([["1"], ["2", "3"], ["4"], ["5"]]);
  });

  it("are numbered through, over all attempts, and a batch is of one attempt", async () => {
    add("1");
    add("2");
    add("3", "a2");
    await frame();
    expect(posted.map(({ first, attempt, events }) => [first, attempt, events.length])).toEqual([
      [0, "a1", 1],
      [1, "a1", 1],
      [2, "a2", 1],
    ]);
  });

  it("carry the clock and the text as it was", () => {
    const before = Date.now();
    outbox.record("a1", "sent", '{ "type" : "x" }');
    const [direction, time, text] = posted[0]?.events[0] ?? [];
    expect([direction, text]).toEqual(["sent", '{ "type" : "x" }']);
    expect(Math.abs(Number(time) - before)).toBeLessThan(30_000);
  });

  it("do not wait for a frame when 64 KiB have gathered", () => {
    const large = "x".repeat(40_000);
    add(large);
    add(large);
    expect(posted).toHaveLength(1);
    add(large);
    expect(posted.map(({ events }) => events.length)).toEqual([1, 2]);
  });

  it("leave a hidden page too, where there are no frames and timers are slow", async () => {
    vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    add("1");
    add("2");
    // The fake clock does not advance, so neither a frame nor a timer has sent them.
    const end = performance.now() + 50;
    while (performance.now() < end) await nextMessage();
    expect(posted.map(texts)).toEqual([["1"], ["2"]]);
  });

  it("leave a page that is hidden while they wait for its frame", async () => {
    vi.stubGlobal("requestAnimationFrame", () => 0);
    add("1");
    add("2");
    await vi.advanceTimersByTimeAsync(100);
    expect(posted.map(texts)).toEqual([["1"], ["2"]]);
  });
});

describe("events that the kernel may not have", () => {
  it("are sent again from where the kernel misses them", async () => {
    for (const text of ["0", "1", "2", "3"]) add(text);
    await frame();
    outbox.resendFrom(2);
    expect(posted.at(-1)).toMatchObject({ first: 2 });
    expect(texts(posted.at(-1))).toEqual(["2", "3"]);
  });

  it("are sent again once, however often the kernel misses them, and once more when they were lost again", async () => {
    for (const text of ["0", "1", "2", "3"]) add(text);
    await frame();
    posted = [];
    const start = performance.now();
    const clock = vi.spyOn(performance, "now").mockReturnValue(start);
    for (let asked = 0; asked < 3; asked++) outbox.resendFrom(2);
    expect(posted.map(texts)).toEqual([["2", "3"]]);
    clock.mockReturnValue(start + 1_100);
    outbox.resendFrom(2);
    expect(posted.map(texts)).toEqual([
      ["2", "3"],
      ["2", "3"],
    ]);
  });

  it("are kept until they are acknowledged, and not longer", async () => {
    for (const text of ["0", "1", "2"]) add(text);
    await frame();
    outbox.acknowledge(2);
    outbox.resendFrom(0);
    expect(posted.at(-1)).toMatchObject({ first: 2 });
    expect(texts(posted.at(-1))).toEqual(["2"]);
  });

  it("are not lost when an acknowledgement is doubled, late or too high", async () => {
    for (const text of ["0", "1"]) add(text);
    await frame();
    outbox.acknowledge(1);
    outbox.acknowledge(1);
    outbox.acknowledge(0);
    outbox.resendFrom(1);
    expect(texts(posted.at(-1))).toEqual(["1"]);
    outbox.acknowledge(99);
    add("2");
    await frame();
    expect(posted.at(-1)).toMatchObject({ first: 2 });
  });

  it("are sent again in batches of their own attempts", async () => {
    add("0");
    add("1", "a2");
    await frame();
    posted = [];
    outbox.resendFrom(0);
    expect(posted.map(({ first, attempt }) => [first, attempt])).toEqual([
      [0, "a1"],
      [1, "a2"],
    ]);
  });

  it("make the page ask now and then, ever slower, so that a lost last batch is noticed", async () => {
    add("0");
    await vi.advanceTimersByTimeAsync(4_900);
    expect(posted).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(posted.at(-1)).toEqual({ type: "events", attempt: "a1", first: 1, events: [] });
    await vi.advanceTimersByTimeAsync(10_000 + 20_000 + 30_000 + 30_000);
    expect(posted).toHaveLength(6);
  });

  it("are not asked about once the kernel has all of them", async () => {
    add("0");
    outbox.acknowledge(1);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(posted).toHaveLength(1);
  });
});
