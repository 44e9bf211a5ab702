/** What all calls have used, as the kernel adds it up. */

import { isRecord, isText } from "../json";

export interface UsageTotals {
  /** Tokens or seconds by kind, without zeros. */
  readonly amounts: Readonly<Record<string, number>>;
  /** By the price list of the kernel; null without one, and where a price is missing. */
  readonly cost: number | null;
  /** The names of the missing prices. */
  readonly unpriced: readonly string[];
}

export const NO_USAGE: UsageTotals = { amounts: {}, cost: null, unpriced: [] };

export function decodeUsageTotals(value: unknown): UsageTotals {
  if (!isRecord(value)) return NO_USAGE;
  const { amounts, cost, unpriced } = value;
  const entries = isRecord(amounts) ? Object.entries(amounts) : [];
  return {
    amounts: Object.fromEntries(entries.filter((entry): entry is [string, number] => typeof entry[1] === "number")),
    cost: typeof cost === "number" ? cost : null,
    unpriced: Array.isArray(unpriced) ? unpriced.filter(isText) : [],
  };
}
