/** Opens a tab of the panel in a view of a test's widget. */

import { vi } from "vitest";

export function part<T extends Element = HTMLElement>(root: Element, selector: string): T {
  const found = root.querySelector<T>(selector);
  if (!found) throw new Error(`There is no ${selector}`);
  return found;
}

/** Resolves with the element of the tab's panel. */
export async function openTab(view: HTMLElement, name: string): Promise<HTMLElement> {
  part(view, ".rtc-panel > summary").click();
  await vi.waitFor(() => part(view, `[data-tab="${name}"]`));
  part(view, `[data-tab="${name}"]`).click();
  return vi.waitFor(() => part(view, `[data-tab-panel="${name}"]`));
}
