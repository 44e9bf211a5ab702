import { beforeEach, describe, expect, it, vi } from "vitest";
import { StatsSampler } from "../../src/call/stats";
import type { StatsSample } from "../../src/comm/media_outbox";

let looks: StatsSample[] = [];
let intervalMs: number | null = 1_000;
let watch: StatsSampler;

const peer = {
  isClosed: false,
  getStats: async () => {
    if (peer.isClosed) throw new DOMException("closed", "InvalidStateError");
    return new Map([["T1", { id: "T1", type: "transport" }]]) as unknown as RTCStatsReport;
  },
};
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  looks = [];
  intervalMs = 1_000;
  peer.isClosed = false;
  watch = new StatsSampler(
    () => intervalMs,
    (look) => looks.push(look),
  );
  return () => {
    watch.stop();
    vi.useRealTimers();
  };
});

describe("the statistics of a call", () => {
  it("are looked at when it stands and once a second from then on", async () => {
    watch.start("a1", peer);
    await pass(0);
    expect(looks).toHaveLength(1);
    expect(looks[0]).toMatchObject({ attempt: "a1", reports: [{ id: "T1", type: "transport" }] });
    expect(Math.abs((looks[0]?.timeMs ?? 0) - Date.now())).toBeLessThan(30_000);
    await pass(3_000);
    expect(looks).toHaveLength(4);
  });

  it("are left alone after it", async () => {
    watch.start("a1", peer);
    await pass(0);
    watch.stop();
    await pass(10_000);
    expect(looks).toHaveLength(1);
  });

  it("that come after its end are not taken for those of the next", async () => {
    watch.start("a1", peer);
    watch.stop();
    watch.start("a2", peer);
    await pass(0);
    expect(looks.map(({ attempt }) => attempt)).toEqual(["a2"]);
  });

  it("follow the interval that Python sets, none included", async () => {
    intervalMs = null;
    watch.start("a1", peer);
    await pass(10_000);
    expect(looks).toHaveLength(0);
    intervalMs = 200;
    watch.update();
    await pass(1_000);
    expect(looks).toHaveLength(6);
    intervalMs = null;
    watch.update();
    await pass(10_000);
    expect(looks).toHaveLength(6);
  });

  it("are asked for again although a browser refused once", async () => {
    peer.isClosed = true;
    watch.start("a1", peer);
    await pass(500);
    peer.isClosed = false;
    await pass(1_000);
    expect(looks).toHaveLength(1);
  });
});
