/** One attempt to make a call, from the first click to the open data channel, and everything that it opens. */

import { abortable, within } from "../async";
import type { Result } from "../comm/bridge";
import {
  type CallBridge,
  decodeClientSecret,
  decodeOwnMessages,
  decodePreparation,
  decodeSuperseding,
  type OwnMessages,
  type Preparation,
} from "../comm/protocol";
import { asRtcWidgetError, pageError, type RtcWidgetError, textOf } from "../errors";
import { isText } from "../json";
import { type Clip, ClipPlayer, fetchClip, type PlayedInterval } from "../media/clips";
import type { Microphone } from "../media/microphone";
import { randomId } from "../page";
import { protocolNamed } from "../protocols/named";
import type { InputSource } from "../settings";
import { AudioSender } from "./audio_sender";
import { type AttemptProgress, NO_PROGRESS } from "./diagnosis";
import { postOffer } from "./direct_exchange";
import { Offer } from "./offer";
import type { Peer, PeerListener } from "./peer";

/** Longer than a local server may take to start (120 s), so that the kernel tells the cause. */
const PREPARE_LIMIT_MS = 130_000;
/** A cell may keep the kernel busy for a while. */
const WELCOME_LIMIT_MS = 90_000;
const EXCHANGE_LIMIT_MS = 45_000;
/** How long the first messages of a call wait for the offer that follows them. */
const OFFER_MS = 50;
/** How long the microphone is open before a kernel that should be ready has answered. */
const UNANSWERED_INPUT_MS = 3_000;

export type MicrophoneChange =
  | { readonly is: "open" }
  /** It could not be opened, and the attempt ends. */
  | { readonly is: "refused"; readonly error: RtcWidgetError }
  /** It was unplugged and there is no other; the call continues without one until one is plugged in or chosen. */
  | { readonly is: "lost"; readonly error: RtcWidgetError };

export interface AttemptListener extends PeerListener {
  onMicrophone(change: MicrophoneChange): void;
  /** Whether the browser is opening a microphone; it may show a permission prompt. */
  onMicrophoneRequest(isPending: boolean): void;
  /** The clip in place of the microphone cannot be played; the call continues without it. */
  onClipFailure(error: RtcWidgetError): void;
  /** This track is sent from now on; null: none. */
  onSentTrack(track: MediaStreamTrack | null): void;
}

export interface AttemptOptions {
  readonly microphone: InputSource;
  /** The call continues an earlier one, in which the first clip has been played already. */
  readonly resumes: boolean;
  /** Resolves when the conversation that the call continues is known; asked only if it continues one. */
  readonly untilHistory: () => Promise<void>;
  readonly exchange: "kernel" | "browser";
  /** Whether the kernel has a server to call. */
  readonly canCall: boolean;
  /** The name of the wire protocol. */
  readonly protocol: string;
  /** What the kernel has said that an offer needs; undefined: its reply to `prepare` is awaited. */
  readonly preparation: Preparation | undefined;
  /** Whether the browser has permitted the microphone already. */
  readonly isPermitted: boolean;
}

interface Input {
  readonly track: MediaStreamTrack | null;
  begin(): void;
}

/** Lives until `end`; everything that it opened ends with it, also what arrives later. */
export class Attempt {
  /** Unique over all pages: the kernel knows calls by it. */
  readonly id = randomId("a");
  readonly #bridge: CallBridge;
  readonly #microphone: Microphone;
  readonly #listener: AttemptListener;
  readonly #options: AttemptOptions;
  readonly #life = new AbortController();
  #input = new AbortController(); // of the microphone and of clips: may end before the connection
  #switching: Promise<unknown> = Promise.resolve();
  #restarting: Promise<unknown> = Promise.resolve();
  #renegotiates = false;
  #messages: OwnMessages = { first: [], keepAlive: undefined };
  #peer: Peer | undefined;
  /** What the connection has reported since it opened, while the microphone opens; undefined when it is open. */
  #held: (() => void)[] | undefined = [];
  /** The offer that was made before the call. */
  #earlyOffer: Offer | undefined;
  #sender: AudioSender | undefined;
  /** Exists while the microphone is lost; aborted when there is one again. */
  #microphoneLoss: AbortController | undefined;
  readonly #clips = new Map<string, AbortController>();
  #hasAskedServer = false;
  #endReason: RtcWidgetError | undefined;
  #progress: AttemptProgress = NO_PROGRESS;

