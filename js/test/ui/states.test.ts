import { afterEach, describe, expect, it } from "vitest";
import "../../src/ui/styles/index.css";
import { showState } from "../../demo/show_state";
import { STATES } from "../../demo/states";

const views: (() => void)[] = [];
afterEach(() => {
  for (const unmount of views.splice(0)) unmount();
  document.body.replaceChildren();
});

async function mount(script: (typeof STATES)[string], width: number): Promise<HTMLElement> {
  const element = document.createElement("div");
  element.style.width = `${width}px`;
  document.body.append(element);
  views.push(await showState(element, script));
  return element;
}

/** The colours of JupyterLab's two themes, as far as the styles use them. */
const THEMES = {
  light: {
    "--jp-layout-color1": "white",
    "--jp-layout-color2": "#eee",
    "--jp-border-color2": "#e0e0e0",
    "--jp-ui-font-color1": "rgba(0, 0, 0, 0.87)",
    "--jp-ui-font-color2": "rgba(0, 0, 0, 0.54)",
    "--jp-ui-inverse-font-color1": "white",
    "--jp-brand-color1": "#1976d2",
    "--jp-success-color1": "#388e3c",
    "--jp-warn-color1": "#f57c00",
    "--jp-error-color1": "#d32f2f",
  },
  dark: {
    "--jp-layout-color1": "#212121",
    "--jp-layout-color2": "#424242",
    "--jp-border-color2": "#616161",
    "--jp-ui-font-color1": "rgba(255, 255, 255, 0.87)",
    "--jp-ui-font-color2": "rgba(255, 255, 255, 0.54)",
    "--jp-ui-inverse-font-color1": "rgba(0, 0, 0, 0.87)",
    "--jp-brand-color1": "#2196f3",
    "--jp-success-color1": "#4caf50",
    "--jp-warn-color1": "#ff9800",
    "--jp-error-color1": "#f44336",
  },
};

type Color = readonly [red: number, green: number, blue: number, alpha: number];

/** Reads a computed colour of any syntax by painting it. */
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
function colorOf(text: string): Color {
  if (!canvas) throw new Error("There is no canvas");
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = text;
  canvas.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, alpha / 255];
}

function over([r, g, b, a]: Color, [r0, g0, b0]: Color): Color {
  const mix = (front: number, back: number) => front * a + back * (1 - a);
  return [mix(r, r0), mix(g, g0), mix(b, b0), 1];
}

/** WCAG 2.2, relative luminance. */
function luminance([red, green, blue]: Color): number {
  const [r = 0, g = 0, b = 0] = [red, green, blue]
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrastOf(element: HTMLElement): number {
  const behind: Color[] = [];
  for (let one: HTMLElement | null = element; one; one = one.parentElement) {
    behind.unshift(colorOf(getComputedStyle(one).backgroundColor));
  }
  const back = behind.reduce((below, color) => over(color, below), [255, 255, 255, 1] as Color);
  const [dark = 0, light = 0] = [back, over(colorOf(getComputedStyle(element).color), back)]
    .map(luminance)
    .sort((one, other) => one - other);
  return (light + 0.05) / (dark + 0.05);
}

describe.each(Object.entries(STATES))("the state %s", (_, script) => {
  it.each([320, 560, 760])("has a headline, and fits a width of %i pixels", async (width) => {
    const element = await mount(script, width);
    expect(element.querySelector(".rtc-connection")?.textContent).not.toBe("");
    const { right } = element.getBoundingClientRect();
    const parts = element.querySelectorAll(
      "button, input, textarea, select, summary, p, svg, td, .rtc-turn, .rtc-connection, .rtc-details",
    );
    for (const one of parts) expect(one.getBoundingClientRect().right, one.outerHTML).toBeLessThanOrEqual(right + 0.5);
  });

  it("has buttons that do not cover its words", async () => {
    for (const width of [320, 420, 560, 640, 690, 760]) {
      const element = await mount(script, width);
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

  it("has words that can be read: a contrast of 4.5 in both themes", async () => {
    for (const theme of Object.keys(THEMES) as (keyof typeof THEMES)[]) {
      const element = await mount(script, 760);
      for (const [name, color] of Object.entries(THEMES[theme])) element.style.setProperty(name, color);
      for (const one of element.querySelectorAll<HTMLElement>(".rtc-widget *")) {
        const hasWords = [...one.childNodes].some(
          (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim(),
        );
        if (!hasWords || one.closest(":disabled, .rtc-unheard, option") || one.getClientRects().length === 0) continue;
        expect(contrastOf(one), `${theme}: ${one.outerHTML.slice(0, 200)}`).toBeGreaterThanOrEqual(4.5);
      }
    }
  });

  it("names every button, and every field", async () => {
    const element = await mount(script, 420);
    for (const one of element.querySelectorAll<HTMLInputElement>("button, input, textarea, select")) {
      const name = one.ariaLabel || one.labels?.[0]?.textContent || one.textContent?.trim();
      expect(name, one.outerHTML).toBeTruthy();
    }
  });
});
