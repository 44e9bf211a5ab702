/** The browser's end of one connection: an RTCPeerConnection with one audio transceiver, and mostly a data channel. */

import { abortable, within } from "../async";
import type { CallState, Preparation } from "../comm/protocol";
import { pageError, type RtcWidgetError, textOf } from "../errors";
import { now } from "../page";
import { CandidatePairs } from "./ice_pairs";
import { withoutPrivateParts } from "./private_parts";

const GATHERING_LIMIT_MS = 2_000;
const CHANNEL_LIMIT_MS = 15_000;
/** The limit of a peer that states no `max-message-size` (RFC 8841, section 6.1). */
const DEFAULT_MAX_MESSAGE_BYTES = 65_536;
const MAX_MESSAGE_BYTES = 2 ** 30;

export type PeerStates = Pick<
  CallState,
  | "connection_state"
  | "ice_connection_state"
  | "ice_gathering_state"
  | "signaling_state"
  | "data_channel_state"
  | "max_message_size"
>;

/** How far a connection has come; readable also after its end. */
export interface PeerProgress {
  /** The kinds of the candidates: host, srflx, prflx, relay. */
  readonly localCandidates: readonly string[];
  readonly remoteCandidates: readonly string[];
  readonly ice: RTCIceConnectionState;
  readonly iceHasConnected: boolean;
  readonly dtls: RTCDtlsTransportState | undefined;
  readonly channel: RTCDataChannelState;
  readonly channelHasOpened: boolean;
  /** The SDP of this side and of the other; empty before it is set. */
  readonly offer: string;
  readonly answer: string;
}

/** The peer calls it until it is closed. */
export interface PeerListener {
  onStates(states: PeerStates): void;
  /** After the states that say that the connection is open. */
  onRemoteAudio(stream: MediaStream): void;
  onMessage(text: string): void;
}

export class Peer {
  readonly #connection: RTCPeerConnection;
  /** Undefined where the server has none. */
  readonly #channel: RTCDataChannel | undefined;
  readonly #transceiver: RTCRtpTransceiver;
  readonly #needsCandidates: boolean;
  readonly #besideKernel: boolean;
  readonly #detach = new AbortController();
  /** Readable also after the end. */
  readonly candidatePairs = new CandidatePairs(() => this.getStats());
  #iceHasConnected = false;
  #channelHasOpened = false;

  constructor(preparation: Preparation, direction: "sendrecv" | "recvonly", listener: PeerListener) {
    const { label, iceServers, besideKernel, needsCandidates } = preparation;
    this.#needsCandidates = needsCandidates;
    // Looked up here: some webviews do not have it, and tests replace it.
    if (typeof globalThis.RTCPeerConnection !== "function") throw pageError("webrtc_unavailable");
    this.#connection = connectionBy(iceServers);
    this.#besideKernel = besideKernel === true;
    // The transceiver exists before the microphone, so that both are prepared at the same time; `replaceTrack` adds the track.
    const streams = direction === "sendrecv" ? [new MediaStream()] : [];
    this.#transceiver = this.#connection.addTransceiver("audio", { direction, streams });
    this.#channel = label === null ? undefined : this.#connection.createDataChannel(label);
    this.#listenTo(listener);
  }

  get hasChannel(): boolean {
    return this.#channel !== undefined;
  }

  get states(): PeerStates {
    return {
      connection_state: this.#connection.connectionState,
      ice_connection_state: this.#connection.iceConnectionState,
      ice_gathering_state: this.#connection.iceGatheringState,
      signaling_state: this.#connection.signalingState,
      data_channel_state: this.#channelState,
      max_message_size: this.#channelState === "open" ? this.maxMessageBytes : null,
    };
  }

