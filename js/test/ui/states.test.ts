import { describe, expect, it } from "vitest";
import { STATES } from "../../demo/states";
import { show } from "./shown";

describe.each(Object.entries(STATES))("the state %s", (_, script) => {
  it.each([320, 560, 760])("has a headline, and fits a width of %i pixels", async (width) => {
    const element = await show(script, `width: ${width}px`);
    expect(element.querySelector(".rtc-connection")?.textContent).not.toBe("");
    const { right } = element.getBoundingClientRect();
    const parts = element.querySelectorAll(
      "button, input, textarea, select, summary, p, svg, td, .rtc-turn, .rtc-connection, .rtc-details",
    );
    for (const one of parts) expect(one.getBoundingClientRect().right, one.outerHTML).toBeLessThanOrEqual(right + 0.5);
  });

  it("has buttons that do not cover its words", async () => {
    for (const width of [320, 420, 560, 640, 690, 760]) {
      const element = await show(script, `width: ${width}px`);
      const headline = element.querySelector<HTMLElement>(".rtc-status");
      expect(headline?.scrollWidth, `${width}: the headline's words`).toBe(headline?.clientWidth);
      const controls = element.querySelector(".rtc-controls")?.getBoundingClientRect();
      for (const words of element.querySelectorAll(".rtc-connection, .rtc-details > *")) {
        const box = words.getBoundingClientRect();
        const isBeside = !controls || box.right <= controls.left + 0.5 || box.bottom <= controls.top + 0.5;
        expect(isBeside || box.width === 0, `${width}: ${words.outerHTML}`).toBe(true);
      }
    }
  });

  it("names every button, and every field", async () => {
    const element = await show(script, "width: 420px");
    for (const one of element.querySelectorAll<HTMLInputElement>("button, input, textarea, select")) {
      const name = one.ariaLabel || one.labels?.[0]?.textContent || one.textContent?.trim();
      expect(name, one.outerHTML).toBeTruthy();
    }
  });
});
