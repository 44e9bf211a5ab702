/** The controller of a model's call: runs the machine, makes its attempts, and keeps the state that everyone looks at. */

import { Deferred } from "../async";
import type { Bridge } from "../comm/bridge";
import { type CallState, type Direction, INITIAL_STATE, type MicrophonePermission } from "../comm/protocol";
import type { Fact } from "../conversation/facts";
import { asRtcWidgetError, isTransient, pageError, type RtcWidgetError } from "../errors";
import type { PlayedInterval } from "../media/clips";
import { type Microphone, permissionAfter } from "../media/microphone";
import { pauseBefore, type Reconnect, type Settings, type Voice } from "../settings";
import { Attempt, type MicrophoneChange } from "./attempt";
import { type CallEvent, type Capabilities, hasAttempt, nextPhase, type Phase, statusOf } from "./call_machine";
import type { PeerStates } from "./peer";

const STATE_KEYS = Object.keys(INITIAL_STATE) as readonly (keyof CallState)[];
/** After so long without trouble a connection counts as healthy, and its lost predecessors are forgotten. */
const HEALTHY_MS = 10_000;

const NO_OTHER_WAY = pageError("connection_failed", { message: "No other way to the server was found in time." });

export interface CallListener {
  onState(state: CallState, before: CallState): void;
  onEvent(attempt: string, direction: Direction, text: string): void;
  onRemoteAudio(stream: MediaStream): void;
  /** What is sent from now on; null: nothing is. */
  onSending(track: MediaStreamTrack | null): void;
  /** A call stands; `resumes` when it goes on with an earlier one. */
  onOpen(attempt: string, resumes: boolean): void;
  onAttempt(attempt: Attempt): void;
  /** Whether the browser is being asked for a microphone. */
  onAsking(asking: boolean): void;
  /** Something went wrong that leaves the call going. */
  onFault(error: RtcWidgetError): void;
  onEnd(): void;
}

export interface ConnectOptions {
  /** False: text and listening only. */
  readonly microphone?: boolean;
  /** The call goes on with a conversation that another call began. */
  readonly resumes?: boolean;
}

export class Call {
  readonly #bridge: Bridge;
  readonly #microphone: Microphone;
  readonly #settings: () => Settings;
  readonly #listener: CallListener;
  #phase: Phase = { is: "idle" };
  /** Ends with the phase; the phase's timers hang on it. */
  #phaseLife = new AbortController();
  #state = INITIAL_STATE;
  #attempt: Attempt | undefined;
  #latestId: string | null = null;
  #resumes = false;
  #wish: ConnectOptions = {};
  #connected = new Deferred<string>();

  constructor(bridge: Bridge, microphone: Microphone, settings: () => Settings, listener: CallListener) {
    this.#bridge = bridge;
    this.#microphone = microphone;
    this.#settings = settings;
    this.#listener = listener;
  }

  get state(): CallState {
    return this.#state;
  }

  /** The attempt that the state is about: the present one, else the last. */
  get attemptId(): string | null {
    return this.#latestId;
  }

  /** Whether that attempt goes on with an earlier call. */
  get resumes(): boolean {
    return this.#resumes;
  }

  get attempt(): Attempt | undefined {
    return this.#attempt;
  }

