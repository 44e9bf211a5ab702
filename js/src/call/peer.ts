/** The browser's end of one connection: an RTCPeerConnection with one audio line and one data channel. */

import { abortable, within } from "../async";
import type { CallState, Preparation } from "../comm/protocol";
import { pageError } from "../errors";
import { CandidatePairs } from "./ice_pairs";

const GATHERING_LIMIT_MS = 2_000;
const CHANNEL_LIMIT_MS = 15_000;
/** What a peer that states no `max-message-size` takes (RFC 8841, section 6.1). */
const DEFAULT_MAX_MESSAGE_BYTES = 65_536;
const LARGEST_MESSAGE_BYTES = 2 ** 30;

export type PeerStates = Pick<
  CallState,
  | "connection_state"
  | "ice_connection_state"
  | "ice_gathering_state"
  | "signaling_state"
  | "data_channel_state"
  | "max_message_size"
>;

/** How far a connection has come, readable at once and also after its end. */
export interface PeerFacts {
  /** The kinds of the candidates: host, srflx, prflx, relay. */
  readonly localCandidates: readonly string[];
  readonly remoteCandidates: readonly string[];
  readonly ice: RTCIceConnectionState;
  readonly iceHasConnected: boolean;
  readonly dtls: RTCDtlsTransportState | undefined;
  readonly channel: RTCDataChannelState;
  readonly channelHasOpened: boolean;
}

/** What the peer tells its owner until it is closed. */
export interface PeerListener {
  onStates(states: PeerStates): void;
  onRemoteAudio(stream: MediaStream): void;
  onMessage(text: string): void;
}

export class Peer {
  readonly #connection: RTCPeerConnection;
  readonly #channel: RTCDataChannel;
  readonly #transceiver: RTCRtpTransceiver;
  readonly #detach = new AbortController();
  /** The ways that were tried; readable after the end, too. */
  readonly candidatePairs = new CandidatePairs(() => this.getStats());
  #iceHasConnected = false;
  #channelHasOpened = false;

  constructor({ label, iceServers }: Preparation, direction: "sendrecv" | "recvonly", listener: PeerListener) {
    // Looked up at call time: absent in some webviews, replaced by tests.
    if (typeof globalThis.RTCPeerConnection !== "function") throw pageError("webrtc_unavailable");
    this.#connection = connectionBy(iceServers);
    // The line stands before the microphone is there, so that both are prepared side by side; the track comes by replaceTrack.
    const streams = direction === "sendrecv" ? [new MediaStream()] : [];
    this.#transceiver = this.#connection.addTransceiver("audio", { direction, streams });
    this.#channel = this.#connection.createDataChannel(label);
    this.#listenTo(listener);
  }

  get states(): PeerStates {
    return {
      connection_state: this.#connection.connectionState,
      ice_connection_state: this.#connection.iceConnectionState,
      ice_gathering_state: this.#connection.iceGatheringState,
      signaling_state: this.#connection.signalingState,
      data_channel_state: this.#channel.readyState,
      max_message_size: this.#channel.readyState === "open" ? this.maxMessageBytes : null,
    };
  }

  get facts(): PeerFacts {
    const { localDescription, remoteDescription, sctp } = this.#connection;
    return {
      localCandidates: candidateKinds(localDescription?.sdp),
      remoteCandidates: candidateKinds(remoteDescription?.sdp),
      ice: this.#connection.iceConnectionState,
      iceHasConnected: this.#iceHasConnected,
      dtls: sctp?.transport?.state,
      channel: this.#channel.readyState,
      channelHasOpened: this.#channelHasOpened,
    };
  }

