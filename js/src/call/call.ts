/** The controller of a model's call: runs the state machine, makes the attempts, and keeps the call's state. */

import { Deferred } from "../async";
import {
  type CallBridge,
  type CallState,
  INITIAL_STATE,
  type MicrophonePermission,
  type Preparation,
} from "../comm/protocol";
import type { Fact } from "../conversation/facts";
import { asRtcWidgetError, isTransient, pageError, type RtcWidgetError } from "../errors";
import type { PlayedInterval } from "../media/clips";
import { type Microphone, permissionAfter } from "../media/microphone";
import { protocolNamed } from "../protocols/named";
import { type InputSource, pauseBeforeAttempt, type Reconnect, type Settings } from "../settings";
import { Attempt, type AttemptOptions, type MicrophoneChange } from "./attempt";
import type { CallListener } from "./call_listener";
import {
  type CallEvent,
  type Capabilities,
  hasAttempt,
  nextPhase,
  type Phase,
  recoveryOf,
  statusOf,
} from "./call_machine";
import { ClosingCalls } from "./closing";
import type { PeerStates } from "./peer";
import { bytesOf, requireSendable } from "./sendable";

const STATE_KEYS = Object.keys(INITIAL_STATE) as readonly (keyof CallState)[];
/** After this time a connection counts as healthy, and the number of tries is reset. */
const HEALTHY_MS = 10_000;
/** How long a connection is kept that was made before its call. */
const EXPECTED_CALL_MS = 10_000;

const RESTART_TIMEOUT = pageError("connection_failed", { message: "No other path to the server was found in time." });

export interface ConnectOptions {
  /** False: send text only, and receive audio. */
  readonly microphone?: boolean;
  /** The call continues the conversation of another call. */
  readonly resumes?: boolean;
}

export class Call {
  readonly #bridge: CallBridge;
  readonly #microphone: Microphone;
  readonly #settings: () => Settings;
  readonly #listener: CallListener;
  #phase: Phase = { is: "idle" };
  /** Aborted at the end of the phase, with the phase's timers. */
  #phaseEnd = new AbortController();
  #state = INITIAL_STATE;
  #attempt: Attempt | undefined;
  /** What the next call may be made with: its connection exists already, and has had these states. */
  #expected: { readonly attempt: Attempt; readonly states: PeerStates[] } | undefined;
  #latestId: string | null = null;
  #resumes = false;
  #options: ConnectOptions = {};
  #preparation: Preparation | undefined;
  #connected = new Deferred<string>();
  readonly #closing: ClosingCalls;

  constructor(bridge: CallBridge, microphone: Microphone, settings: () => Settings, listener: CallListener) {
    this.#bridge = bridge;
    this.#microphone = microphone;
    this.#settings = settings;
    this.#listener = listener;
    this.#closing = new ClosingCalls((attempt, direction, text) => listener.onLateEvent(attempt, direction, text));
  }

  get state(): CallState {
    return this.#state;
  }

  /** The attempt that the state describes: the current one, else the last. */
  get attemptId(): string | null {
    return this.#latestId;
  }

  /** Whether that attempt continues an earlier call. */
  get resumes(): boolean {
    return this.#resumes;
  }

  get attempt(): Attempt | undefined {
    return this.#attempt;
  }

  /** What the last call was made with; it resumes another only while it has not been open. */
  get lastOptions(): ConnectOptions {
    return this.#options;
  }