  /** Makes a call, or joins the one there is; resolves with the attempt's id when the data channel is open. */
  connect(wish: ConnectOptions = {}): Promise<string> {
    if (this.#phase.is === "idle" || this.#phase.is === "failed") this.#wish = wish;
    this.#go({ type: "connect" });
    return this.#connected.promise;
  }

  /** Ends the call, or the attempt to make one; harmless when there is none. */
  disconnect(): void {
    this.#go({ type: "disconnect" });
  }

  /** Ends the call, if there is one, and says why. */
  finish(error: RtcWidgetError): void {
    if (this.#phase.is !== "idle" && this.#phase.is !== "failed") this.#go({ type: "ended", error });
  }

  /** Shows an error that is no attempt's own; it ends a call. */
  noteError(error: RtcWidgetError): void {
    this.#go({ type: "ended", error });
  }

  /** Sends events, all of them or none; throws `not_connected` or `message_too_large`. */
  send(texts: readonly string[]): void {
    const attempt = this.#attempt;
    const peer = attempt?.peer;
    if (!peer || this.#state.data_channel_state !== "open") throw pageError("not_connected");
    const limit = peer.maxMessageBytes;
    for (const text of texts) {
      const bytes = bytesOf(text);
      if (bytes > limit) {
        const message = `The message has ${bytes} bytes, more than the ${limit} that the data channel carries.`;
        throw pageError("message_too_large", { message });
      }
    }
    for (const text of texts) {
      peer.send(text);
      this.#listener.onEvent(attempt.id, "sent", text);
    }
  }

  /** Whether the data channel takes a message of this size. */
  canCarry(text: string): boolean {
    return bytesOf(text) <= (this.#attempt?.peer?.maxMessageBytes ?? 0);
  }

  /** Lets a clip speak in place of the microphone. */
  async say(clip: string): Promise<PlayedInterval> {
    if (!this.#attempt || this.#state.data_channel_state !== "open") throw pageError("not_connected");
    return this.#attempt.say(clip);
  }

  hush(clip: string): void {
    this.#attempt?.hush(clip);
  }

  /** Silences the microphone, this call's and the next one's; the track stays attached. */
  mute(muted: boolean): void {
    this.#microphone.mute(muted);
    this.#update({ muted });
  }

  apply(fact: Fact): void {
    if (fact.type === "ending") this.#attempt?.expectEnd(fact.error);
  }

  notePermission(microphone_permission: MicrophonePermission): void {
    this.#update({ microphone_permission });
  }

  #go(event: CallEvent): void {
    const before = this.#phase;
    const after = nextPhase(before, event, this.#capabilities);
    if (after === before) return;
    this.#phase = after;
    this.#phaseLife.abort();
    this.#phaseLife = new AbortController();
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
        this.#begin(this.#wish.resumes ?? false);
        break;
      case "connected":
        if (phase.tries > 0) this.#after(HEALTHY_MS, { type: "healthy" });
        if (before.is === "connecting" || before.is === "retrying") this.#open();
        // A fault beside the call, such as a microphone that was lost, outlives a connection that wavered.
        this.#update({ status: "connected" });
        break;
      case "disconnected":
        if (this.#reconnect) this.#after(this.#reconnect.graceMs, { type: "grace_over" });
        break;
      case "restarting":
        this.#restart(phase);
        break;
      case "backoff":
        if (this.#reconnect) this.#after(pauseBefore(phase.tries, this.#reconnect), { type: "backoff_over" });
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

  /** Keeps the call and seeks a new way to the server; where none is found in time, the call is lost after all. */
  #restart(phase: Phase): void {
    const lose = (error: RtcWidgetError) => this.#phase === phase && this.#go({ type: "lost", error });
    if (this.#reconnect) this.#after(this.#reconnect.attemptTimeoutMs, { type: "lost", error: NO_OTHER_WAY });
    this.#attempt?.restart().catch((thrown: unknown) => lose(asRtcWidgetError(thrown)));
  }

  #after(milliseconds: number, event: CallEvent): void {
    const timer = setTimeout(() => this.#go(event), milliseconds);
    this.#phaseLife.signal.addEventListener("abort", () => clearTimeout(timer));
  }

  #begin(resumes: boolean): void {
    const settings = this.#settings();
    const attempt: Attempt = new Attempt(
      this.#bridge,
      this.#microphone,
      {
        onStates: (states) => this.#isCurrent(attempt) && this.#onStates(states),
        onMessage: (text) => this.#isCurrent(attempt) && this.#listener.onEvent(attempt.id, "received", text),
        onSending: (track) => this.#isCurrent(attempt) && this.#listener.onSending(track),
        onRemoteAudio: (stream) => this.#isCurrent(attempt) && this.#listener.onRemoteAudio(stream),
        onSilence: (error) => this.#isCurrent(attempt) && this.#onFault(error),
        onAsking: (asking) => this.#isCurrent(attempt) && this.#listener.onAsking(asking),
        onMicrophone: (news) => this.#isCurrent(attempt) && this.#onMicrophone(news),
      },
      {
        microphone: this.#wishedMicrophone,
        exchange: settings.exchange,
        canCall: settings.canCall,
        protocol: settings.protocol,
        resumes,
      },
    );
    this.#attempt = attempt;
    this.#latestId = attempt.id;
    this.#resumes = resumes;
    if (this.#connected.isSettled) this.#connected = new Deferred();
    const { muted, microphone_permission } = this.#state;
    const status = statusOf(this.#phase);
    this.#update({ ...INITIAL_STATE, muted, microphone_permission, status, receive_only: !attempt.hasMicrophone });
    this.#listener.onAttempt(attempt);
    const limitMs = this.#phase.is === "retrying" ? this.#reconnect?.attemptTimeoutMs : undefined;
    attempt.make(limitMs).catch((thrown: unknown) => {
      if (!this.#isCurrent(attempt)) return;
      const error = asRtcWidgetError(thrown);
      this.#go({ type: isTransient(error) ? "lost" : "ended", error });
    });
  }

  /** A wish for a voice leaves it to the settings whose: a clip may take the microphone's place. */
  get #wishedMicrophone(): Voice {
    const { microphone } = this.#settings();
    // Where clips are said there is no microphone that anybody could do without.
    if (microphone === "clips") return microphone;
    const wished = this.#wish.microphone ?? microphone !== false;
    return wished && (microphone || true);
  }

  #open(): void {
    const attempt = this.#attempt;
    if (!attempt) return;
    this.#connected.resolve(attempt.id);
    this.#listener.onOpen(attempt.id, this.#resumes);
  }

  #isCurrent(attempt: Attempt): boolean {
    return this.#attempt === attempt;
  }

  #onMicrophone(news: MicrophoneChange): void {
    const permission = permissionAfter(news.is === "open" ? undefined : news.error);
    if (permission) this.notePermission(permission);
    switch (news.is) {
      case "open":
        // What was missed is there again.
        if (this.#state.receive_only) this.#update({ receive_only: false, error: null });
        break;
      case "refused":
        break;
      case "lost":
        this.#update({ receive_only: true, error: news.error.toWire() });
        this.#listener.onFault(news.error);
        break;
    }
  }

  #onFault(error: RtcWidgetError): void {
    this.#update({ error: error.toWire() });
    this.#listener.onFault(error);
  }

  #onStates(states: PeerStates): void {
    const event = this.#eventFor(states);
    const after = event ? nextPhase(this.#phase, event, this.#capabilities) : this.#phase;
    // One picture of it all: the status changes with the state that changes it, unless the end of the attempt comes now.
    const status = hasAttempt(after) ? statusOf(after) : this.#state.status;
    this.#update({ ...states, status });
    if (event) this.#go(event);
  }

  #eventFor({ connection_state, data_channel_state }: PeerStates): CallEvent | undefined {
    const hadChannel = this.#state.data_channel_state !== "closed";
    const { is } = this.#phase;
    // It goes on being called failed until the new way is tried; that has a time limit of its own.
    if (connection_state === "failed" && is === "restarting") return undefined;
    if (connection_state === "failed") return { type: "lost", error: pageError("connection_failed") };
    if (connection_state === "closed" || (hadChannel && data_channel_state === "closed")) {
      return { type: "ended", error: this.#attempt?.endReason ?? pageError("server_hung_up") };
    }
    if (connection_state === "disconnected") return { type: "disconnected" };
    const isWaiting = is === "disconnected" || is === "restarting";
    if (isWaiting) return connection_state === "connected" ? { type: "reconnected" } : undefined;
    return data_channel_state === "open" ? { type: "opened" } : undefined;
  }

  /** The end of an attempt, whatever ended it; the state is cleared first, so that nothing late can touch it. */
  #end(error: RtcWidgetError): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.end(error);
    if (attempt) {
      this.#listener.onAsking(false);
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
    // After the state is told: whoever waited must not hear of the end before it shows.
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

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