  get maxMessageBytes(): number {
    // Infinite where the other side states no limit; JSON has no word for that.
    return Math.min(this.#connection.sctp?.maxMessageSize ?? DEFAULT_MAX_MESSAGE_BYTES, LARGEST_MESSAGE_BYTES);
  }

  createOffer(): Promise<RTCSessionDescriptionInit> {
    return this.#connection.createOffer();
  }

  /** Sends this track from now on, without a new offer. */
  speakWith(track: MediaStreamTrack | null): Promise<void> {
    return this.#transceiver.sender.replaceTrack(track);
  }

  getStats(): Promise<RTCStatsReport> {
    return this.#connection.getStats();
  }

  /** Fixes the offer, with the microphone on the line; gives back its SDP with the candidates in it. */
  async fixOffer(offer: RTCSessionDescriptionInit, signal: AbortSignal): Promise<string> {
    // Only now, since gathering starts here: before the microphone is permitted Chromium hides the addresses behind mDNS names.
    await abortable(this.#connection.setLocalDescription(offer), signal);
    await this.#gathered(signal);
    return this.#connection.localDescription?.sdp ?? "";
  }

  /** An offer that seeks a new way to the other side (W3C WebRTC, `iceRestart`), with the candidates in it. */
  async restartOffer(signal: AbortSignal): Promise<string> {
    // Those of the first offer are complete; the new ones are when that comes about once more.
    const gathered = this.#gathered(signal, { anew: true });
    gathered.catch(() => {}); // told by what is awaited before it
    const offer = await abortable(this.#connection.createOffer({ iceRestart: true }), signal);
    await abortable(this.#connection.setLocalDescription(offer), signal);
    await gathered;
    return this.#connection.localDescription?.sdp ?? "";
  }

  /** Takes the server's answer, byte for byte as it came. */
  async accept(sdp: string): Promise<void> {
    try {
      await this.#connection.setRemoteDescription({ type: "answer", sdp });
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      throw pageError("invalid_answer", {
        message: `The browser does not accept the server's answer: ${words}`,
        cause: error,
      });
    }
  }

  /** Waits until the data channel is open. */
  async opened(signal: AbortSignal): Promise<void> {
    const isOpen = () => this.#channel.readyState === "open";
    const open = this.#until(this.#channel, "open", isOpen);
    // Until then it is ICE that may find no way; what it has tried is known only while it tries.
    const trying = new AbortController();
    this.candidatePairs.watch(AbortSignal.any([trying.signal, this.#detach.signal]));
    await within(CHANNEL_LIMIT_MS, abortable(open, signal), () => {
      throw pageError(this.#hasCandidates ? "channel_timeout" : "no_network");
    }).finally(() => trying.abort());
  }

  get #hasCandidates(): boolean {
    return /^a=candidate:/m.test(this.#connection.localDescription?.sdp ?? "");
  }

  /** Sends a text, or throws; the caller has checked the size. */
  send(text: string): void {
    if (this.#channel.readyState !== "open") throw pageError("not_connected");
    this.#channel.send(text);
  }

  /** Closes the channel, then the connection; nothing is reported any more. */
  close(): void {
    // Asked before the end, answered after it.
    void this.candidatePairs.look();
    this.#detach.abort();
    this.#channel.close();
    this.#connection.close();
  }

  #listenTo(listener: PeerListener): void {
    const connection = this.#connection;
    const channel = this.#channel;
    const until = { signal: this.#detach.signal };
    const states = () => {
      this.#iceHasConnected ||= ["connected", "completed"].includes(connection.iceConnectionState);
      this.#channelHasOpened ||= channel.readyState === "open";
      listener.onStates(this.states);
    };
    for (const part of ["", "iceconnection", "icegathering", "signaling"]) {
      connection.addEventListener(`${part === "" ? "connection" : part}statechange`, states, until);
    }
    for (const change of ["open", "closing", "close"]) channel.addEventListener(change, states, until);
    connection.addEventListener(
      "track",
      ({ track, streams: [stream] }) => listener.onRemoteAudio(stream ?? new MediaStream([track])),
      until,
    );
    channel.binaryType = "arraybuffer";
    channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => listener.onMessage(asText(data)), until);
  }

  /** Waits for the candidates, which stand in the offer since there is no trickle; VPNs can hold them up for long. */
  #gathered(signal: AbortSignal, { anew = false } = {}): Promise<void> {
    const isComplete = () => this.#connection.iceGatheringState === "complete";
    const complete = this.#until(this.#connection, "icegatheringstatechange", isComplete, anew);
    return within(GATHERING_LIMIT_MS, abortable(complete, signal), () => undefined);
  }

  #until(target: EventTarget, change: string, isReached: () => boolean, anew = false): Promise<void> {
    if (!anew && isReached()) return Promise.resolve();
    return new Promise((resolve) => {
      target.addEventListener(change, () => isReached() && resolve(), { signal: this.#detach.signal });
    });
  }
}

function connectionBy(iceServers: Preparation["iceServers"]): RTCPeerConnection {
  try {
    return new RTCPeerConnection({ iceServers });
  } catch (error) {
    // Whose fault it is only its words tell; without such servers there is nothing that could be wrong with them.
    if (iceServers.length === 0) throw pageError("webrtc_unavailable", { cause: error });
    throw pageError("invalid_ice_servers", { cause: error });
  }
}

function candidateKinds(sdp: string | undefined): readonly string[] {
  return [...(sdp ?? "").matchAll(/^a=candidate:.* typ (\w+)/gm)].map(([, kind]) => kind ?? "");
}

/** Events are texts; a binary frame passes as a note of its size, so that nothing on the channel goes unseen. */
function asText(data: unknown): string {
  if (typeof data === "string") return data;
  const bytes = data instanceof ArrayBuffer ? data.byteLength : 0;
  return JSON.stringify({ type: "rtc_widget.binary", bytes });
}
