/** Whether the data channel takes events. */

import { pageError, textOf } from "../errors";
import type { Peer } from "./peer";

/** What the data channel may hold: Chromium closes a channel that holds twice as much, and no server reads so fast. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;

/** Throws `message_too_large` or `send_queue_full` where it does not take all of them. */
export function requireSendable(
  texts: readonly string[],
  { maxMessageBytes: limit, bufferedBytes: waiting }: Peer,
): void {
  let total = 0;
  for (const text of texts) {
    const size = bytesOf(text);
    total += size;
    if (size > limit) throw pageError("message_too_large", { message: textOf("message_too_large", { size, limit }) });
  }
  if (waiting > 0 && waiting + total > MAX_BUFFERED_BYTES) {
    const message = textOf("send_queue_full", { waiting, limit: MAX_BUFFERED_BYTES });
    throw pageError("send_queue_full", { message });
  }
}

export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
