/** A random name for a page; `crypto.randomUUID` is absent on plain http, `getRandomValues` is not. */
export function randomId(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return prefix + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
