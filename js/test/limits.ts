/** How long a test waits for something that must happen: only a hang takes as long, on a machine under any load. */

import { vi } from "vitest";

/** In milliseconds; `testTimeout` in vitest.config.mjs is longer, so that the awaited condition is reported. */
const HANGS = 60_000;

const waitFor = vi.waitFor;
vi.waitFor = (callback, options) => {
  const { timeout = 0, ...others } = typeof options === "number" ? { timeout: options } : (options ?? {});
  return waitFor(callback, { ...others, timeout: Math.max(timeout, HANGS) });
};
