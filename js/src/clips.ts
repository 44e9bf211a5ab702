/** Clips of the kernel that are to be spoken, fetched part by part. */

import type { Bridge } from "./bridge";
import { pageError } from "./errors";
import { fromBase64 } from "./pcm";
import { decodeClipPart } from "./protocol";

const PART_LIMIT_MS = 10_000;

export interface Clip {
  readonly id: string;
  readonly rate: number;
  readonly parts: readonly Int16Array[];
}

export async function fetchClip(bridge: Bridge, id: string, signal: AbortSignal): Promise<Clip> {
  const parts: Int16Array[] = [];
  let rate = 0;
  for (let first: number | null = 0; first !== null; ) {
    const result = await bridge.request({ type: "clip", clip: id, first }, { signal, limitMs: PART_LIMIT_MS });
    const part = decodeClipPart(result);
    if (!part) throw pageError("unexpected", { message: "The kernel's reply holds no part of a clip." });
    parts.push(fromBase64(part.data));
    rate = part.rate;
    first = part.next;
  }
  return { id, rate, parts };
}
