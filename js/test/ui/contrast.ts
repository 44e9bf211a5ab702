/** Measures contrast by effect: the computed colours, composited as the browser paints them. */

/** The colours of JupyterLab's two themes, as far as the styles use them. */
export const THEMES = {
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
} as const;

export function applyTheme(element: HTMLElement, theme: keyof typeof THEMES): void {
  for (const [name, color] of Object.entries(THEMES[theme])) element.style.setProperty(name, color);
}

type Color = readonly [red: number, green: number, blue: number, alpha: number];

/** Reads a computed colour of any syntax by painting it. */
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const known = new Map<string, Color>();
function colorOf(text: string): Color {
  const before = known.get(text);
  if (before) return before;
  if (!canvas) throw new Error("There is no canvas");
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = text;
  canvas.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data;
  const color: Color = [red, green, blue, alpha / 255];
  known.set(text, color);
  return color;
}

function over([r, g, b, a]: Color, [r0, g0, b0]: Color): Color {
  const mix = (front: number, back: number) => front * a + back * (1 - a);
  return [mix(r, r0), mix(g, g0), mix(b, b0), 1];
}

/** The relative luminance of WCAG 2.2. */
function luminance([red, green, blue]: Color): number {
  const [r = 0, g = 0, b = 0] = [red, green, blue]
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function ratio(one: Color, other: Color): number {
  const [dark = 0, light = 0] = [one, other].map(luminance).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** What stands on an element, and the ground under it, with the backgrounds and the opacity of all its ancestors. */
function painted(element: Element, front: Color): readonly [front: Color, ground: Color] {
  const chain: Element[] = [];
  for (let one: Element | null = element; one; one = one.parentElement) chain.unshift(one);
  const paint = (index: number, behind: Color): readonly [Color, Color] => {
    const one = chain[index];
    if (!one) return [over(front, behind), behind];
    const { backgroundColor, opacity } = getComputedStyle(one);
    const group = paint(index + 1, over(colorOf(backgroundColor), behind));
    const faded = ([r, g, b]: Color) => over([r, g, b, Number(opacity)], behind);
    return [faded(group[0]), faded(group[1])];
  };
  return paint(0, [255, 255, 255, 1]);
}

/** The contrast of a colour that stands on an element. */
export function contrastOn(element: Element, color: string): number {
  return ratio(...painted(element, colorOf(color)));
}

/** The contrast of an element's own ground, or its border, with what is around it. */
export function contrastAround(element: Element, color: string): number {
  const { parentElement: parent } = element;
  if (!parent) throw new Error("Nothing is around it");
  const { opacity } = getComputedStyle(element);
  const [r, g, b, a] = colorOf(color);
  return ratio(...painted(parent, [r, g, b, a * Number(opacity)]));
}
