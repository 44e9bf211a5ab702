/** Every state can be used from 320 pixels to the full width, light, dark, in forced colours, at a zoom of 200 % and with text of 200 %. */

import { afterEach, describe, expect, it } from "vitest";
import "./jupyterlab.css";
import type { Script } from "../../demo/scripted_store";
import { STATES } from "../../demo/states";
import { emulate, send } from "./emulation";
import { show } from "./shown";

afterEach(() => {
  document.documentElement.style.fontSize = "";
});

async function mount(script: Script, width: number): Promise<HTMLElement> {
  const output = document.createElement("div");
  output.className = "jp-ThemedContainer jp-OutputArea-output";
  document.body.append(output);
  return show(script, `width: ${width}px`, output);
}

const CONTROLS = "button, input, select, textarea, summary, a";
/** WCAG 2.2, 2.5.8; links within a sentence are excepted. */
const MIN_TARGET = 24;
const ROUNDING = 1;
/** The boxes of two lines may overlap so far without their letters doing so. */
const OVERLAP = 3;

/** What a person could not read or reach, in words. */
function faultsIn(view: HTMLElement): string[] {
  const card = view.querySelector<HTMLElement>(".rtc-widget");
  if (!card) throw new Error("There is no widget");
  const [outer, seen] = [view.getBoundingClientRect(), [...card.querySelectorAll<HTMLElement>("*")].filter(isShown)];
  const controls = seen.filter((one) => one.matches(CONTROLS));
  return [
    ...[card, ...seen].filter(isCut).map((one) => `cut: ${nameOf(one)}`),
    ...seen.filter((one) => isBeside(one, outer)).map((one) => `outside: ${nameOf(one)}`),
    ...controls.filter(isSmall).map((one) => `small: ${nameOf(one)} ${sizeOf(one)}`),
    ...controls.filter(isCovered).map((one) => `covered: ${nameOf(one)}`),
    ...overlapsIn(seen),
  ];
}

/** Words that stand on others in the same scrolling box. */
function overlapsIn(parts: readonly HTMLElement[]): string[] {
  const texts = parts.flatMap((part) =>
    [...part.childNodes]
      .filter(({ nodeType, textContent }) => nodeType === Node.TEXT_NODE && textContent?.trim())
      .flatMap((node) => {
        const range = document.createRange();
        range.selectNodeContents(node);
        const clipped = part.getBoundingClientRect();
        // What a box cuts off with "…" is not seen.
        const isClipped = getComputedStyle(part).overflowX === "hidden";
        return [...range.getClientRects()].map(({ left, right, top, bottom }) => ({
          part,
          box: part.closest(".rtc-transcript, .rtc-event-box, .rtc-connection-tab, .rtc-event-text, pre, dd"),
          left: left + OVERLAP,
          right: (isClipped ? Math.min(right, clipped.right) : right) - OVERLAP,
          top: top + OVERLAP,
          bottom: bottom - OVERLAP,
        }));
      }),
  );
  return texts.flatMap((one, index) =>
    texts.slice(index + 1).flatMap((other) => {
      const isApart =
        other.left >= one.right || one.left >= other.right || other.top >= one.bottom || one.top >= other.bottom;
      if (isApart || one.box !== other.box || one.part === other.part) return [];
      return [`overlap: ${nameOf(one.part)} and ${nameOf(other.part)}`];
    }),
  );
}

function isShown(one: HTMLElement): boolean {
  const { width, height } = one.getBoundingClientRect();
  return width > 0 && height > 0 && !one.closest("[aria-hidden=true] option, option, .rtc-sparkline");
}

const scrolls = (overflow: string) => overflow === "auto" || overflow === "scroll";

/**
 * Whether content is lost: in a box that does not scroll, or in one that scrolls sideways. A text that ends in "…" is cut
 * only where it names a control.
 */
function isCut(one: HTMLElement): boolean {
  const { overflowX, overflowY, textOverflow, display } = getComputedStyle(one);
  if (display.startsWith("inline") && !one.matches(CONTROLS)) return false;
  const isWide = one.scrollWidth > one.clientWidth + ROUNDING && one.clientWidth > 0;
  const isHigh = one.scrollHeight > one.clientHeight + ROUNDING && one.clientHeight > 0;
  if (one.matches("input, select, textarea")) return false;
  if (textOverflow === "ellipsis") return isHigh || (isWide && one.matches("button, label, h4"));
  if (one.matches("pre")) return false; // code may scroll
  return isWide || (isHigh && !scrolls(overflowY) && overflowX !== "visible");
}

function isBeside(one: HTMLElement, { left, right }: DOMRect): boolean {
  if (one.closest("pre")) return false;
  const box = one.getBoundingClientRect();
  return box.left < left - ROUNDING || box.right > right + ROUNDING;
}

