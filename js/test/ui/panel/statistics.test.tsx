import { describe, expect, it, vi } from "vitest";
import "../../../src/ui/styles/index.css";
import { pathOf } from "../../../src/ui/panel/sparkline";
import { StatsHistory } from "../../../src/ui/panel/statistics";
import { startCall, startWidget } from "../../fakes";
import { openTab, part } from "./open_tab";

const REPORTS = [
  ["I", { id: "I", type: "inbound-rtp", kind: "audio", jitter: 0.004 }],
  ["R", { id: "R", type: "remote-inbound-rtp", kind: "audio", roundTripTime: 0.0423 }],
] as const;

async function openStatistics() {
  const started = await startCall({ stats_interval: 0.1 });
  const { element, unmount } = started.mount();
  const tab = await openTab(element, "statistics");
  return { ...started, element, tab, unmount };
}

describe("the Statistics tab", () => {
  it("says that nothing is measured without a call", async () => {
    const { element } = startWidget().mount();
    const tab = await openTab(element, "statistics");
    expect(tab.textContent).toBe("Nothing measured yet. Lines are drawn while a call is connected.");
  });

  it("says who has turned the statistics off", async () => {
    const { mount } = await startCall({ stats_interval: null });
    const tab = await openTab(mount().element, "statistics");
    expect(tab.textContent).toContain("stats_interval=None");
  });

  it("draws what was measured, with the last value, its unit and an alternative text", async () => {
    const { peer, tab } = await openStatistics();
    peer().pairs = REPORTS;
    await vi.waitFor(() => part(tab, "[data-series=roundTripTime] path[d*=L]"), { timeout: 300_000 });
    expect(part(tab, "[data-series=roundTripTime] .rtc-plot-value").textContent).toBe("42 ms");
    expect(part(tab, "[data-series=roundTripTime] svg").getAttribute("aria-label")).toBe("Round trip: 42 ms");
    expect(part(tab, "[data-series=jitter] .rtc-plot-value").textContent).toBe("4.0 ms");
    expect(tab.querySelector("[data-series=sentBitrate]")).toBeNull();
    expect(tab.textContent).not.toContain("Nothing measured");
  });

  it("keeps nothing while another tab is shown, and begins anew", async () => {
    const { peer, element, tab, kernel } = await openStatistics();
    peer().pairs = REPORTS;
    await vi.waitFor(() => part(tab, "[data-series=jitter]"), { timeout: 300_000 });
    part(element, "[data-tab=events]").click();
    await vi.waitFor(() => expect(element.querySelector(".rtc-statistics")).toBeNull());
    const samples = kernel.of("stats").length;
    await vi.waitFor(() => expect(kernel.of("stats").length).toBeGreaterThan(samples), { timeout: 300_000 });
    peer().pairs = [];
    part(element, "[data-tab=statistics]").click();
    const again = await vi.waitFor(() => part(element, ".rtc-statistics"));
    expect(again.querySelectorAll("svg[data-points]")).toHaveLength(0);
  });
});

describe("the points of the last minute", () => {
  const sample = (timeMs: number, jitter: number) => ({
    attempt: "a1",
    timeMs,
    reports: [{ type: "inbound-rtp", kind: "audio", jitter }],
  });

  it("are forgotten after it", () => {
    const history = new StatsHistory();
    for (let second = 0; second <= 200; second++) history.addSample(sample(1_000 * second, second));
    const values = history.pointsOf("jitter", 0).map(({ value }) => value);
    expect(values).toHaveLength(61);
    expect(values.at(0)).toBe(140);
    expect(values.at(-1)).toBe(200);
  });

  it("hold the highest level of each second", () => {
    const history = new StatsHistory();
    history.addLevels({ user: 0.2, assistant: 0 });
    history.addLevels({ user: 0.7, assistant: 0.1 });
    history.addLevels({ user: 0.4, assistant: 0 });
    history.addPeaks(1_000);
    history.addPeaks(2_000);
    expect(history.pointsOf("user", 0)).toEqual([
      { atMs: 1_000, value: 0.7 },
      { atMs: 2_000, value: undefined },
    ]);
  });

  it("have a gap where nothing was measured", () => {
    const points = [1, undefined, 0.5, 0.5].map((value, second) => ({ atMs: 1_000 * second, value }));
    expect(pathOf(points, 60_000, 1)).toBe("M0.0 1.0h0M8.0 18.0h0L12.0 18.0");
  });
});
