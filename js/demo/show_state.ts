/** Mounts a view of a scripted state. */

import { mountView } from "../src/ui/view";
import { type Script, scriptedStore } from "./scripted_store";

/** Resolves with a function that removes the view when the state is shown, with its tab of the panel open. */
export async function showState(element: HTMLElement, { tab, clicks, ...script }: Script): Promise<() => void> {
  const unmount = mountView(element, scriptedStore(script));
  if (tab === undefined) await clickOn(element, clicks ?? []);
  else await openPanel(element, tab, clicks);
  return unmount;
}

/** Opens the panel of a view at a tab, and clicks on what the selectors find, one after the other. */
export async function openPanel(view: HTMLElement, tab: string, clicks: readonly string[] = []): Promise<void> {
  await clickOn(view, [".rtc-panel > summary", `[data-tab="${tab}"]`, ...clicks]);
  await found(view, `[data-tab-panel="${tab}"]`);
}

async function clickOn(view: HTMLElement, selectors: readonly string[]): Promise<void> {
  for (const selector of selectors) {
    (await found(view, selector)).click();
    // What the click changes is rendered in the next task.
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** Resolves when the element has such a part. */
function found(element: HTMLElement, selector: string): Promise<HTMLElement> {
  return new Promise((resolve) => {
    const look = () => {
      const part = element.querySelector<HTMLElement>(selector);
      if (part) {
        observer.disconnect();
        resolve(part);
      }
    };
    const observer = new MutationObserver(look);
    observer.observe(element, { childList: true, subtree: true });
    look();
  });
}