  get progress(): PeerProgress {
    const { localDescription, remoteDescription, sctp } = this.#connection;
    return {
      localCandidates: candidateKinds(localDescription?.sdp),
      remoteCandidates: candidateKinds(remoteDescription?.sdp),
      ice: this.#connection.iceConnectionState,
      iceHasConnected: this.#iceHasConnected,
      dtls: (sctp ?? this.#transceiver.sender)?.transport?.state,
      channel: this.#channelState,
      channelHasOpened: this.#channelHasOpened,
      offer: localDescription?.sdp ?? "",
      answer: remoteDescription?.sdp ?? "",
    };
  }

  /** When audio was received last, on the page's time base; undefined if not in the last ten seconds. */
  get lastAudioMs(): number | undefined {
    const sources = this.#transceiver.receiver?.getSynchronizationSources?.() ?? [];
    const ages = sources.map(({ timestamp }) => now() - timestamp).filter((age) => age >= 0 && age <= 10_000);
    return ages.length > 0 ? now() - Math.min(...ages) : undefined;
  }

  get maxMessageBytes(): number {
    // Infinite where the other side states no limit; JSON has no word for that.
    return Math.min(this.#connection.sctp?.maxMessageSize ?? DEFAULT_MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES);
  }

  /** How much the data channel holds that has not left. */
  get bufferedBytes(): number {
    return this.#channel?.bufferedAmount ?? 0;
  }

  get #channelState(): RTCDataChannelState {
    return this.#channel?.readyState ?? "closed";
  }

  /** Whether events can be sent, or audio where there are no events. */
  get isOpen(): boolean {
    return this.#channel ? this.#channelState === "open" : this.#connection.connectionState === "connected";
  }

  createOffer(): Promise<RTCSessionDescriptionInit> {
    return this.#connection.createOffer();
  }

  /** Sends this track from now on, without a new offer. */
  sendTrack(track: MediaStreamTrack | null): Promise<void> {
    return this.#transceiver.sender.replaceTrack(track);
  }

  getStats(): Promise<RTCStatsReport> {
    return this.#connection.getStats();
  }

  /**
   * Sets the offer, a new one if none is given; returns its SDP, with the candidates if they are needed.
   *
   * Gathering starts here, so only with the permission for the microphone: without it browsers hide the addresses behind
   * mDNS names.
   */
  async setOffer(offer: RTCSessionDescriptionInit | undefined, signal: AbortSignal): Promise<string> {
    await abortable(this.#connection.setLocalDescription(offer), signal);
    if (this.#needsCandidates) await this.#gathered(signal);
    return this.#connection.localDescription?.sdp ?? "";
  }

  /** Sets an offer that restarts ICE (W3C WebRTC, `iceRestart`); returns its SDP with the candidates. */
  async restartOffer(signal: AbortSignal): Promise<string> {
    // The first offer's candidates are complete; those of the new offer are at the next change to `complete`.
    const gathered = this.#gathered(signal, { isRestart: true });
    gathered.catch(() => {}); // what is awaited before it rejects as well
    const offer = await abortable(this.#connection.createOffer({ iceRestart: true }), signal);
    await abortable(this.#connection.setLocalDescription(offer), signal);
    await gathered;
    return this.#connection.localDescription?.sdp ?? "";
  }

  /** Sets the server's answer, byte for byte as it came. */
  async accept(sdp: string): Promise<void> {
    try {
      await this.#connection.setRemoteDescription({ type: "answer", sdp });
    } catch (error) {
      // Browsers quote the line that they do not take.
      const reason = withoutPrivateParts(error instanceof Error ? error.message : String(error));
      throw pageError("invalid_answer", {
        message: `The browser does not accept the server's SDP answer: ${reason}`,
        cause: error,
      });
    }
  }

  /** Waits until the data channel is open, or the connection is established where there is none. */
  async opened(signal: AbortSignal): Promise<void> {
    const [target, change] = this.#channel ? [this.#channel, "open"] : [this.#connection, "connectionstatechange"];
    const open = this.#until(target, change, () => this.isOpen);
    // ICE may fail until then; the pairs that it has tried are known only while it tries.
    const trying = new AbortController();
    this.candidatePairs.watch(AbortSignal.any([trying.signal, this.#detach.signal]));
    await within(CHANNEL_LIMIT_MS, abortable(open, signal), () => {
      throw this.#hasCandidates ? this.failure("channel_timeout") : pageError("no_network");
    }).finally(() => trying.abort());
  }

  /** The error of a connection that has failed or was not made in time; it names the likely cause. */
  failure(code: "connection_failed" | "channel_timeout"): RtcWidgetError {
    if (this.#iceHasConnected || !this.#besideKernel) return pageError(code);
    return pageError(code, { message: textOf("no_path_to_kernel"), hint: textOf("no_path_to_kernel_hint") });
  }

  get #hasCandidates(): boolean {
    return /^a=candidate:/m.test(this.#connection.localDescription?.sdp ?? "");
  }

  /** Sends a text, or throws; the caller has checked the size. */
  send(text: string): void {
    if (this.#channel?.readyState !== "open") throw pageError("not_connected");
    this.#channel.send(text);
  }

  /** Closes the channel, then the connection; then reports nothing more. */
  close(): void {
    // The request precedes the end; its result arrives after it.
    void this.candidatePairs.sample();
    this.#detach.abort();
    this.#channel?.close();
    this.#connection.close();
  }

  #listenTo(listener: PeerListener): void {
    const connection = this.#connection;
    const channel = this.#channel;
    const until = { signal: this.#detach.signal };
    let remoteAudio: MediaStream | undefined;
    // To play a stream and to measure it holds the page up for 10 ms, in which ICE and DTLS would wait.
    const playWhenOpen = () => {
      if (!remoteAudio || !this.isOpen) return;
      listener.onRemoteAudio(remoteAudio);
      remoteAudio = undefined;
    };
    const states = () => {
      this.#iceHasConnected ||= ["connected", "completed"].includes(connection.iceConnectionState);
      this.#channelHasOpened ||= this.isOpen;
      listener.onStates(this.states);
      playWhenOpen();
    };
    for (const part of ["", "iceconnection", "icegathering", "signaling"]) {
      connection.addEventListener(`${part === "" ? "connection" : part}statechange`, states, until);
    }
    connection.addEventListener(
      "track",
      ({ track, streams: [stream] }) => {
        remoteAudio = stream ?? new MediaStream([track]);
        playWhenOpen();
      },
      until,
    );
    if (!channel) return;
    for (const change of ["open", "closing", "close"]) channel.addEventListener(change, states, until);
    channel.binaryType = "arraybuffer";
    channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => listener.onMessage(asText(data)), until);
  }

  /** Waits for the candidates of an offer that must contain them (no trickle ICE); a VPN may delay them for long. */
  #gathered(signal: AbortSignal, { isRestart = false } = {}): Promise<void> {
    const isComplete = () => this.#connection.iceGatheringState === "complete";
    const complete = this.#until(this.#connection, "icegatheringstatechange", isComplete, isRestart);
    return within(GATHERING_LIMIT_MS, abortable(complete, signal), () => undefined);
  }

  #until(target: EventTarget, change: string, isReached: () => boolean, waitsForChange = false): Promise<void> {
    if (!waitsForChange && isReached()) return Promise.resolve();
    return new Promise((resolve) => {
      target.addEventListener(change, () => isReached() && resolve(), { signal: this.#detach.signal });
    });
  }
}

function connectionBy(iceServers: Preparation["iceServers"]): RTCPeerConnection {
  try {
    return new RTCPeerConnection({ iceServers });
  } catch (error) {
    // Without ICE servers they cannot be the reason.
    if (iceServers.length === 0) throw pageError("webrtc_unavailable", { cause: error });
    throw pageError("invalid_ice_servers", { cause: error });
  }
}

function candidateKinds(sdp: string | undefined): readonly string[] {
  return [...(sdp ?? "").matchAll(/^a=candidate:.* typ (\w+)/gm)].map(([, kind]) => kind ?? "");
}

/** Events are texts; a binary message is logged by its size. */
function asText(data: unknown): string {
  if (typeof data === "string") return data;
  const bytes = data instanceof ArrayBuffer ? data.byteLength : 0;
  return JSON.stringify({ type: "rtc_widget.binary", bytes });
}
