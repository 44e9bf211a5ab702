import { afterEach, describe, expect, it } from "vitest";
import "../../src/ui/styles/index.css";
import { scriptedStore } from "../../demo/scripted_store";
import { STATES } from "../../demo/states";
import { mountView } from "../../src/ui/view";

const views: (() => void)[] = [];
afterEach(() => {
  for (const unmount of views.splice(0)) unmount();
  document.body.replaceChildren();
});

function mount(script: (typeof STATES)[string], width: number): HTMLElement {
  const element = document.createElement("div");
  element.style.width = `${width}px`;
  document.body.append(element);
  views.push(mountView(element, scriptedStore(script)));
  return element;
}

describe.each(Object.entries(STATES))("the state %s", (_, script) => {
  it.each([320, 760])("has a headline, and fits a width of %i pixels", (width) => {
    const element = mount(script, width);
    expect(element.querySelector(".rtc-connection")?.textContent).not.toBe("");
    const { right } = element.getBoundingClientRect();
    const parts = element.querySelectorAll(
      "button, textarea, select, summary, p, .rtc-turn, .rtc-connection, .rtc-details",
    );
    for (const one of parts) expect(one.getBoundingClientRect().right, one.outerHTML).toBeLessThanOrEqual(right + 0.5);
  });

  it("has buttons that do not cover its words", () => {
    for (const width of [320, 420, 760]) {
      const element = mount(script, width);
      const controls = element.querySelector(".rtc-controls")?.getBoundingClientRect();
      for (const words of element.querySelectorAll(".rtc-connection, .rtc-details > *")) {
        const box = words.getBoundingClientRect();
        const isBeside = !controls || box.right <= controls.left + 0.5 || box.bottom <= controls.top + 0.5;
        expect(isBeside || box.width === 0, `${width}: ${words.outerHTML}`).toBe(true);
      }
    }
  });

  it("names every button, and every field", () => {
    const element = mount(script, 420);
    for (const one of element.querySelectorAll<HTMLElement>("button, textarea, select")) {
      const name = one.ariaLabel || one.textContent?.trim() || one.closest("label")?.textContent;
      expect(name, one.outerHTML).toBeTruthy();
    }
  });
});
