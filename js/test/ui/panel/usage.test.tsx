import { describe, expect, it, vi } from "vitest";
import "../../../src/ui/styles/index.css";
import { startWidget } from "../../fakes";
import { openTab, part } from "./open_tab";

async function openUsage(usage?: unknown) {
  const started = startWidget({
    setUp: (model) => Object.assign(model.traits, usage === undefined ? {} : { usage_totals: usage }),
  });
  const tab = await openTab(started.mount().element, "usage");
  const rows = () =>
    [...tab.querySelectorAll("tbody tr")].map((row) => [...row.children].map((cell) => cell.textContent));
  const cost = () => part(tab, ".rtc-cost").textContent;
  return { ...started, tab, rows, cost };
}

const AMOUNTS = { text_input: 1_240, cached_audio_input: 1, audio_output: 80 };

describe("the Usage tab", () => {
  it.each([undefined, {}, null, { amounts: {}, cost: 0, unpriced: [] }])(
    "says that nothing is used (%j)",
    async (given) => {
      const { tab } = await openUsage(given);
      expect(tab.textContent).toBe("Nothing used yet. Servers report usage after a response.");
    },
  );

  it("shows tokens by kind, and how prices are given", async () => {
    const { rows, cost } = await openUsage({ amounts: AMOUNTS, cost: null, unpriced: [] });
    expect(rows()).toEqual([
      ["Text in", "1,240 tokens"],
      ["Audio in, cached", "1 token"],
      ["Audio out", "80 tokens"],
    ]);
    expect(cost()).toBe("The cost is unknown: set chat.prices in Python.");
  });

  it("shows the seconds of GPT-Live", async () => {
    const { rows } = await openUsage({
      amounts: { active_seconds: 134.26, standby_seconds: 7 },
      cost: null,
      unpriced: [],
    });
    expect(rows()).toEqual([
      ["Active", "2:14 (134.3 s)"],
      ["Standby", "7 s"],
    ]);
  });

  it("shows the cost, also one of less than a cent, and follows the kernel", async () => {
    const { cost, model, rows } = await openUsage({ amounts: AMOUNTS, cost: 0.005441, unpriced: [] });
    expect(cost()).toBe("Cost: 0.00544, in the currency of chat.prices");
    model.setTrait("usage_totals", { amounts: { ...AMOUNTS, audio_output: 90 }, cost: 12.5, unpriced: [] });
    await vi.waitFor(() => expect(cost()).toBe("Cost: 12.50, in the currency of chat.prices"));
    expect(rows()).toContainEqual(["Audio out", "90 tokens"]);
  });

  it("names the prices that are missing", async () => {
    const { cost } = await openUsage({ amounts: AMOUNTS, cost: null, unpriced: ["audio_output"] });
    expect(cost()).toBe("The cost is unknown: chat.prices has no price for audio_output.");
  });

  it("shows a kind that this page does not know by its name", async () => {
    const { rows } = await openUsage({ amounts: { video_input: 5 }, cost: null, unpriced: [] });
    expect(rows()).toEqual([["video input", "5 tokens"]]);
  });
});
