import axe from "axe-core";
import { describe, expect, it, vi } from "vitest";
import "../../src/ui/styles/index.css";
import { startCall, startWidget } from "../fakes";
import { emulate } from "./emulation";

const part = (root: Element, selector: string) => {
  const found = root.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`There is no ${selector}`);
  return found;
};

describe("a person who prefers less motion", () => {
  it.each([
    ["no-preference", true],
    ["reduce", false],
  ])("with %s: anything moves: %s", async (preference, moves) => {
    await emulate({ name: "prefers-reduced-motion", value: preference });
    const { element } = await (async () => {
      const started = startWidget();
      const { element } = started.mount();
      started.kernel.answers.exchange = "later";
      part(element, "[data-action=connect]").click();
      await vi.waitFor(() => part(element, "[data-tone=busy]"));
      return { element };
    })();
    const moving = [...element.querySelectorAll("*")].filter((one) =>
      ["", "::before", "::after"].some((pseudo) => getComputedStyle(one, pseudo).animationName !== "none"),
    );
    expect(moving.length > 0).toBe(moves);
  });

  it("sees who speaks without movement", async () => {
    await emulate({ name: "prefers-reduced-motion", value: "reduce" });
    const { channel, mount } = await startCall();
    const { element } = mount();
    channel.receive({ type: "input_audio_buffer.speech_started" });
    await vi.waitFor(() => part(element, ".rtc-speaking"));
    for (const bar of element.querySelectorAll(".rtc-speaking > i")) {
      expect(getComputedStyle(bar).animationName).toBe("none");
      expect(bar.getBoundingClientRect().height).toBeGreaterThan(4);
    }
  });
});

describe("forced colours", () => {
  it("leave the dot, a muted button and a bubble to be seen", async () => {
    await emulate({ name: "forced-colors", value: "active" });
    const { channel, mount } = await startCall();
    const { element } = mount();
    expect(matchMedia("(forced-colors: active)").matches).toBe(true);
    const page = getComputedStyle(part(element, ".rtc-widget")).backgroundColor;
    expect(getComputedStyle(part(element, ".rtc-dot")).backgroundColor).not.toBe(page);
    part(element, "[data-action=mute]").click();
    await vi.waitFor(() => expect(getComputedStyle(part(element, "[data-action=mute]")).outlineStyle).toBe("solid"));
    // A hollow dot: the border shows it.
    const dot = getComputedStyle(part(element, ".rtc-dot"));
    expect([dot.borderStyle, dot.borderColor === page]).toEqual(["solid", false]);
    channel.receive({
      type: "conversation.item.added",
      previous_item_id: null,
      item: { id: "u1", type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] },
    });
    await vi.waitFor(() => expect(getComputedStyle(part(element, ".rtc-turn-text")).borderStyle).toBe("solid"));
  });
});

describe("several views on one page", () => {
  it("have names of their own, and no id twice", async () => {
    const one = startWidget();
    const views = [one.mount(), one.mount(), startWidget().mount()];
    for (const { element } of views) part(element, "details").setAttribute("open", "");
    const names = () => [...document.querySelectorAll(".rtc-widget")].map((view) => view.getAttribute("aria-label"));
    const [, second] = names();
    expect(new Set(names()).size).toBe(3);
    for (const name of names()) expect(name).toMatch(/^Voice chat( \d+)?$/);
    await vi.waitFor(() => expect(document.querySelectorAll(".rtc-event-details")).toHaveLength(3));
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const { violations } = await axe.run(document.body, { rules: { region: { enabled: false } } }); // the notebook has them
    expect(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html.slice(0, 200))])).toEqual([]);
    // A name is free again when its view is gone.
    views[1]?.unmount();
    const { element } = startWidget().mount();
    expect(element.querySelector(".rtc-widget")?.getAttribute("aria-label")).toBe(second);
  });
});

describe("the wheel", () => {
  it("moves the notebook at the end of the transcript", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    for (let n = 0; n < 30; n++) {
      channel.receive({
        type: "conversation.item.added",
        previous_item_id: null,
        item: { id: `u${n}`, type: "message", role: "user", content: [{ type: "input_text", text: `line ${n}` }] },
      });
    }
    const spacer = document.createElement("div");
    spacer.style.height = "3000px";
    document.body.append(spacer);
    const box = part(element, ".rtc-transcript");
    await vi.waitFor(() => expect(element.querySelectorAll(".rtc-turn")).toHaveLength(30));
    await vi.waitFor(() => expect(box.scrollHeight - box.scrollTop - box.clientHeight).toBeLessThan(2));
    expect(box.scrollTop).toBeGreaterThan(0);
    for (const scrolling of [box, document.scrollingElement]) {
      expect(getComputedStyle(scrolling ?? box).overscrollBehaviorY).toBe("auto");
    }
  });
});
