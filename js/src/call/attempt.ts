/** One try at a call, from the first click to the open data channel, and everything it has opened on the way. */

import { abortable, within } from "../async";
import type { Bridge, Result } from "../comm/bridge";
import { type ClientSecret, decodeClientSecret, decodePreparation } from "../comm/protocol";
import { asRtcWidgetError, pageError, type RtcWidgetError } from "../errors";
import { isText, truncate } from "../json";
import { type Clip, ClipPlayer, fetchClip, type PlayedInterval } from "../media/clips";
import type { Microphone } from "../media/microphone";
import { randomId } from "../page";
import { protocolNamed } from "../protocols/named";
import type { Voice } from "../settings";
import { AudioSender } from "./audio_sender";
import { type AttemptProgress, NO_PROGRESS } from "./diagnosis";
import { Peer, type PeerListener } from "./peer";

/** A local server may be loading its models; the kernel says meanwhile what it waits for. */
const PREPARE_LIMIT_MS = 90_000;
const EXCHANGE_LIMIT_MS = 45_000;

export type MicrophoneChange =
  | { readonly is: "open" }
  /** It could not be opened, and the attempt ends. */
  | { readonly is: "refused"; readonly error: RtcWidgetError }
  /** It was unplugged and there is no other; the call goes on without, until one is plugged in or chosen. */
  | { readonly is: "lost"; readonly error: RtcWidgetError };

export interface AttemptListener extends PeerListener {
  onMicrophone(news: MicrophoneChange): void;
  /** Whether the browser is being asked for a microphone: it may be asking the person. */
  onAsking(asking: boolean): void;
  /** The clip in the microphone's place cannot be heard; the call goes on without. */
  onSilence(error: RtcWidgetError): void;
  /** This track is sent from now on; null: nothing is. */
  onSending(track: MediaStreamTrack | null): void;
}

export interface AttemptOptions {
  readonly microphone: Voice;
  /** The call goes on with an earlier one, in which a clip has been heard already. */
  readonly resumes: boolean;
  readonly exchange: "kernel" | "browser";
  /** Whether the kernel has a server to call. */
  readonly canCall: boolean;
  /** The name of the wire protocol. */
  readonly protocol: string;
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
  #restarting: Promise<unknown> = Promise.resolve();
  #renegotiates = false;
  #peer: Peer | undefined;
  #line: AudioSender | undefined;
  /** While the microphone is lost; ends when there is one again. */
  #missing: AbortController | undefined;
  readonly #hushed = new Map<string, AbortController>();
  #hasAskedServer = false;
  #endReason: RtcWidgetError | undefined;
  #trail: AttemptProgress = NO_PROGRESS;

  constructor(bridge: Bridge, microphone: Microphone, listener: AttemptListener, options: AttemptOptions) {
    this.#bridge = bridge;
    this.#microphone = microphone;
    this.#listener = listener;
    this.#options = options;
  }

  get hasMicrophone(): boolean {
    const { microphone } = this.#options;
    return microphone !== false && microphone !== "clips";
  }

  /** Why the server ends the call, where it has said so. */
  get endReason(): RtcWidgetError | undefined {
    return this.#endReason;
  }

