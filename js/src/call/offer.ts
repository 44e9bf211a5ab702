/** A connection with its offer, which may be made before the microphone is open. */

import { abortable } from "../async";
import type { Preparation } from "../comm/protocol";
import { Peer, type PeerListener } from "./peer";

export interface OfferOptions {
  readonly preparation: Preparation;
  /** Whether the kernel has confirmed the preparation for this attempt. */
  readonly isConfirmed: boolean;
  readonly direction: "sendrecv" | "recvonly";
  /** Whether the browser shows its addresses already, or none are needed. */
  readonly showsAddresses: boolean;
}

export class Offer {
  readonly preparation: Preparation;
  readonly isConfirmed: boolean;
  readonly peer: Peer;
  readonly #signal: AbortSignal;
  /** Undefined where the offer is made when it is set. */
  readonly #description: Promise<RTCSessionDescriptionInit> | undefined;
  #setting: Promise<string> | undefined;

  /** Makes the connection; throws what its constructor throws. */
  constructor(
    { preparation, isConfirmed, direction, showsAddresses }: OfferOptions,
    listener: PeerListener,
    signal: AbortSignal,
  ) {
    this.preparation = preparation;
    this.isConfirmed = isConfirmed;
    this.#signal = signal;
    this.peer = new Peer(preparation, direction, listener);
    // Without candidates in it, the offer need not wait for the microphone; then it is made and set in one step.
    const isSetNow = showsAddresses && !preparation.needsCandidates;
    this.#description = isSetNow ? undefined : abortable(this.peer.createOffer(), signal);
    this.#description?.catch(() => {}); // reported by `set`
    if (isSetNow) this.set().catch(() => {});
  }

  /** Sets the offer, once, and returns its SDP. */
  set(): Promise<string> {
    const signal = this.#signal;
    this.#setting ??= this.#description
      ? this.#description.then((description) => this.peer.setOffer(description, signal))
      : this.peer.setOffer(undefined, signal);
    return this.#setting;
  }
}
