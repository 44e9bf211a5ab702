/** What was said before this page was there: asked of the kernel, piece by piece. */

import type { Bridge } from "./bridge";
import { decodeRecollection, type Recollection } from "./protocol";

/** A kernel that is busy for longer answers the next page. */
const RECALL_LIMIT_MS = 600_000;

export async function recallAll(
  bridge: Bridge,
  take: (piece: Recollection) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let first: number | null = 0; first !== null; ) {
    const result = await bridge.request(
      { type: "recall", first },
      { signal, limitMs: RECALL_LIMIT_MS, isPatient: true },
    );
    const piece = decodeRecollection(result);
    take(piece);
    first = piece.next;
  }
}
