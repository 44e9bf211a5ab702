/** Names of the W3C: camelCase in the browser, snake_case in Python. */

import type { JsonObject } from "../json";

/** Returns options with the browser's names; one that is null counts as absent, where the browser would read a zero. */
export function camelCase(options: JsonObject): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => [name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), value]),
  );
}
