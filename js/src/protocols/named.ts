/** The wire protocols that this page knows, by the names that the kernel uses in `settings.protocol`. */

import { pageError } from "../errors";
import type { VoiceProtocol } from "./base";
import { LIVE } from "./live/protocol";
import { REALTIME } from "./realtime/protocol";

const PROTOCOLS: ReadonlyMap<string, VoiceProtocol> = new Map(
  [REALTIME, LIVE].map((protocol) => [protocol.name, protocol]),
);

/** Returns the protocol of that name; throws `protocol_mismatch` where the kernel knows one that this page does not. */
export function protocolNamed(name: string): VoiceProtocol {
  const protocol = PROTOCOLS.get(name);
  if (protocol) return protocol;
  const known = [...PROTOCOLS.keys()].join(", ");
  throw pageError("protocol_mismatch", {
    message: `The wire protocol must be one that this page knows (${known}), got ${JSON.stringify(name)}.`,
  });
}

/**
 * Returns the protocol by which a page reads events. Where it does not know the kernel's protocol it makes no call, but
 * it still lists the events of another page's call; then any reader will do.
 */
export function protocolOrDefault(name: string): VoiceProtocol {
  return PROTOCOLS.get(name) ?? REALTIME;
}
