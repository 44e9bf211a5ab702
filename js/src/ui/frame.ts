/** Values for views, at most once in a frame: a signal may change with each word. */

import type { ReadonlySignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

/** The signal's value as of the last frame. A page that is not displayed has no frames, and renders nothing. */
export function useFrameValue<T>(signal: ReadonlySignal<T>): T {
  const [value, setValue] = useState(() => signal.peek());
  useEffect(() => {
    let frame: number | undefined;
    const stop = signal.subscribe(() => {
      frame ??= requestAnimationFrame(() => {
        frame = undefined;
        setValue(() => signal.peek());
      });
    });
    return () => {
      stop();
      if (frame !== undefined) cancelAnimationFrame(frame);
    };
  }, [signal]);
  return value;
}
