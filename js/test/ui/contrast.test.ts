import { beforeEach, describe, expect, it } from "vitest";
import { STATES } from "../../demo/states";
import { applyTheme, contrastAround, contrastOn, THEMES } from "./contrast";
import { emulate } from "./emulation";
import { show } from "./shown";

// What fades in and out would be measured at any moment.
beforeEach(() => emulate({ name: "prefers-reduced-motion", value: "reduce" }));

/** WCAG 2.2, 1.4.3 and 1.4.11. */
const TEXT = 4.5;
const CONTROL = 3;

async function mount(script: (typeof STATES)[string], theme: keyof typeof THEMES): Promise<HTMLElement[]> {
  const page = document.createElement("div");
  applyTheme(page, theme);
  document.body.append(page);
  const element = await show(script, "width: 760px", page);
  const parts = [...element.querySelectorAll<HTMLElement>(".rtc-widget *")];
  return parts.filter((one) => one.getClientRects().length > 0 && !one.closest(":disabled, option"));
}

const hasWords = (one: HTMLElement) =>
  [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
const nameOf = (one: Element) => one.outerHTML.slice(0, 120);

/** The parts whose contrast is too low, each with what was measured. */
function faults<Part extends Element>(parts: readonly Part[], least: number, measure: (one: Part) => number): string[] {
  return parts.flatMap((one) => {
    const contrast = measure(one);
    return contrast < least ? [`${contrast.toFixed(2)} ${nameOf(one)}`] : [];
  });
}

/** The first text of `content` of a pseudo-element; undefined where it shows none. */
function drawnText(one: HTMLElement, pseudo: string): string | undefined {
  return /^"(.*\S.*)"/.exec(getComputedStyle(one, pseudo).content)?.[1];
}

describe.each(Object.keys(THEMES) as (keyof typeof THEMES)[])("in the %s theme", (theme) => {
  describe.each(Object.entries(STATES))("the state %s", (_, script) => {
    it("has words that can be read", async () => {
      const parts = await mount(script, theme);
      const words = parts.filter(hasWords);
      expect(words.length).toBeGreaterThan(0);
      expect(faults(words, TEXT, (one) => contrastOn(one, getComputedStyle(one).color))).toEqual([]);
      for (const pseudo of ["::before", "::after"]) {
        const drawn = parts.filter((one) => drawnText(one, pseudo) !== undefined);
        expect(faults(drawn, TEXT, (one) => contrastOn(one, getComputedStyle(one, pseudo).color))).toEqual([]);
      }
      const fields = parts.filter((one) => one.matches("input[type=text], input[type=search], select, textarea"));
      expect(faults(fields, TEXT, (one) => contrastOn(one, getComputedStyle(one).color))).toEqual([]);
      const empty = fields.filter((one) => one.getAttribute("placeholder"));
      expect(faults(empty, TEXT, (one) => contrastOn(one, getComputedStyle(one, "::placeholder").color))).toEqual([]);
    });

    it("has controls and signs that can be seen", async () => {
      const parts = await mount(script, theme);
      const style = (one: Element) => getComputedStyle(one);
      const has = (color: string) => !/^(transparent|rgba\(0, 0, 0, 0\))$/.test(color);
      const controls = parts.filter((one) => one.matches(".rtc-button, input:not([type=checkbox]), select, textarea"));
      expect(controls.length).toBeGreaterThan(0);
      const filled = controls.filter((one) => one.matches(".rtc-primary"));
      expect(faults(filled, CONTROL, (one) => contrastAround(one, style(one).backgroundColor))).toEqual([]);
      const framed = controls.filter((one) => !filled.includes(one) && has(style(one).borderTopColor));
      expect(faults(framed, CONTROL, (one) => contrastAround(one, style(one).borderTopColor))).toEqual([]);
      // What has neither has an icon or words.
      for (const one of controls)
        expect(
          filled.includes(one) || framed.includes(one) || one.textContent || one.querySelector("svg"),
          nameOf(one),
        ).toBeTruthy();
      const icons = parts.filter((one) => one.matches("svg.rtc-icon"));
      expect(faults(icons, CONTROL, (one) => contrastOn(one, style(one).stroke))).toEqual([]);
      const signs = parts.filter((one) => one.matches(".rtc-dot, .rtc-speaking > i, .rtc-level > i"));
      const signColor = (one: Element) =>
        has(style(one).backgroundColor) ? style(one).backgroundColor : style(one).borderTopColor;
      expect(faults(signs, CONTROL, (one) => contrastAround(one, signColor(one)))).toEqual([]);
      const marks = parts.filter((one) => one.matches(".rtc-tool > summary"));
      expect(
        faults(marks, CONTROL, (one) => contrastOn(one, getComputedStyle(one, "::before").backgroundColor)),
      ).toEqual([]);
      const lines = parts.filter((one) => one.matches(".rtc-sparkline"));
      expect(faults(lines, CONTROL, (one) => contrastOn(one, style(one.querySelector("path") ?? one).stroke))).toEqual(
        [],
      );
      const tabs = parts.filter((one) => one.matches("[role=tab][aria-selected=true]"));
      expect(faults(tabs, CONTROL, (one) => contrastAround(one, style(one).borderBottomColor))).toEqual([]);
    });

    it("shows which control has the focus", async () => {
      const parts = await mount(script, theme);
      const controls = parts.filter((one) => one.matches("button, input, select, textarea, summary, a[href]"));
      for (const one of controls) {
        one.focus({ preventScroll: true, focusVisible: true } as FocusOptions);
        expect(one.matches(":focus-visible"), nameOf(one)).toBe(true);
        const { outlineStyle, outlineColor } = getComputedStyle(one);
        expect(outlineStyle, nameOf(one)).not.toBe("none");
        // The ring of the browser itself has two colours.
        if (outlineStyle !== "auto")
          expect(contrastAround(one, outlineColor), nameOf(one)).toBeGreaterThanOrEqual(CONTROL);
      }
    });
  });
});
