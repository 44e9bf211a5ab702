/** Whether somebody can see an element: what is hidden or scrolled away costs no time. */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** Calls `begin` whenever the element comes into sight, and what `begin` returned when it is out of sight again. */
export function useWhileVisible(element: RefObject<Element | null>, begin: () => () => void): void {
  useEffect(() => {
    if (!element.current) return;
    let end: (() => void) | undefined;
    let isOnScreen = false;
    const update = () => {
      const isVisible = isOnScreen && document.visibilityState === "visible";
      if (isVisible === (end !== undefined)) return;
      if (isVisible) end = begin();
      else {
        end?.();
        end = undefined;
      }
    };
    const observer = new IntersectionObserver((entries) => {
      isOnScreen = entries.at(-1)?.isIntersecting ?? false;
      update();
    });
    observer.observe(element.current);
    document.addEventListener("visibilitychange", update);
    return () => {
      observer.disconnect();
      document.removeEventListener("visibilitychange", update);
      end?.();
    };
  }, []);
}
