/** States of the demo in the document, until the end of the test. */

import { afterEach } from "vitest";
import "../../src/ui/styles/index.css";
import type { Script } from "../../demo/scripted_store";
import { showState } from "../../demo/show_state";

const views: (() => void)[] = [];
afterEach(() => {
  for (const unmount of views.splice(0)) unmount();
  document.body.replaceChildren();
});

/** Shows a state in an element of this style, inside `parent` or the document. */
export async function show(script: Script, style = "", parent: Element = document.body): Promise<HTMLElement> {
  const element = document.createElement("div");
  element.style.cssText = style;
  parent.append(element);
  views.push(await showState(element, script));
  return element;
}
