/** When the last call of this page began and ended; a call that replaces a lost connection continues its time. */

import { now } from "../page";

export interface CallTimes {
  /** When it was established, on the page's time base; undefined before the first call. */
  readonly startMs: number | undefined;
  /** Undefined while it goes on. */
  readonly endMs: number | undefined;
  readonly attempts: readonly string[];
}

export const NO_CALL: CallTimes = { startMs: undefined, endMs: undefined, attempts: [] };

export function withCall(before: CallTimes, attempt: string, atMs = now()): CallTimes {
  const goesOn = before.startMs !== undefined && before.endMs === undefined;
  return goesOn
    ? { ...before, attempts: [...before.attempts, attempt] }
    : { startMs: atMs, endMs: undefined, attempts: [attempt] };
}

export function withEnd(before: CallTimes, atMs = now()): CallTimes {
  return before.startMs === undefined || before.endMs !== undefined ? before : { ...before, endMs: atMs };
}
