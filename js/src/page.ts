/** A random name for a page; `crypto.randomUUID` is absent on plain http, `getRandomValues` is not. */
export function randomId(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return prefix + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The clock of every time the page tells: milliseconds since 1970, never going back. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
