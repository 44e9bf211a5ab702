/** Mounts a view of a scripted state. */

import { mountView } from "../src/ui/view";
import { openPanel } from "./open_panel";
import { type Script, scriptedStore } from "./scripted_store";

/** Resolves with a function that removes the view when the state is shown, with its tab of the panel open. */
export async function showState(element: HTMLElement, { tab, ...script }: Script): Promise<() => void> {
  const unmount = mountView(element, scriptedStore(script));
  if (tab !== undefined) await openPanel(element, { tab });
  return unmount;
}
