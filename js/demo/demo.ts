/**
 * Shows every state of the interface on one sheet, without a kernel.
 *
 * `?theme=dark` or `light`, `?column=320` (the width of a column in pixels) and `?state=Muted` choose what is shown.
 */

import { showState } from "./show_state";
import { STATES } from "./states";

const wanted = new URLSearchParams(location.search);
document.documentElement.dataset.theme = wanted.get("theme") ?? "light";
const column = Number(wanted.get("column"));
if (column > 0) document.documentElement.style.setProperty("--column", `${column}px`);

const sheet = document.querySelector("#sheet");
const shown: Promise<unknown>[] = [];
for (const [name, script] of Object.entries(STATES)) {
  const only = wanted.get("state");
  if (only !== null && only !== name) continue;
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const view = document.createElement("div");
  caption.textContent = name;
  figure.dataset.state = name;
  figure.append(caption, view);
  sheet?.append(figure);
  shown.push(showState(view, script));
}
// `scripts/pictures` waits for it.
void Promise.all(shown).then(() => Object.assign(globalThis, { sheetIsShown: true }));

// While `npm run dev` watches, esbuild tells the page when to load again.
if (location.hostname === "localhost" || location.hostname === "127.0.0.1") {
  new EventSource("/esbuild").addEventListener("change", () => location.reload());
}
