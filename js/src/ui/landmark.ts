/** Names and ids that are unique on the page: screen readers list views by their names, and labels refer to ids. */

import { useState } from "preact/hooks";
import { randomId } from "../page";

/** Each model has an instance of this module of its own, so the names are kept with the page. */
const NAMES = Symbol.for("rtc_widget.landmarks");
type Shared = { [NAMES]?: Set<string> };

export interface Landmark {
  /** Such as "Voice chat", "Voice chat 2". */
  readonly name: string;
  /** Gives the name back. */
  release(): void;
}

/** Takes the first name that no other view on this page has. */
export function takeLandmark(name: string): Landmark {
  const page = globalThis as Shared;
  const taken = page[NAMES] ?? new Set();
  page[NAMES] = taken;
  let own = name;
  for (let number = 2; taken.has(own); number++) own = `${name} ${number}`;
  taken.add(own);
  return { name: own, release: () => void taken.delete(own) };
}

/** Returns an id that is unique on the page; Preact's `useId` counts per instance of Preact. */
export function usePageId(): string {
  return useState(() => randomId("rtc-"))[0];
}