/** The target of a field with a label around it is the label. */
function targetOf(one: HTMLElement): DOMRect {
  return (one.matches("input[type=checkbox]") ? (one.closest("label") ?? one) : one).getBoundingClientRect();
}

function isSmall(one: HTMLElement): boolean {
  const { width, height } = targetOf(one);
  return !one.matches(".rtc-turn-text a, p a") && (width < MIN_TARGET - 0.5 || height < MIN_TARGET - 0.5);
}

/** Whether a click on its middle meets something else; what is scrolled away in a box is not in sight. */
function isCovered(one: HTMLElement): boolean {
  one.scrollIntoView({ block: "nearest" });
  // A link may be broken into several lines.
  const { left, top, width, height } = one.getClientRects()[0] ?? one.getBoundingClientRect();
  const found = document.elementFromPoint(left + width / 2, top + height / 2);
  return !(found && (one.contains(found) || found.closest("label")?.contains(one)));
}

const sizeOf = (one: HTMLElement) => {
  const { width, height } = targetOf(one);
  return `${width.toFixed(1)} × ${height.toFixed(1)}`;
};
const nameOf = (one: HTMLElement) => {
  const { scrollWidth: sw, clientWidth: cw, scrollHeight: sh, clientHeight: ch } = one;
  return `${one.tagName.toLowerCase()}.${one.getAttribute("class")} "${one.textContent?.slice(0, 30)}" ${sw}/${cw} ${sh}/${ch}`;
};

describe.each(Object.entries(STATES))("the state %s", (_, script) => {
  it.each([320, 420, 560, 760, 1_200])("can be used at a width of %i pixels", async (width) => {
    expect(faultsIn(await mount(script, width))).toEqual([]);
  });

  it.each([
    ["dark", "prefers-color-scheme"],
    ["active", "forced-colors"],
  ])("can be used with %s %s", async (value, name) => {
    await emulate({ name, value });
    for (const width of [320, 760]) expect(faultsIn(await mount(script, width)), `${width}`).toEqual([]);
  });

  it.each([420, 560, 760])("can be used with text of twice the size at a width of %i pixels", async (width) => {
    document.documentElement.style.fontSize = "200%";
    expect(faultsIn(await mount(script, width))).toEqual([]);
  });

  it("has text that follows the size of the browser's text", async () => {
    const sizes = async (size: string) => {
      document.documentElement.style.fontSize = size;
      const view = await mount(script, 760);
      return [...view.querySelectorAll<HTMLElement>(".rtc-widget, .rtc-widget *")]
        .filter((one) => isShown(one) && [...one.childNodes].some(({ nodeType }) => nodeType === Node.TEXT_NODE))
        .map((one) => Number.parseFloat(getComputedStyle(one).fontSize));
    };
    const [normal, large] = [await sizes(""), await sizes("200%")];
    expect(large.length).toBeGreaterThan(1);
    expect(Math.min(...large)).toBeGreaterThanOrEqual(2 * Math.min(...normal) - 0.1);
  });
});

describe("a zoom of 200 %", () => {
  afterEach(() => send("Emulation.clearDeviceMetricsOverride"));

  it.each(Object.entries(STATES))("leaves the state %s usable", async (_, script) => {
    await send("Emulation.setDeviceMetricsOverride", { width: 0, height: 0, deviceScaleFactor: 2, mobile: false });
    expect(devicePixelRatio).toBe(2);
    for (const width of [640, 380]) expect(faultsIn(await mount(script, width)), `${width}`).toEqual([]);
  });
});

describe("a text size that changes while the widget is shown", () => {
  it("leaves the text box as high as its line", async () => {
    const view = await mount(STATES.Connected as Script, 560);
    const box = view.querySelector<HTMLElement>(".rtc-draft");
    if (!box) throw new Error("There is no text box");
    document.documentElement.style.fontSize = "200%";
    expect(box.clientHeight).toBeGreaterThanOrEqual(1.5 * Number.parseFloat(getComputedStyle(box).fontSize) + 12);
  });
});

describe("in an output of JupyterLab", () => {
  it("links are underlined, and code is not broken within words", async () => {
    const view = await mount(STATES.Markdown as Script, 420);
    const style = (selector: string) => getComputedStyle(view.querySelector(selector) ?? view);
    expect(style(".rtc-turn-text a").textDecorationLine).toBe("underline");
    expect(style(".rtc-turn-text pre")).toMatchObject({ wordBreak: "normal", whiteSpace: "pre" });
  });

  it("the JSON of a function call stands on a ground of its own", async () => {
    const view = await mount(STATES["Tools, one open"] as Script, 420);
    const boxes = [...view.querySelectorAll(".rtc-tool-json")];
    expect(boxes).toHaveLength(2);
    for (const box of boxes) expect(getComputedStyle(box).backgroundColor).not.toBe("rgba(0, 0, 0, 0)");
  });
});
