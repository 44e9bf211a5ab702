import { describe, expect, it, vi } from "vitest";
import type { Script } from "../../../demo/scripted_store";
import { STATES } from "../../../demo/states";
import { emulate } from "../emulation";
import { show } from "../shown";

const PANEL_STATES = Object.entries(STATES).filter(([, { tab }]) => tab !== undefined);

async function mount(script: Script, width: number): Promise<HTMLElement> {
  const element = await show(script, `width: ${width}px`);
  await vi.waitFor(() => expect(element.textContent).not.toContain("Reading the events"));
  return element;
}

describe.each(PANEL_STATES)("the panel: %s", (_, state) => {
  it.each([320, 560, 760])("fits a width of %i pixels", async (width) => {
    const element = await mount(state, width);
    const { right } = element.getBoundingClientRect();
    const parts = element.querySelectorAll(".rtc-panel :is(button, input, select, summary, p, li, dd, code)");
    expect(parts.length).toBeGreaterThan(4);
    for (const one of parts) expect(one.getBoundingClientRect().right, one.outerHTML).toBeLessThanOrEqual(right + 0.5);
  });
});

describe("forced colours", () => {
  it("leave the selected tab and the state of the connection to be seen", async () => {
    await emulate({ name: "forced-colors", value: "active" });
    const element = await mount(STATES["Connection, in a call"] as Script, 420);
    const style = (selector: string) => getComputedStyle(element.querySelector(selector) ?? element);
    expect(style("[role=tab][aria-selected=true]").outlineStyle).toBe("solid");
    expect(style("[role=tab][aria-selected=false]").outlineStyle).toBe("none");
    const others = style(".rtc-connection-states > :not([aria-current])").backgroundColor;
    expect(style(".rtc-connection-states > [aria-current]").backgroundColor).not.toBe(others);
  });
});
