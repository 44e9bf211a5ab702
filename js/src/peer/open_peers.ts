/** How many peer connections one page may have open: browsers allow hundreds, and a loop in a cell would make them. */

import { tooManyPeers } from "./errors";

export const MAX_OPEN_PEERS = 8;

// Each widget loads its own instance of this module, so the page's count is kept where all of them find it.
const KEY = Symbol.for("rtc_widget.open_peers");
const page = globalThis as { [KEY]?: Set<string> };

/** Counts a peer connection until the signal is aborted; throws `too_many_peers`. */
export function countOpenPeer(id: string, signal: AbortSignal): void {
  page[KEY] ??= new Set();
  const open = page[KEY];
  if (open.size >= MAX_OPEN_PEERS) throw tooManyPeers(MAX_OPEN_PEERS);
  open.add(id);
  signal.addEventListener("abort", () => open.delete(id), { once: true });
}
