/** The controller of a model's call: at most one attempt at a time, and the state that everyone looks at. */

import { Attempt } from "./attempt";
import type { Bridge } from "./bridge";
import { asRtcWidgetError, pageError, type RtcWidgetError } from "./errors";
import { permissionAfter } from "./microphone";
import type { PeerStates } from "./peer";
import { type CallState, type Direction, INITIAL_STATE, type MicrophonePermission, type Status } from "./protocol";

const STATE_KEYS = Object.keys(INITIAL_STATE) as readonly (keyof CallState)[];

const SERVER_CLOSED = {
  message: "The server closed the call.",
  hint: "Connect again to start a new one. If it happens at once, the server's log may say why.",
};

export interface CallListener {
  onState(state: CallState, before: CallState): void;
  onEvent(attempt: string, direction: Direction, text: string): void;
  onRemoteAudio(stream: MediaStream): void;
  onEnd(): void;
}

export class Call {
  readonly #bridge: Bridge;
  readonly #listener: CallListener;
  #state = INITIAL_STATE;
  #attempt: { readonly current: Attempt; readonly connected: Promise<string> } | undefined;
  #latestId: string | null = null;
  #microphone: MediaStreamTrack | undefined;

  constructor(bridge: Bridge, listener: CallListener) {
    this.#bridge = bridge;
    this.#listener = listener;
  }

  get state(): CallState {
    return this.#state;
  }

  /** The attempt that the state is about: the present one, else the last. */
  get attemptId(): string | null {
    return this.#latestId;
  }

  /** Makes a call, or joins the one there is; resolves with the attempt's id when the data channel is open. */
  connect(): Promise<string> {
    return (this.#attempt ?? this.#begin()).connected;
  }

  /** Ends the call, or the attempt to make one; harmless when there is none. */
  disconnect(): void {
    if (this.#attempt) this.#end(this.#attempt.current, null);
    else if (this.#state.status === "error") this.#update({ status: "idle", error: null });
  }

  /** Sends events, all of them or none; throws `not_connected` or `message_too_large`. */
  send(texts: readonly string[]): void {
    const attempt = this.#attempt?.current;
    const peer = attempt?.peer;
    if (!peer || this.#state.data_channel_state !== "open") throw pageError("not_connected");
    const limit = peer.maxMessageBytes;
    for (const text of texts) {
      const bytes = new TextEncoder().encode(text).byteLength;
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

  /** Silences the microphone, this call's and the next one's; the track stays attached. */
  mute(muted: boolean): void {
    if (this.#microphone) this.#microphone.enabled = !muted;
    this.#update({ muted });
  }

  notePermission(microphone_permission: MicrophonePermission): void {
    this.#update({ microphone_permission });
  }

  /** Shows an error that is no attempt's own. */
  noteError(error: RtcWidgetError): void {
    if (this.#attempt) this.#end(this.#attempt.current, error);
    else this.#update({ status: "error", error: error.toWire() });
  }

  #begin(): { readonly current: Attempt; readonly connected: Promise<string> } {
    const attempt: Attempt = new Attempt(this.#bridge, {
      onStates: (states) => this.#isCurrent(attempt) && this.#onStates(attempt, states),
      onMessage: (text) => this.#isCurrent(attempt) && this.#listener.onEvent(attempt.id, "received", text),
      onRemoteAudio: (stream) => this.#isCurrent(attempt) && this.#listener.onRemoteAudio(stream),
      onMicrophone: (outcome) => this.#onMicrophone(outcome),
    });
    this.#latestId = attempt.id;
    const { muted, microphone_permission } = this.#state;
    this.#update({ ...INITIAL_STATE, muted, microphone_permission, status: "connecting" });
    const connected = attempt.make().then(
      () => attempt.id,
      (error: unknown) => {
        this.#end(attempt, asRtcWidgetError(error));
        throw error;
      },
    );
    // Whoever waits hears of a failure; whoever does not sees it in the state.
    connected.catch(() => {});
    this.#attempt = { current: attempt, connected };
    return this.#attempt;
  }

  #isCurrent(attempt: Attempt): boolean {
    return this.#attempt?.current === attempt;
  }

  #onMicrophone(outcome: { track: MediaStreamTrack } | { error: unknown }): void {
    if ("track" in outcome) {
      this.#microphone = outcome.track;
      outcome.track.enabled = !this.#state.muted;
    }
    const permission = permissionAfter("error" in outcome ? asRtcWidgetError(outcome.error) : undefined);
    if (permission) this.notePermission(permission);
  }

  #onStates(attempt: Attempt, states: PeerStates): void {
    const hadChannel = this.#state.data_channel_state !== "closed";
    this.#update({ ...states, status: statusWith(states, this.#state.status) });
    if (states.connection_state === "failed") this.#end(attempt, pageError("connection_failed"));
    else if (states.connection_state === "closed" || (hadChannel && states.data_channel_state === "closed")) {
      this.#end(attempt, pageError("connection_failed", SERVER_CLOSED));
    }
  }

  /** The end of an attempt, whatever ended it; the state is cleared first, so that nothing late can touch it. */
  #end(attempt: Attempt, error: RtcWidgetError | null): void {
    if (!this.#isCurrent(attempt)) return;
    this.#attempt = undefined;
    this.#microphone = undefined;
    attempt.end(error ?? pageError("cancelled"));
    this.#listener.onEnd();
    this.#update({
      status: error ? "error" : "idle",
      error: error?.toWire() ?? null,
      connection_state: "closed",
      ice_connection_state: "closed",
      signaling_state: "closed",
      data_channel_state: "closed",
    });
  }

  #update(change: Partial<CallState>): void {
    const before = this.#state;
    const after = { ...before, ...change };
    if (STATE_KEYS.every((key) => after[key] === before[key])) return;
    this.#state = after;
    this.#listener.onState(after, before);
  }
}

/** Connected means that the data channel is open; WebRTC may heal a disconnected connection by itself. */
function statusWith({ connection_state, data_channel_state }: PeerStates, status: Status): Status {
  if (status === "connecting") return data_channel_state === "open" ? "connected" : "connecting";
  if (status === "connected" && connection_state === "disconnected") return "reconnecting";
  if (status === "reconnecting" && connection_state === "connected") return "connected";
  return status;
}
