/** One try at a call, from the first click to the open data channel, and everything it has opened on the way. */

import { abortable, within } from "./abortable";
import type { Bridge } from "./bridge";
import { NO_TRAIL, type Trail } from "./diagnosis";
import { pageError, type RtcWidgetError } from "./errors";
import { farewellIn } from "./farewell";
import type { Microphone } from "./microphone";
import { exchangeHere } from "./own_exchange";
import { Peer, type PeerListener } from "./peer";
import { decodePass, decodePreparation, isText } from "./protocol";
import { randomId } from "./random_id";

/** A local server may be loading its models; the kernel says meanwhile what it waits for. */
const PREPARE_LIMIT_MS = 90_000;
const EXCHANGE_LIMIT_MS = 45_000;

export interface AttemptListener extends PeerListener {
  /** The microphone is open and about to be used, or could not be opened. */
  onMicrophone(outcome: { track: MediaStreamTrack } | { error: unknown }): void;
}

export interface AttemptOptions {
  /** False: text and listening only. */
  readonly microphone: boolean;
  readonly exchange: "kernel" | "browser";
}

/** Lives until `end`; everything it opened ends with it, also what arrives later. */
export class Attempt {
  /** Unique over all pages: the kernel knows calls by it. */
  readonly id = randomId("a");
  readonly #bridge: Bridge;
  readonly #microphone: Microphone;
  readonly #listener: AttemptListener;
  readonly #options: AttemptOptions;
  readonly #life = new AbortController();
  #switching: Promise<unknown> = Promise.resolve();
  #peer: Peer | undefined;
  #hasAskedServer = false;
  #farewell: RtcWidgetError | undefined;
  #trail: Trail = NO_TRAIL;

  constructor(bridge: Bridge, microphone: Microphone, listener: AttemptListener, options: AttemptOptions) {
    this.#bridge = bridge;
    this.#microphone = microphone;
    this.#listener = listener;
    this.#options = options;
  }

  get hasMicrophone(): boolean {
    return this.#options.microphone;
  }

  /** Why the server ended the call, where it said so. */
  get farewell(): RtcWidgetError | undefined {
    return this.#farewell;
  }

  /** How far it has come. */
  get trail(): Trail {
    return this.#life.signal.aborted ? this.#trail : { ...this.#trail, peer: this.#peer?.facts };
  }

  noteEvent(text: string): void {
    this.#farewell ??= farewellIn(text);
  }

  get peer(): Peer | undefined {
    return this.#peer;
  }

  /** Makes the call; resolves when the data channel is open, rejects with what went wrong or with the reason of `end`. */
  async make(limitMs?: number): Promise<void> {
    if (limitMs === undefined) return this.#make();
    return within(limitMs, this.#make(), () => {
      throw pageError("channel_timeout", { message: `No connection within ${limitMs / 1_000} s.` });
    });
  }

  /** Speaks through the microphone that is chosen now: the new one is opened and put in place before the old one stops. */
  async switchMicrophone(): Promise<void> {
    const peer = this.#peer;
    if (!peer || !this.hasMicrophone) return;
    const { signal } = this.#life;
    // One after the other: two hurried choices must not leave the earlier one in place.
    const switched = this.#switching.then(async () => {
      const before = this.#microphone.track;
      const track = await abortable(this.#microphone.open(signal), signal);
      await abortable(peer.speakWith(track), signal);
      before?.stop();
      this.#keepTrackAlive(track);
    });
    this.#switching = switched.catch(() => {});
    return switched;
  }

  async #make(): Promise<void> {
    const { signal } = this.#life;
    // The microphone is asked for first and synchronously: browsers want that inside the click.
    const [track, { peer, offer }] = await Promise.all([this.#openMicrophone(), this.#prepareOffer()]);
    const sdp = await peer.offerWith(track, offer, signal);
    signal.throwIfAborted();
    const answer = await this.#exchange(sdp);
    this.#trail = { ...this.#trail, answered: true };
    await abortable(peer.accept(answer), signal);
    await peer.opened(signal);
  }

  /** Ends it in the order that leaves no loose end: channel, connection, microphone, the call on the server. */
  end(reason: RtcWidgetError): void {
    if (this.#life.signal.aborted) return;
    this.#trail = this.trail;
    this.#peer?.close();
    this.#life.abort(reason);
    this.#hangUp();
  }

  async #openMicrophone(): Promise<MediaStreamTrack | null> {
    this.#trail = { ...this.#trail, microphone: this.hasMicrophone ? "waiting" : "none" };
    if (!this.hasMicrophone) return null;
    const { signal } = this.#life;
    try {
      const track = await abortable(this.#microphone.open(signal), signal);
      this.#trail = { ...this.#trail, microphone: "open" };
      this.#listener.onMicrophone({ track });
      this.#keepTrackAlive(track);
      return track;
    } catch (error) {
      this.#trail = { ...this.#trail, microphone: "failed" };
      if (!signal.aborted) this.#listener.onMicrophone({ error });
      throw error;
    }
  }

  /** A microphone that is unplugged during the call ends its track; another one takes its place if there is one. */
  #keepTrackAlive(track: MediaStreamTrack): void {
    const replace = () => void this.switchMicrophone().catch((error) => this.#listener.onMicrophone({ error }));
    track.addEventListener("ended", replace, { signal: this.#life.signal, once: true });
  }

  async #prepareOffer(): Promise<{ peer: Peer; offer: RTCSessionDescriptionInit }> {
    const { signal } = this.#life;
    const request = { type: "prepare", attempt: this.id } as const;
    const result = await this.#bridge.request(request, { signal, limitMs: PREPARE_LIMIT_MS });
    const peer = new Peer(decodePreparation(result), this.#options.microphone, this.#listener);
    this.#peer = peer;
    this.#trail = { ...this.#trail, prepared: true };
    this.#listener.onStates(peer.states);
    return { peer, offer: await abortable(peer.createOffer(), signal) };
  }

  async #exchange(offer: string): Promise<string> {
    const { signal } = this.#life;
    this.#hasAskedServer = true;
    if (this.#options.exchange === "browser") return this.#exchangeHere(offer);
    const { sdp } = await this.#bridge.request(
      { type: "exchange", attempt: this.id, sdp: offer },
      // An answer that comes too late means a call on the server that nobody holds: the first hang-up may have been too early for it.
      { signal, limitMs: EXCHANGE_LIMIT_MS, onLateReply: () => this.#hangUp() },
    );
    if (!isText(sdp)) throw pageError("answer_invalid", { message: "The kernel's reply holds no answer." });
    return sdp;
  }

  async #exchangeHere(offer: string): Promise<string> {
    const { signal } = this.#life;
    const attempt = this.id;
    const pass = decodePass(
      await this.#bridge.request({ type: "mint", attempt }, { signal, limitMs: EXCHANGE_LIMIT_MS }),
    );
    if (!pass) throw pageError("unexpected", { message: "The kernel's reply holds no secret." });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(EXCHANGE_LIMIT_MS)]);
    const { sdp, callId } = await exchangeHere(pass, offer, limit);
    // The kernel hangs up by the id, with its own key.
    this.#bridge.send({ type: "exchanged", attempt, call_id: callId });
    return sdp;
  }

  #hangUp(): void {
    if (this.#hasAskedServer) this.#bridge.send({ type: "hang_up", attempt: this.id });
  }
}
