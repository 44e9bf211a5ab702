import { afterEach, describe, expect, it, vi } from "vitest";
import { cdp } from "vitest/browser";
import "../../../src/ui/styles/index.css";
import type { Script } from "../../../demo/scripted_store";
import { showState } from "../../../demo/show_state";
import { STATES } from "../../../demo/states";

type Session = { send(method: string, parameters: object): Promise<unknown> };
const emulate = (...features: object[]) =>
  (cdp() as unknown as Session).send("Emulation.setEmulatedMedia", { features });

const views: (() => void)[] = [];
afterEach(async () => {
  for (const unmount of views.splice(0)) unmount();
  document.body.replaceChildren();
  await emulate();
});

const PANEL_STATES = Object.entries(STATES).filter(([, { tab }]) => tab !== undefined);

async function mount(script: Script, width: number): Promise<HTMLElement> {
  const element = document.createElement("div");
  element.style.width = `${width}px`;
  document.body.append(element);
  views.push(await showState(element, script));
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
