/** The clock of every time the page tells: milliseconds since 1970, never going back. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