  /** How far it has come. */
  get trail(): AttemptProgress {
    const trail = this.#life.signal.aborted ? this.#trail : { ...this.#trail, peer: this.#peer?.facts };
    return { ...trail, pairs: this.#peer?.candidatePairs.all ?? [] };
  }

  /** The server has announced the end of the call; the first reason counts. */
  expectEnd(reason: RtcWidgetError): void {
    this.#endReason ??= reason;
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

  /** Whether `restart` is possible. */
  get canRestart(): boolean {
    return this.#renegotiates;
  }

  /** Seeks a new way to the server for the same call; resolves when the server knows of it too. */
  async restart(): Promise<void> {
    // One after the other: an answer must not meet another offer than its own.
    const restarted = this.#restarting.then(() => this.#restart());
    this.#restarting = restarted.catch(() => {});
    return restarted;
  }

  async #restart(): Promise<void> {
    const peer = this.#peer;
    if (!peer) throw pageError("not_connected");
    const { signal } = this.#life;
    const sdp = await peer.restartOffer(signal);
    const request = { type: "renegotiate", attempt: this.id, sdp } as const;
    const result = await this.#bridge.request(request, { signal, limitMs: EXCHANGE_LIMIT_MS });
    await abortable(peer.accept(answerIn(result)), signal);
  }

  /** Whether another microphone can be put in place during this call. */
  get canSwitchMicrophone(): boolean {
    return this.#options.microphone === true;
  }

  /** Speaks through the microphone that is chosen now: the new one is opened and put in place before the old one stops. */
  async switchMicrophone(): Promise<void> {
    const line = this.#line;
    if (!line || !this.canSwitchMicrophone) return;
    const { signal } = this.#life;
    // One after the other: two hurried choices must not leave the earlier one in place.
    const switched = this.#switching.then(async () => {
      const before = this.#microphone.track;
      const track = await this.#askForMicrophone();
      await abortable(line.setMicrophone(track), signal);
      before?.stop();
      this.#missing?.abort();
      this.#missing = undefined;
      this.#listener.onMicrophone({ is: "open" });
      this.#keepTrackAlive(track);
    });
    this.#switching = switched.catch(() => {});
    return switched;
  }

  /** Lets a clip of the kernel speak in place of the microphone; resolves when it has been spoken. */
  async say(id: string): Promise<PlayedInterval> {
    const line = this.#line;
    if (!line) throw pageError("not_connected");
    const { signal } = this.#life;
    const hushed = new AbortController();
    this.#hushed.set(id, hushed);
    try {
      const clip = await fetchClip(this.#bridge, id, AbortSignal.any([signal, hushed.signal]));
      return await line.say(clip, hushed.signal);
    } catch (error) {
      throw signal.aborted ? pageError("clip_interrupted", { cause: error }) : error;
    } finally {
      this.#hushed.delete(id);
    }
  }

  /** Cuts a clip off that is being said; harmless when it is over. */
  hush(id: string): void {
    this.#hushed.get(id)?.abort(pageError("clip_interrupted", { message: "The clip was cut off." }));
  }

  async #make(): Promise<void> {
    const { signal } = this.#life;
    protocolNamed(this.#options.protocol); // throws before anything is opened
    // Do not open the microphone until a kernel has answered that has a server to call.
    if (!this.#bridge.isWelcomed) await this.#bridge.welcomed(signal, PREPARE_LIMIT_MS);
    const prepared = this.#prepareOffer();
    if (!this.#options.canCall) await prepared; // the kernel says what to do
    // Without waiting for the kernel: browsers want that inside the click.
    const [speakFirst, { peer, offer }] = await Promise.all([this.#openVoice(), prepared]);
    this.#line = new AudioSender(async (track) => {
      await peer.speakWith(track);
      this.#listener.onSending(track);
    }, signal);
    await abortable(this.#line.setMicrophone(speakFirst.track), signal);
    const sdp = await peer.fixOffer(offer, signal);
    signal.throwIfAborted();
    const answer = await this.#exchange(sdp);
    this.#trail = { ...this.#trail, answered: true };
    await abortable(peer.accept(answer), signal);
    await peer.opened(signal);
    speakFirst.begin();
  }

  /** Opens what is heard on this side: a microphone, a clip in its place, or nothing. */
  async #openVoice(): Promise<{ track: MediaStreamTrack | null; begin(): void }> {
    const { microphone, resumes } = this.#options;
    if (typeof microphone !== "object") {
      try {
        return { track: await this.#openMicrophone(), begin: () => {} };
      } catch (thrown) {
        const error = asRtcWidgetError(thrown);
        // A conversation that goes on is worth more than the microphone that was lost on the way (with the dock, and so the network).
        if (!resumes || error.code !== "microphone_not_found") throw error;
        return { track: null, begin: () => this.#missMicrophone(error) };
      }
    }
    this.#trail = { ...this.#trail, microphone: "none" };
    const { signal } = this.#life;
    const clip: Clip = await fetchClip(this.#bridge, microphone.clip, signal);
    signal.throwIfAborted();
    const voice = new ClipPlayer(signal);
    await voice.ready(signal);
    this.#microphone.adopt(voice.track);
    // Not before the other side can hear it, and not a second time when the call is made anew.
    const begin = () => {
      if (resumes) return;
      voice.speak(clip, signal).catch((error: unknown) => {
        if (!signal.aborted) this.#listener.onSilence(asRtcWidgetError(error));
      });
    };
    return { track: voice.track, begin };
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
      const track = await this.#askForMicrophone();
      this.#trail = { ...this.#trail, microphone: "open" };
      this.#listener.onMicrophone({ is: "open" });
      this.#keepTrackAlive(track);
      return track;
    } catch (error) {
      this.#trail = { ...this.#trail, microphone: "failed" };
      if (!signal.aborted) this.#listener.onMicrophone({ is: "refused", error: asRtcWidgetError(error) });
      throw error;
    }
  }

  async #askForMicrophone(): Promise<MediaStreamTrack> {
    const { signal } = this.#life;
    this.#listener.onAsking(true);
    try {
      return await abortable(this.#microphone.open(signal), signal);
    } finally {
      this.#listener.onAsking(false);
    }
  }

  /** A microphone that is unplugged during the call ends its track; another one takes its place if there is one. */
  #keepTrackAlive(track: MediaStreamTrack): void {
    const replace = () => {
      this.switchMicrophone().catch((error: unknown) => this.#missMicrophone(asRtcWidgetError(error)));
    };
    track.addEventListener("ended", replace, { signal: this.#life.signal, once: true });
  }

  /** Goes on without a microphone, and takes the next one that is plugged in. */
  #missMicrophone(error: RtcWidgetError): void {
    const { signal } = this.#life;
    // Another one may have been chosen meanwhile.
    if (signal.aborted || this.#missing || this.#microphone.track?.readyState === "live") return;
    this.#missing = new AbortController();
    this.#line?.sendSilence().catch(() => {}); // a dead track is as silent, only less honest
    const look = () => void this.switchMicrophone().catch(() => {}); // it is known that there is none
    const until = AbortSignal.any([signal, this.#missing.signal]);
    navigator.mediaDevices.addEventListener("devicechange", look, { signal: until });
    this.#listener.onMicrophone({ is: "lost", error });
  }

  async #prepareOffer(): Promise<{ peer: Peer; offer: RTCSessionDescriptionInit }> {
    const { signal } = this.#life;
    const request = { type: "prepare", attempt: this.id } as const;
    const result = await this.#bridge.request(request, { signal, limitMs: PREPARE_LIMIT_MS });
    signal.throwIfAborted();
    // A line on which a clip may be said must be there from the first offer on.
    const direction = this.#options.microphone === false ? "recvonly" : "sendrecv";
    const preparation = decodePreparation(result);
    const peer = new Peer(preparation, direction, this.#listener);
    this.#peer = peer;
    this.#renegotiates = preparation.renegotiates;
    this.#trail = { ...this.#trail, prepared: true };
    this.#listener.onStates(peer.states);
    return { peer, offer: await abortable(peer.createOffer(), signal) };
  }

  async #exchange(offer: string): Promise<string> {
    const { signal } = this.#life;
    this.#hasAskedServer = true;
    if (this.#options.exchange === "browser") return this.#postOffer(offer);
    const result = await this.#bridge.request(
      { type: "exchange", attempt: this.id, sdp: offer },
      // An answer that comes too late means a call on the server that nobody holds: the first hang-up may have been too early for it.
      { signal, limitMs: EXCHANGE_LIMIT_MS, onLateReply: () => this.#hangUp() },
    );
    return answerIn(result);
  }

  async #postOffer(offer: string): Promise<string> {
    const { signal } = this.#life;
    const attempt = this.id;
    const clientSecret = decodeClientSecret(
      await this.#bridge.request({ type: "create_client_secret", attempt }, { signal, limitMs: EXCHANGE_LIMIT_MS }),
    );
    if (!clientSecret) throw pageError("unexpected", { message: "The kernel's reply holds no secret." });
    // Not ended with the attempt: the server may have made the call by then, and only the answer tells its id.
    const posted = postOffer(clientSecret, offer, AbortSignal.timeout(EXCHANGE_LIMIT_MS));
    const told = posted.then(({ sdp, callId }) => {
      // The kernel hangs up by the id, with its own key; at once where the attempt is over, and be it with the widget.
      this.#bridge.sendLast({ type: "exchanged", attempt, call_id: callId });
      return sdp;
    });
    return abortable(told, signal);
  }

  #hangUp(): void {
    if (this.#hasAskedServer) this.#bridge.send({ type: "hang_up", attempt: this.id });
  }
}

function answerIn({ sdp }: Result): string {
  if (!isText(sdp)) throw pageError("invalid_answer", { message: "The kernel's reply holds no answer." });
  return sdp;
}

/** The exchange made by the page itself, with a short-lived secret that the kernel has minted; the key stays with the kernel. */

export interface OwnAnswer {
  readonly sdp: string;
  /** Null where the server does not let pages read its `Location` header. */
  readonly callId: string | null;
}

/** Posts the offer; throws `exchange_refused`, `server_unreachable` or the signal's reason. */
export async function postOffer({ url, secret }: ClientSecret, offer: string, signal: AbortSignal): Promise<OwnAnswer> {
  const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/sdp", Accept: "application/sdp" };
  // Without `keepalive`: a request that outlived the page would make a call whose id nobody reads, so that nobody hangs it up.
  const { response, text } = await post(url, { method: "POST", headers, body: offer, signal, credentials: "omit" });
  if (!response.ok) {
    const words = truncate(text.replaceAll(secret, "[secret]").replace(/\s+/g, " "));
    throw pageError("exchange_refused", { message: `The server answered ${response.status}: ${words || "no words"}` });
  }
  const callId = response.headers.get("Location")?.split("?")[0]?.split("/").filter(Boolean).at(-1) ?? null;
  return { sdp: text, callId };
}

async function post(url: string, request: RequestInit & { signal: AbortSignal }) {
  try {
    const response = await fetch(url, request);
    return { response, text: await response.text() };
  } catch (error) {
    request.signal.throwIfAborted();
    // The browser hides why: no network, no such host, TLS, or a server that answers no pages of other origins (CORS).
    throw pageError("server_unreachable", { cause: error });
  }
}
