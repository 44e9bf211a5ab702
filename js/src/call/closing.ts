/** Calls that have ended on this page, while the server still closes their sessions and sends what it has left. */

import type { Direction } from "../comm/protocol";
import { pageError } from "../errors";
import type { VoiceProtocol } from "../protocols/base";
import type { Attempt } from "./attempt";
import type { PeerStates } from "./peer";

/** As long as the service's samples wait. */
const CLOSE_LIMIT_MS = 15_000;

export class ClosingCalls {
  readonly #onEvent: (attempt: string, direction: Direction, text: string) => void;
  readonly #closing = new Map<
    Attempt,
    { readonly protocol: VoiceProtocol; readonly timer: ReturnType<typeof setTimeout> }
  >();

  constructor(onEvent: (attempt: string, direction: Direction, text: string) => void) {
    this.#onEvent = onEvent;
  }

  /** Asks the server to close the session of a connected call; false where the call must be ended at once. */
  begin(attempt: Attempt, protocol: VoiceProtocol): boolean {
    const texts = protocol.closeSession();
    if (texts.length === 0 || attempt.isSessionOver || !attempt.peer) return false;
    try {
      for (const text of texts) attempt.peer.send(text);
    } catch {
      return false; // the channel has just been closed
    }
    for (const text of texts) this.#onEvent(attempt.id, "sent", text);
    const timer = setTimeout(() => this.#end(attempt), CLOSE_LIMIT_MS);
    this.#closing.set(attempt, { protocol, timer });
    attempt.retire().catch(() => {}); // an ended track is silent as well
    return true;
  }

  onMessage(attempt: Attempt, text: string): void {
    const closing = this.#closing.get(attempt);
    if (!closing) return;
    this.#onEvent(attempt.id, "received", text);
    if (closing.protocol.isSessionEnd(text)) this.#end(attempt);
  }

  onStates(attempt: Attempt, { connection_state, data_channel_state }: PeerStates): void {
    if (connection_state !== "connected" || data_channel_state !== "open") this.#end(attempt);
  }

  /** The page goes away. */
  endAll(): void {
    for (const attempt of this.#closing.keys()) this.#end(attempt);
  }

  #end(attempt: Attempt): void {
    const closing = this.#closing.get(attempt);
    if (!closing) return;
    clearTimeout(closing.timer);
    this.#closing.delete(attempt);
    attempt.end(pageError("cancelled"));
  }
}