  constructor(bridge: CallBridge, microphone: Microphone, listener: AttemptListener, options: AttemptOptions) {
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
  get progress(): AttemptProgress {
    const progress = this.#life.signal.aborted ? this.#progress : { ...this.#progress, peer: this.#peer?.progress };
    return { ...progress, pairs: this.#peer?.candidatePairs.all ?? [] };
  }

  /** The server has announced the end of the call; the first reason counts. */
  expectEnd(reason: RtcWidgetError): void {
    this.#endReason ??= reason;
  }

  /** The server has closed the session. */
  isSessionOver = false;

  get peer(): Peer | undefined {
    return this.#peer;
  }

  /** What the server must get as soon as the data channel is open. */
  get firstMessages(): readonly string[] {
    return this.#messages.first;
  }

  /** Whether a call with these options may be made with it. */
  isMadeWith(options: AttemptOptions): boolean {
    const keys = ["microphone", "exchange", "canCall", "protocol", "resumes", "isPermitted"] as const;
    const { preparation } = this.#options;
    return (
      keys.every((key) => options[key] === this.#options[key]) && options.preparation?.version === preparation?.version
    );
  }

  /**
   * Makes the connection and its offer before the call, and tells the kernel, which may open its own; undefined where a
   * person, the kernel or a server is needed.
   */
  makeOffer(): Promise<string> | undefined {
    const needsServers = this.#options.preparation?.iceServers.length !== 0;
    this.#earlyOffer = this.#exchangesEarly && !needsServers ? this.#offerEarly() : undefined;
    if (this.#earlyOffer) this.#bridge.send({ type: "expect_call" });
    return this.#earlyOffer?.set();
  }

  /** Makes the call; resolves when the data channel is open, rejects with the error or with the reason of `end`. */
  async make(limitMs?: number): Promise<void> {
    if (limitMs === undefined) return this.#make();
    return within(limitMs, this.#make(), () => {
      throw pageError("channel_timeout", { message: textOf("not_connected_in_time", { seconds: limitMs / 1_000 }) });
    });
  }

  /** Whether `restart` is possible. */
  get canRestart(): boolean {
    return this.#renegotiates;
  }

  /** Restarts ICE for the same call; resolves when the server's answer is set. */
  async restart(): Promise<void> {
    // One after the other: an answer must be set with its own offer.
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

  /** Whether the microphone can be changed during this call. */
  get canSwitchMicrophone(): boolean {
    return this.#options.microphone === true;
  }

  /** Changes to the chosen microphone; the old one stops after the new one has replaced it. */
  async switchMicrophone(): Promise<void> {
    const sender = this.#sender;
    if (!sender || !this.canSwitchMicrophone) return;
    const { signal } = this.#input;
    // One after the other: of two quick choices the later one must win.
    const switched = this.#switching.then(async () => {
      const before = this.#microphone.track;
      const track = await this.#requestMicrophone();
      await abortable(sender.setMicrophone(track), signal);
      before?.stop();
      this.#microphoneLoss?.abort();
      this.#microphoneLoss = undefined;
      this.#listener.onMicrophone({ is: "open" });
      this.#keepTrackAlive(track);
    });
    this.#switching = switched.catch(() => {});
    return switched;
  }

  /** Plays a clip of the kernel in place of the microphone; resolves when it has been played. */
  async playClip(id: string): Promise<PlayedInterval> {
    const sender = this.#sender;
    if (!sender) throw pageError("not_connected");
    const { signal } = this.#input;
    const cancelled = new AbortController();
    const until = AbortSignal.any([signal, cancelled.signal]);
    this.#clips.set(id, cancelled);
    try {
      const clip = await fetchClip(this.#bridge, id, until);
      return await sender.playClip(clip, until);
    } catch (error) {
      throw signal.aborted ? pageError("clip_interrupted", { cause: error }) : error;
    } finally {
      this.#clips.delete(id);
    }
  }

  /** Cancels a clip; does nothing when it is over. */
  cancelClip(id: string): void {
    this.#clips.get(id)?.abort(pageError("clip_interrupted", { message: textOf("clip_cut_off") }));
  }

  async #make(): Promise<void> {
    const { signal } = this.#life;
    protocolNamed(this.#options.protocol); // throws before anything is opened
    // The microphone opens when a kernel has answered that has a server to call, or at once where it is sure to answer.
    const opening = this.#exchangesEarly && this.#bridge.isKernelReady ? this.#openInput() : undefined;
    opening?.catch(() => {}); // awaited below, unless the welcome fails
    const early = this.#earlyOffer ?? this.#offerEarly();
    const exchangesEarly = early !== undefined && this.#exchangesEarly;
    // With an offer to exchange, everything travels in one message.
    const withinMs = exchangesEarly ? OFFER_MS : undefined;
    const welcomed = this.#bridge.welcomed(signal, WELCOME_LIMIT_MS, withinMs);
    // A kernel that knew this page is asked for both in one round trip.
    const prepared = this.#bridge.isWelcomed ? this.#prepare(withinMs) : welcomed.then(() => this.#prepare());
    prepared.catch(() => {}); // awaited below, unless the welcome fails
    const exchanged = exchangesEarly ? this.#exchangeEarly(early, prepared) : undefined;
    const opened = opening && (await this.#answeredInTime(opening, welcomed)) ? opening : undefined;
    await welcomed;
    if (!this.#options.canCall) await prepared; // the kernel says what to do
    // Do not wait for what the kernel prepares: a local server may be loading its models.
    const parts = Promise.all([opened ?? this.#openInput(), early ?? prepared.then((it) => this.#offer(it))]);
    // What the kernel refuses ends the attempt at once, also while the browser prompts for the microphone.
    const refused = Promise.all([prepared, exchanged]).then(() => new Promise<never>(() => {}));
    const [input, offer] = await Promise.race([refused, parts]);
    // The history is repeated as soon as the channel is open, before anybody says more.
    if (this.#options.resumes) await Promise.race([refused, abortable(this.#options.untilHistory(), signal)]);
    const [peer] = await Promise.all([this.#connect(offer, input, prepared, exchanged), prepared]);
    await peer.opened(signal);
    this.#keepAlive(peer);
    input.begin();
  }

  /** Whether the kernel has answered while the microphone opens; if not, the microphone is closed again. */
  async #answeredInTime(opening: Promise<Input>, welcomed: Promise<void>): Promise<boolean> {
    const refused = opening.then(() => new Promise<never>(() => {}));
    const answered = Promise.race([refused, welcomed.then(() => true)]);
    if (await within(UNANSWERED_INPUT_MS, answered, () => false)) return true;
    this.#input.abort(pageError("cancelled"));
    this.#input = new AbortController();
    return false;
  }

  /** Makes an offer with what the kernel has told before; undefined if it has not, or that is of no use. */
  #offerEarly(): Offer | undefined {
    const { canCall, preparation } = this.#options;
    if (!canCall || !preparation?.version) return undefined;
    try {
      return this.#offer(preparation, { isConfirmed: false });
    } catch {
      return undefined; // the kernel may have other ICE servers by now; its reply to `prepare` has them
    }
  }

  /**
   * Whether the offer goes to the server while the microphone opens. Then nothing may be asked of a person before: neither
   * a prompt for the microphone nor a history that is still on its way.
   */
  get #exchangesEarly(): boolean {
    const { canCall, exchange, isPermitted, microphone, preparation, resumes } = this.#options;
    const opensAtOnce = typeof microphone !== "object" && (isPermitted || !this.hasMicrophone);
    return canCall && exchange === "kernel" && opensAtOnce && !resumes && preparation?.needsCandidates === false;
  }

  /** Exchanges an offer and sets the answer, which may be earlier than the microphone is open. */
  #exchangeEarly(offer: Offer, prepared: Promise<Preparation>): Promise<Preparation | undefined> {
    const answered = offer.set().then((sdp) => this.#negotiate(sdp, offer, prepared));
    answered.catch(() => {}); // ends the attempt in `#make`
    return answered;
  }

  #offer(preparation: Preparation, { isConfirmed = true } = {}): Offer {
    const { signal } = this.#life;
    signal.throwIfAborted();
    const { microphone, protocol, isPermitted } = this.#options;
    // The first offer must have a sending transceiver if clips may be played, or silence is sent.
    const direction = microphone === false && !protocolNamed(protocol).needsInputAudio ? "recvonly" : "sendrecv";
    const showsAddresses = isPermitted || !this.hasMicrophone;
    this.#peer?.close();
    const offer = new Offer({ preparation, isConfirmed, direction, showsAddresses }, this.#heldListener(), signal);
    this.#peer = offer.peer;
    this.#renegotiates = preparation.renegotiates;
    this.#listener.onStates(offer.peer.states);
    return offer;
  }

  /** Returns a listener to whom the connection opens when the microphone is open as well, or when it closes again. */
  #heldListener(): PeerListener {
    const { onStates, onRemoteAudio, onMessage } = this.#listener;
    const held =
      <T>(report: (value: T) => void) =>
      (value: T) => {
        const isOpen = this.#peer?.isOpen;
        // Everything in its order, so that no message comes before the opening.
        if (this.#held?.length && !isOpen) this.#release();
        if (this.#held && isOpen) this.#held.push(() => report(value));
        else report(value);
      };
    return { onStates: held(onStates), onRemoteAudio: held(onRemoteAudio), onMessage: held(onMessage) };
  }

  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    for (const report of held ?? []) report();
  }

  /**
   * Sends the input audio on a connection, and exchanges its offer for the server's answer, unless that is under way;
   * returns the connection.
   */
  async #connect(
    offer: Offer,
    input: Input,
    prepared: Promise<Preparation>,
    exchanged?: Promise<Preparation | undefined>,
  ): Promise<Peer> {
    const { signal } = this.#life;
    const { peer } = offer;
    const replaced = new AbortController();
    const until = AbortSignal.any([signal, replaced.signal]);
    const sender = new AudioSender(async (track) => {
      await abortable(peer.sendTrack(track), until);
      this.#listener.onSentTrack(track);
    }, until);
    this.#sender = sender;
    const { needsInputAudio } = protocolNamed(this.#options.protocol);
    const sending = needsInputAudio && !input.track ? sender.sendSilence() : sender.setMicrophone(input.track);
    const parts = Promise.all([offer.set(), abortable(sending, until)]);
    // Candidates may take long; an offer that is of no use meanwhile need not have them.
    const made = await Promise.race([superseding(offer, prepared), parts]);
    signal.throwIfAborted();
    if (Array.isArray(made)) this.#release();
    const needed = Array.isArray(made) ? await (exchanged ?? this.#negotiate(made[0], offer, prepared)) : made;
    if (!needed) return peer;
    replaced.abort(pageError("clip_interrupted"));
    return this.#connect(this.#offer(needed), input, prepared);
  }

  /** Exchanges an offer and sets the answer; returns what another offer needs where this one is of no use. */
  async #negotiate(sdp: string, offer: Offer, prepared: Promise<Preparation>): Promise<Preparation | undefined> {
    const answer = await this.#exchange(sdp, offer, prepared);
    if (typeof answer !== "string") return answer;
    this.#progress = { ...this.#progress, answered: true };
    await abortable(offer.peer.accept(answer), this.#life.signal);
    return undefined;
  }

  /** Repeats the server's keep-alive message until the end. It is not logged: it would push the events out of the log. */
  #keepAlive(peer: Peer): void {
    const { keepAlive } = this.#messages;
    if (!keepAlive) return;
    const send = () => {
      if (peer.states.data_channel_state === "open") peer.send(keepAlive.message);
    };
    send();
    const timer = setInterval(send, keepAlive.seconds * 1_000);
    this.#life.signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  /** Opens the input audio: a microphone, a clip in its place, or none. */
  async #openInput(): Promise<Input> {
    const { microphone, resumes } = this.#options;
    if (typeof microphone !== "object") {
      try {
        return { track: await this.#openMicrophone(), begin: () => {} };
      } catch (thrown) {
        const error = asRtcWidgetError(thrown);
        // A reconnect without a microphone is better than none: an unplugged dock takes both network and microphone.
        if (!resumes || error.code !== "microphone_not_found") throw error;
        return { track: null, begin: () => this.#loseMicrophone(error) };
      }
    }
    this.#progress = { ...this.#progress, microphone: "none" };
    const { signal } = this.#input;
    const clip: Clip = await fetchClip(this.#bridge, microphone.clip, signal);
    signal.throwIfAborted();
    const player = new ClipPlayer(signal);
    await player.ready(signal);
    this.#microphone.useTrack(player.track);
    // Play it when the server can receive it, and not again after a reconnect.
    const begin = () => {
      if (resumes) return;
      player.play(clip, signal).catch((error: unknown) => {
        if (!signal.aborted) this.#listener.onClipFailure(asRtcWidgetError(error));
      });
    };
    return { track: player.track, begin };
  }

  /** The microphone is off from now on, and no clip plays; the connection stays, with a silent track, until `end`. */
  async retire(): Promise<void> {
    this.#input.abort(pageError("cancelled"));
    await this.#sender?.sendSilence();
  }

  /** Ends, in this order: data channel, connection, microphone, the call on the server. */
  end(reason: RtcWidgetError): void {
    if (this.#life.signal.aborted) return;
    this.#progress = this.progress;
    this.#peer?.close();
    this.#life.abort(reason);
    this.#input.abort(reason);
    this.#hangUp();
  }

  async #openMicrophone(): Promise<MediaStreamTrack | null> {
    this.#progress = { ...this.#progress, microphone: this.hasMicrophone ? "waiting" : "none" };
    if (!this.hasMicrophone) return null;
    const { signal } = this.#input;
    try {
      const track = await this.#requestMicrophone();
      this.#progress = { ...this.#progress, microphone: "open" };
      this.#listener.onMicrophone({ is: "open" });
      this.#keepTrackAlive(track);
      return track;
    } catch (error) {
      this.#progress = { ...this.#progress, microphone: "failed" };
      if (!signal.aborted) this.#listener.onMicrophone({ is: "refused", error: asRtcWidgetError(error) });
      throw error;
    }
  }

  async #requestMicrophone(): Promise<MediaStreamTrack> {
    const { signal } = this.#input;
    signal.throwIfAborted(); // a browser would prompt for what nobody wants any more
    this.#listener.onMicrophoneRequest(true);
    try {
      return await abortable(this.#microphone.open(signal), signal);
    } finally {
      this.#listener.onMicrophoneRequest(false);
    }
  }

  /** Unplugging a microphone ends its track; another microphone replaces it if there is one. */
  #keepTrackAlive(track: MediaStreamTrack): void {
    const replace = () => {
      // An ended track may send nothing, and a prompt may wait for long.
      if (protocolNamed(this.#options.protocol).needsInputAudio) this.#sender?.sendSilence().catch(() => {});
      this.switchMicrophone().catch((error: unknown) => this.#loseMicrophone(asRtcWidgetError(error)));
    };
    track.addEventListener("ended", replace, { signal: this.#input.signal, once: true });
  }

  /** Continues without a microphone, and opens the next one that is plugged in. */
  #loseMicrophone(error: RtcWidgetError): void {
    const { signal } = this.#input;
    // Another microphone may have been chosen meanwhile.
    if (signal.aborted || this.#microphoneLoss || this.#microphone.track?.readyState === "live") return;
    this.#microphoneLoss = new AbortController();
    this.#sender?.sendSilence().catch(() => {}); // an ended track is silent as well
    const retry = () => void this.switchMicrophone().catch(() => {}); // the loss has been reported
    const until = AbortSignal.any([signal, this.#microphoneLoss.signal]);
    navigator.mediaDevices.addEventListener("devicechange", retry, { signal: until });
    this.#listener.onMicrophone({ is: "lost", error });
  }

  async #prepare(withinMs?: number): Promise<Preparation> {
    const { signal } = this.#life;
    const request = { type: "prepare", attempt: this.id } as const;
    const options = { signal, limitMs: PREPARE_LIMIT_MS, ...(withinMs !== undefined && { withinMs }) };
    const result = await this.#bridge.request(request, options);
    signal.throwIfAborted();
    this.#progress = { ...this.#progress, prepared: true };
    return decodePreparation(result);
  }

  /** Returns the server's answer; or what another offer needs, where this one was made with an old preparation. */
  async #exchange(
    sdp: string,
    { preparation: { version }, isConfirmed }: Offer,
    prepared: Promise<Preparation>,
  ): Promise<string | Preparation> {
    const { signal } = this.#life;
    if (this.#options.exchange === "browser") {
      const present = await prepared;
      if (!isConfirmed && present.version !== version) return present;
      this.#hasAskedServer = true;
      return this.#postOffer(sdp);
    }
    this.#hasAskedServer = true;
    const late = new AbortController();
    const reply = this.#bridge.request(
      { type: "exchange", attempt: this.id, sdp, preparation: (isConfirmed ? null : version) ?? null },
      {
        signal: AbortSignal.any([signal, late.signal]),
        limitMs: PREPARE_LIMIT_MS + EXCHANGE_LIMIT_MS,
        // A late answer means a call on the server that nobody uses: the first hang-up may have come before it.
        onLateReply: () => this.#hangUp(),
      },
    );
    // The kernel exchanges the offer once it has prepared.
    const inTime = prepared.then(() =>
      within(EXCHANGE_LIMIT_MS, reply, () => {
        late.abort(pageError("kernel_timeout"));
        throw late.signal.reason;
      }),
    );
    const result = await Promise.race([reply, inTime]);
    const superseding = isConfirmed ? undefined : decodeSuperseding(result);
    if (superseding) return superseding;
    this.#messages = decodeOwnMessages(result);
    return answerIn(result);
  }

  async #postOffer(offer: string): Promise<string> {
    const { signal } = this.#life;
    const attempt = this.id;
    const request = { type: "create_client_secret", attempt } as const;
    const result = await this.#bridge.request(request, { signal, limitMs: EXCHANGE_LIMIT_MS });
    const clientSecret = decodeClientSecret(result);
    this.#messages = decodeOwnMessages(result);
    if (!clientSecret) throw pageError("unexpected", { message: "The kernel's reply has no client secret." });
    // Not aborted with the attempt: the server may have made the call already, and only its answer has the id.
    const posted = postOffer(clientSecret, offer, AbortSignal.timeout(EXCHANGE_LIMIT_MS));
    const answered = posted.then(({ sdp, callId }) => {
      // The kernel hangs up by this id with its own key; at once if the attempt, or the widget, is over.
      this.#bridge.sendAfterClose({ type: "exchanged", attempt, call_id: callId });
      return sdp;
    });
    return abortable(answered, signal);
  }

  #hangUp(): void {
    if (this.#hasAskedServer) this.#bridge.send({ type: "hang_up", attempt: this.id });
  }
}

/** Resolves with what another offer needs where this one was made with an old preparation; else never. */
async function superseding({ isConfirmed, preparation }: Offer, prepared: Promise<Preparation>): Promise<Preparation> {
  const present = await prepared;
  return isConfirmed || present.version === preparation.version ? new Promise<never>(() => {}) : present;
}

function answerIn({ sdp }: Result): string {
  if (!isText(sdp)) throw pageError("invalid_answer", { message: "The kernel's reply has no SDP answer." });
  return sdp;
}
