/** Mounts a view of a scripted state. */

import { mountView } from "../src/ui/view";
import { type Script, scriptedStore } from "./scripted_store";

/** Resolves with a function that removes the view when the state is shown, with its tab of the panel open. */
export async function showState(element: HTMLElement, { tab, ...script }: Script): Promise<() => void> {
  const unmount = mountView(element, scriptedStore(script));
  if (tab !== undefined) {
    element.querySelector<HTMLElement>(".rtc-panel > summary")?.click();
    (await found(element, `[data-tab="${tab}"]`)).click();
    await found(element, `[data-tab-panel="${tab}"]`);
  }
  return unmount;
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
