import axe from "axe-core";
import { describe, expect, it, vi } from "vitest";
import { STATES } from "../../demo/states";
import { emulate } from "./emulation";
import { show } from "./shown";

describe.each(Object.entries(STATES))("the state %s", (_, script) => {
  it.each(["light", "dark"])("has nothing that axe objects to, in the %s theme", async (scheme) => {
    await emulate({ name: "prefers-color-scheme", value: scheme });
    const element = await show(script, `width: 420px; background: ${scheme === "dark" ? "#000" : "#fff"}`);
    await vi.waitFor(() => expect(element.textContent).not.toContain("Reading the events"));
    const { violations, passes } = await axe.run(element);
    expect(passes.length).toBeGreaterThan(5);
    expect(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html.slice(0, 200))])).toEqual([]);
  });
});