  /** Makes a call, or joins the current one; resolves with the attempt's id when the data channel is open. */
  connect(options: ConnectOptions = {}): Promise<string> {
    if (this.#phase.is === "idle" || this.#phase.is === "failed") this.#options = options;
    this.#go({ type: "connect" });
    return this.#connected.promise;
  }

  /** A person is about to call: makes the connection of the next call and keeps it for a while, if no permission is needed. */
  expectConnect(): void {
    const isOver = this.#phase.is === "idle" || this.#phase.is === "failed";
    if (this.#expected || !isOver || !this.#bridge.isWelcomed) return;
    const attempt = this.#newAttempt(this.#attemptOptions(false));
    const expected = { attempt, states: [] };
    this.#expected = expected;
    const drop = () => this.#expected === expected && this.#dropExpected();
    const offer = attempt.makeOffer();
    if (!offer) drop();
    offer?.catch(drop);
    setTimeout(drop, EXPECTED_CALL_MS);
  }

  #dropExpected(): void {
    this.#expected?.attempt.end(pageError("cancelled"));
    this.#expected = undefined;
  }

  /** Ends the call, or the attempt to make one; does nothing when there is none. */
  disconnect(): void {
    this.#go({ type: "disconnect" });
  }

  /** Ends the call at once, and those whose sessions the server still closes: the page goes away. */
  leave(): void {
    this.#dropExpected();
    this.disconnect();
    this.#closing.endAll();
  }

  /** Shows an error that does not end the call. */
  warn(error: RtcWidgetError): void {
    if (this.#attempt) this.#onNonFatalError(error);
  }

  /** Ends the call, if there is one, with an error; a call that has failed gets the error if it is the deeper cause. */
  finish(error: RtcWidgetError): void {
    this.#dropExpected();
    if (this.#phase.is !== "idle") this.#go({ type: "ended", error });
  }

  /** Shows an error that does not come from an attempt, and ends a call. */
  fail(error: RtcWidgetError): void {
    this.#go({ type: "ended", error });
  }

  /** Sends all of the events or none; throws `not_connected`, `message_too_large` or `send_queue_full`. */
  send(texts: readonly string[]): void {
    const attempt = this.#attempt;
    const peer = attempt?.peer;
    if (!peer || this.#state.data_channel_state !== "open") throw pageError("not_connected");
    requireSendable(texts, peer);
    for (const text of texts) {
      peer.send(text);
      this.#listener.onEvent(attempt.id, "sent", text);
    }
  }

  /** Whether the data channel accepts a message of this size. */
  canSend(text: string): boolean {
    return bytesOf(text) <= (this.#attempt?.peer?.maxMessageBytes ?? 0);
  }

  /** Plays a clip in place of the microphone. */
  async playClip(clip: string): Promise<PlayedInterval> {
    if (!this.#attempt?.peer?.isOpen) throw pageError("not_connected");
    return this.#attempt.playClip(clip);
  }

  cancelClip(clip: string): void {
    this.#attempt?.cancelClip(clip);
  }

  /** Mutes the microphone of this call and of later ones; the track stays attached. */
  mute(muted: boolean): void {
    this.#microphone.mute(muted);
    this.#update({ muted });
  }

  apply(fact: Fact): void {
    if (!this.#attempt || (fact.type !== "ending" && fact.type !== "closed")) return;
    this.#attempt.isSessionOver = true;
    if (fact.type === "closed") {
      const error = this.#attempt.endReason ?? pageError("server_hung_up");
      this.#go(fact.isRequested ? { type: "disconnect" } : { type: "ended", error });
      return;
    }
    this.#attempt.expectEnd(fact.error);
    // Not every server closes a session that has expired.
    if (this.#reconnect) this.#go({ type: "expired", error: fact.error });
  }

  /** Replaces the call, whose session is about to expire, by one that continues it; without effect if Python forbids it. */
  replace(): void {
    if (this.#reconnect) this.#go({ type: "expired", error: pageError("session_expired") });
  }

  /** The kernel has told what an offer needs: the next attempt need not wait for its reply. */
  setPreparation(preparation: Preparation): void {
    this.#preparation = preparation;
  }

  setPermission(microphone_permission: MicrophonePermission): void {
    this.#update({ microphone_permission });
  }

  #go(event: CallEvent): void {
    const before = this.#phase;
    const after = nextPhase(before, event, this.#capabilities);
    if (after === before) return;
    this.#phase = after;
    this.#phaseEnd.abort();
    this.#phaseEnd = new AbortController();
    this.#listener.onRecovery(recoveryOf(after, this.#reconnect));
    this.#enter(after, before);
  }

  get #reconnect(): Reconnect | null {
    return this.#settings().reconnect;
  }

  get #capabilities(): Capabilities {
    return { reconnect: this.#reconnect, canRestart: this.#attempt?.canRestart ?? false };
  }

  #enter(phase: Phase, before: Phase): void {
    switch (phase.is) {
      case "connecting":
        this.#begin(this.#options.resumes ?? false);
        break;
      case "connected":
        if (phase.tries > 0) this.#after(HEALTHY_MS, { type: "healthy" });
        if (before.is === "connecting" || before.is === "retrying") this.#open();
        // The error stays: a microphone that was lost is still lost after a short disconnection.
        this.#update({ status: "connected" });
        break;
      case "disconnected":
        if (this.#reconnect) this.#after(this.#reconnect.graceMs, { type: "grace_over" });
        break;
      case "restarting":
        this.#restart(phase);
        break;
      case "backoff":
        if (this.#reconnect) this.#after(pauseBeforeAttempt(phase.tries, this.#reconnect), { type: "backoff_over" });
        this.#end(phase.error);
        break;
      case "retrying":
        this.#begin(true);
        break;
      case "idle":
        this.#end(pageError("cancelled"));
        break;
      case "failed":
        this.#end(phase.error);
        break;
    }
  }

  /** Keeps the call and restarts ICE; without a new path in time, the call is lost. */
  #restart(phase: Phase): void {
    const lose = (error: RtcWidgetError) => this.#phase === phase && this.#go({ type: "lost", error });
    if (this.#reconnect) this.#after(this.#reconnect.attemptTimeoutMs, { type: "lost", error: RESTART_TIMEOUT });
    this.#attempt?.restart().catch((thrown: unknown) => lose(asRtcWidgetError(thrown)));
  }

  #after(milliseconds: number, event: CallEvent): void {
    const timer = setTimeout(() => this.#go(event), milliseconds);
    this.#phaseEnd.signal.addEventListener("abort", () => clearTimeout(timer));
  }

  #newAttempt(options: AttemptOptions): Attempt {
    const attempt: Attempt = new Attempt(
      this.#bridge,
      this.#microphone,
      {
        onStates: (states) => {
          if (this.#isCurrent(attempt)) this.#onStates(states);
          else if (this.#expected?.attempt === attempt) this.#expected.states.push(states);
          else this.#closing.onStates(attempt, states);
        },
        onMessage: (text) =>
          this.#isCurrent(attempt)
            ? this.#listener.onEvent(attempt.id, "received", text)
            : this.#closing.onMessage(attempt, text),
        onSentTrack: (track) => this.#isCurrent(attempt) && this.#listener.onSentTrack(track),
        onRemoteAudio: (stream) => this.#isCurrent(attempt) && this.#listener.onRemoteAudio(stream),
        onClipFailure: (error) => this.#isCurrent(attempt) && this.#onNonFatalError(error),
        onMicrophoneRequest: (isPending) => this.#isCurrent(attempt) && this.#listener.onMicrophoneRequest(isPending),
        onMicrophone: (change) => this.#isCurrent(attempt) && this.#onMicrophone(change),
      },
      options,
    );
    return attempt;
  }

  #attemptOptions(resumes: boolean): AttemptOptions {
    const { exchange, canCall, protocol } = this.#settings();
    return {
      microphone: this.#requestedInput,
      exchange,
      canCall,
      protocol,
      resumes,
      untilHistory: () => this.#listener.untilHistory(),
      preparation: this.#preparation,
      isPermitted: this.#state.microphone_permission === "granted",
    };
  }

  #begin(resumes: boolean): void {
    const options = this.#attemptOptions(resumes);
    if (!this.#expected?.attempt.isMadeWith(options)) this.#dropExpected();
    const { attempt, states } = this.#expected ?? { attempt: this.#newAttempt(options), states: [] };
    this.#expected = undefined;
    this.#attempt = attempt;
    this.#latestId = attempt.id;
    this.#resumes = resumes;
    if (this.#connected.isSettled) this.#connected = new Deferred();
    const { muted, microphone_permission } = this.#state;
    const status = statusOf(this.#phase);
    this.#update({ ...INITIAL_STATE, muted, microphone_permission, status, receive_only: !attempt.hasMicrophone });
    for (const one of states) this.#onStates(one);
    this.#listener.onAttempt(attempt);
    const limitMs = this.#phase.is === "retrying" ? this.#reconnect?.attemptTimeoutMs : undefined;
    attempt.make(limitMs).catch((thrown: unknown) => {
      if (!this.#isCurrent(attempt)) return;
      const error = asRtcWidgetError(thrown);
      this.#go({ type: isTransient(error) ? "lost" : "ended", error });
    });
  }

  /** The options say whether to send audio; the settings say from which source. */
  get #requestedInput(): InputSource {
    const { microphone } = this.#settings();
    // A call with clips has no microphone that an option could leave out.
    if (microphone === "clips") return microphone;
    const sendsAudio = this.#options.microphone ?? microphone !== false;
    return sendsAudio && (microphone || true);
  }

  #open(): void {
    const attempt = this.#attempt;
    if (!attempt) return;
    this.#connected.resolve(attempt.id);
    this.#options = { ...this.#options, resumes: false };
    this.#listener.onOpen(attempt.id, this.#resumes);
  }

  #isCurrent(attempt: Attempt): boolean {
    return this.#attempt === attempt;
  }

  #onMicrophone(change: MicrophoneChange): void {
    const permission = permissionAfter(change.is === "open" ? undefined : change.error);
    if (permission) this.setPermission(permission);
    switch (change.is) {
      case "open":
        // The lost microphone has been replaced.
        if (this.#state.receive_only) this.#update({ receive_only: false, error: null });
        break;
      case "refused":
        break;
      case "lost":
        this.#update({ receive_only: true, error: change.error.toWire() });
        this.#listener.onNonFatalError(change.error);
        break;
    }
  }

  #onNonFatalError(error: RtcWidgetError): void {
    this.#update({ error: error.toWire() });
    this.#listener.onNonFatalError(error);
  }

  #onStates(states: PeerStates): void {
    const event = this.#eventFor(states);
    const after = event ? nextPhase(this.#phase, event, this.#capabilities) : this.#phase;
    // One update for all: the status changes together with the states, unless the attempt ends now.
    const status = hasAttempt(after) ? statusOf(after) : this.#state.status;
    this.#update({ ...states, status });
    if (event) this.#go(event);
  }

  #eventFor({ connection_state, data_channel_state }: PeerStates): CallEvent | undefined {
    const hadChannel = this.#state.data_channel_state !== "closed";
    const { is } = this.#phase;
    // The state stays "failed" until ICE tries again; the restart has a time limit of its own.
    if (connection_state === "failed" && is === "restarting") return undefined;
    if (connection_state === "failed") {
      const error = this.#attempt?.peer?.failure("connection_failed") ?? pageError("connection_failed");
      return { type: "lost", error };
    }
    if (connection_state === "closed" || (hadChannel && data_channel_state === "closed")) {
      const expired = this.#attempt?.endReason;
      return expired ? { type: "expired", error: expired } : { type: "ended", error: pageError("server_hung_up") };
    }
    if (connection_state === "disconnected") return { type: "disconnected" };
    const isWaiting = is === "disconnected" || is === "restarting";
    if (isWaiting) return connection_state === "connected" ? { type: "reconnected" } : undefined;
    const hasChannel = this.#attempt?.peer?.hasChannel;
    const isOpen = hasChannel ? data_channel_state === "open" : connection_state === "connected";
    return isOpen ? { type: "opened" } : undefined;
  }

  /** Ends the attempt. The field is cleared first, so that late events of the attempt change nothing. */
  #end(error: RtcWidgetError): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    const { connection_state, data_channel_state } = this.#state;
    const isOpen = connection_state === "connected" && data_channel_state === "open";
    const isClosing = attempt && isOpen && this.#closing.begin(attempt, protocolNamed(this.#settings().protocol));
    if (!isClosing) attempt?.end(error);
    if (attempt) {
      this.#listener.onMicrophoneRequest(false);
      this.#listener.onEnd();
    }
    const closed = {
      connection_state: "closed",
      ice_connection_state: "closed",
      signaling_state: "closed",
      data_channel_state: "closed",
      max_message_size: null,
    } as const;
    this.#update({
      status: statusOf(this.#phase),
      error: this.#phase.is === "failed" ? this.#phase.error.toWire() : null,
      ...(attempt ? closed : {}),
    });
    // After the state: code that awaits the call must not see its end before the state shows it.
    if (this.#phase.is === "idle" || this.#phase.is === "failed") this.#connected.reject(error);
  }

  #update(change: Partial<CallState>): void {
    const before = this.#state;
    const after = { ...before, ...change };
    if (STATE_KEYS.every((key) => after[key] === before[key])) return;
    this.#state = after;
    this.#listener.onState(after, before);
  }
}
