import { describe, expect, it, vi } from "vitest";
import "../../../src/ui/styles/index.css";
import { startWidget } from "../../fakes";

async function openPanel() {
  const started = startWidget();
  const { element } = started.mount();
  element.querySelector<HTMLElement>(".rtc-panel > summary")?.click();
  const tabs = () => [...element.querySelectorAll<HTMLElement>("[role=tab]")];
  await vi.waitFor(() => expect(tabs().length).toBeGreaterThan(0));
  const selected = () => tabs().find((tab) => tab.getAttribute("aria-selected") === "true");
  const press = (key: string) => {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    document.activeElement?.dispatchEvent(event);
    return event.defaultPrevented;
  };
  return { ...started, element, tabs, selected, press };
}

describe("the panel", () => {
  it("is closed at first, and renders nothing until it is opened", async () => {
    const { element } = startWidget().mount();
    expect(element.querySelector<HTMLDetailsElement>(".rtc-panel")?.open).toBe(false);
    expect(element.querySelector("[role=tablist], [role=tabpanel]")).toBeNull();
  });

  it("shows one tab panel, named by the selected tab", async () => {
    const { element, tabs, selected } = await openPanel();
    for (const tab of tabs()) {
      tab.click();
      await vi.waitFor(() => expect(selected()).toBe(tab));
      const panels = element.querySelectorAll("[role=tabpanel]");
      expect(panels).toHaveLength(1);
      expect(panels[0]?.getAttribute("aria-labelledby")).toBe(tab.id);
      expect(tab.getAttribute("aria-controls")).toBe(panels[0]?.id);
      expect(tabs().filter(({ tabIndex }) => tabIndex === 0)).toEqual([tab]);
    }
  });

  it("is walked through by the arrow keys, Home and End, which select", async () => {
    const { tabs, selected, press } = await openPanel();
    const [first] = tabs();
    const last = tabs().at(-1);
    first?.focus();
    for (const [key, expected] of [
      ["ArrowLeft", last],
      ["ArrowRight", first],
      ["End", last],
      ["Home", first],
    ] as const) {
      expect(press(key)).toBe(true);
      await vi.waitFor(() => expect(selected()).toBe(expected));
      expect(document.activeElement).toBe(expected);
    }
    expect(press("a")).toBe(false);
  });

  it("is walked through by keyboard also in a shadow root", async () => {
    const { element, tabs, selected } = await openPanel();
    const root = document.body.appendChild(document.createElement("div")).attachShadow({ mode: "open" });
    root.append(element);
    const [first, second] = tabs();
    first?.focus();
    first?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, composed: true }));
    await vi.waitFor(() => expect(selected()).toBe(second));
    expect(root.activeElement).toBe(second);
  });
});
