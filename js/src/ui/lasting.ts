/** Keeps what only flashes off the screen. */

import { useEffect, useRef, useState } from "preact/hooks";

/** Returns the value before this one while this one is passing, until it has lasted for so many milliseconds. */
export function useLasting<T>(value: T, isPassing: boolean, delayMs: number): T {
  const earlier = useRef(value);
  const [lasts, setLasts] = useState(false);
  useEffect(() => {
    setLasts(false);
    if (!isPassing) return;
    const timer = setTimeout(() => setLasts(true), delayMs);
    return () => clearTimeout(timer);
  }, [isPassing, delayMs]);
  if (!isPassing || lasts) earlier.current = value;
  return earlier.current;
}
