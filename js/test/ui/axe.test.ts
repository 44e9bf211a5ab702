import axe from "axe-core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { cdp } from "vitest/browser";
import "../../src/ui/styles/index.css";
import { showState } from "../../demo/show_state";
import { STATES } from "../../demo/states";

/** The provider for Playwright adds the method. */
type Session = { send(method: string, parameters: object): Promise<unknown> };
const emulate = (...features: object[]) =>
  (cdp() as unknown as Session).send("Emulation.setEmulatedMedia", { features });

const views: (() => void)[] = [];
afterEach(async () => {
  for (const unmount of views.splice(0)) unmount();
  document.body.replaceChildren();
  await emulate();
});

describe.each(Object.entries(STATES))("the state %s", (_, script) => {
  it.each(["light", "dark"])("has nothing that axe objects to, in the %s theme", async (scheme) => {
    await emulate({ name: "prefers-color-scheme", value: scheme });
    const element = document.createElement("div");
    element.style.cssText = `width: 420px; background: ${scheme === "dark" ? "#000" : "#fff"}`;
    document.body.append(element);
    views.push(await showState(element, script));
    await vi.waitFor(() => expect(element.textContent).not.toContain("Reading the events"));
    const { violations, passes } = await axe.run(element);
    expect(passes.length).toBeGreaterThan(5);
    expect(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html.slice(0, 200))])).toEqual([]);
  });
});
