/** Returns a random id; `crypto.randomUUID` does not exist on plain http, `getRandomValues` does. */
export function randomId(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return prefix + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The time base of the page: milliseconds since 1970 that never go back. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
