/** Opens the panel of a view, as a person would. */

import { nextFrame } from "../src/async";
import type { PanelState } from "./states";

export async function openPanel(view: HTMLElement, { tab, clicks = [] }: Omit<PanelState, "script">): Promise<void> {
  for (const selector of [".rtc-panel > summary", `[data-tab="${tab}"]`, ...clicks]) {
    (await shown(view, selector)).click();
  }
  await shown(view, `[data-tab-panel="${tab}"]`);
}

async function shown(view: HTMLElement, selector: string): Promise<HTMLElement> {
  for (;;) {
    const found = view.querySelector<HTMLElement>(selector);
    if (found) return found;
    await new Promise<void>((resolve) => {
      nextFrame(resolve);
    });
  }
}
