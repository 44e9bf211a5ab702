/**
 * The objects of a peer connection: their handles, and a snapshot of their attributes.
 *
 * A handle names an object for life. Numbers count by kind from 1, in the order in which the page first sees the objects.
 */

import type { JsonObject } from "../json";
import { notOfThisPeer } from "./errors";
import type { Changes } from "./messages";

export interface ObjectKinds {
  pc: RTCPeerConnection;
  transceiver: RTCRtpTransceiver;
  sender: RTCRtpSender;
  receiver: RTCRtpReceiver;
  track: MediaStreamTrack;
  channel: RTCDataChannel;
  dtls: RTCDtlsTransport;
  ice: RTCIceTransport;
  sctp: RTCSctpTransport;
}

export type Kind = keyof ObjectKinds;

/** Newer than TypeScript's own types, and not in each browser. */
export interface RecentIceTransport extends RTCIceTransport {
  readonly role?: string;
}

type HandleOf = <K extends Kind>(kind: K, object: ObjectKinds[K] | null | undefined) => string | null;
type Attributes = { readonly [K in Kind]: (object: ObjectKinds[K], handleOf: HandleOf) => JsonObject };

const ATTRIBUTES: Attributes = {
  pc: (pc, handleOf) => ({
    signaling_state: pc.signalingState,
    ice_gathering_state: pc.iceGatheringState,
    ice_connection_state: pc.iceConnectionState,
    connection_state: pc.connectionState,
    can_trickle_ice_candidates: pc.canTrickleIceCandidates,
    local_description: description(pc.localDescription),
    remote_description: description(pc.remoteDescription),
    current_local_description: description(pc.currentLocalDescription),
    current_remote_description: description(pc.currentRemoteDescription),
    pending_local_description: description(pc.pendingLocalDescription),
    pending_remote_description: description(pc.pendingRemoteDescription),
    transceivers: pc.getTransceivers().map((one) => handleOf("transceiver", one)),
    senders: pc.getSenders().map((one) => handleOf("sender", one)),
    receivers: pc.getReceivers().map((one) => handleOf("receiver", one)),
    sctp: handleOf("sctp", pc.sctp),
  }),
  transceiver: (transceiver, handleOf) => ({
    mid: transceiver.mid,
    kind: transceiver.receiver.track.kind,
    direction: transceiver.direction,
    current_direction: transceiver.currentDirection,
    stopped: transceiver.currentDirection === "stopped",
    sender: handleOf("sender", transceiver.sender),
    receiver: handleOf("receiver", transceiver.receiver),
  }),
  sender: (sender, handleOf) => ({
    track: handleOf("track", sender.track),
    transport: handleOf("dtls", sender.transport),
  }),
  receiver: (receiver, handleOf) => ({
    track: handleOf("track", receiver.track),
    transport: handleOf("dtls", receiver.transport),
    jitter_buffer_target: receiver.jitterBufferTarget ?? null,
  }),
  track: ({ kind, id, label, enabled, muted, readyState }) => ({
    kind,
    id,
    label,
    enabled,
    muted,
    ready_state: readyState,
  }),
  channel: (channel) => ({
    label: channel.label,
    id: channel.id,
    ordered: channel.ordered,
    max_packet_life_time: channel.maxPacketLifeTime,
    max_retransmits: channel.maxRetransmits,
    protocol: channel.protocol,
    negotiated: channel.negotiated,
    ready_state: channel.readyState,
    buffered_amount: channel.bufferedAmount,
    buffered_amount_low_threshold: channel.bufferedAmountLowThreshold,
  }),
  dtls: ({ state, iceTransport }, handleOf) => ({ state, ice_transport: handleOf("ice", iceTransport) }),
  ice: (ice: RecentIceTransport) => ({
    state: ice.state,
    gathering_state: ice.gatheringState,
    role: ice.role ?? null,
    selected_pair: selectedPair(ice),
  }),
  sctp: ({ state, transport, maxMessageSize, maxChannels }, handleOf) => ({
    state,
    transport: handleOf("dtls", transport),
    max_message_size: Number.isFinite(maxMessageSize) ? maxMessageSize : null,
    max_channels: maxChannels,
  }),
};

function description(value: RTCSessionDescription | null): JsonObject | null {
  return value && { type: value.type, sdp: value.sdp };
}

function selectedPair(ice: RTCIceTransport): JsonObject | null {
  // Firefox has it since version 154 only.
  const pair = ice.getSelectedCandidatePair?.() ?? null;
  return pair && { local: pair.local?.toJSON() ?? null, remote: pair.remote?.toJSON() ?? null };
}

/** An object with its kind; the pair keeps its type. */
interface Named<K extends Kind> {
  readonly kind: K;
  readonly object: ObjectKinds[K];
}

export class PeerObjects {
  readonly #pc: RTCPeerConnection;
  readonly #onNew: (kind: Kind, object: EventTarget, handle: string) => void;
  readonly #handles = new Map<object, string>();
  readonly #objects = new Map<string, { [K in Kind]: Named<K> }[Kind]>();
  readonly #counts = new Map<Kind, number>();
  readonly #known = new Map<string, JsonObject>();

  /** @param onNew called once for each object with events, when the page first sees it */
  constructor(pc: RTCPeerConnection, onNew: (kind: Kind, object: EventTarget, handle: string) => void) {
    this.#pc = pc;
    this.#onNew = onNew;
  }

  /** Returns the handle of an object, which it gets when it has none yet. */
  readonly handleOf: HandleOf = (kind, object) => {
    if (!object) return null;
    const known = this.#handles.get(object);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const handle = kind === "pc" ? "pc" : `${kind}:${count}`;
    this.#handles.set(object, handle);
    this.#objects.set(handle, { kind, object } as { [K in Kind]: Named<K> }[Kind]);
    if (object instanceof EventTarget) this.#onNew(kind, object, handle);
    return handle;
  };

  /** Returns the object of a handle; throws a TypeError if there is none of that kind. */
  find<K extends Kind>(kind: K, handle: unknown): ObjectKinds[K] {
    const named = this.#objects.get(String(handle));
    if (named?.kind !== kind) throw notOfThisPeer(kind, handle);
    return named.object as ObjectKinds[K];
  }

  /** Gives handles to all objects that can be reached now; transports become others with each description. */
  discover(): void {
    const { handleOf } = this;
    const addTransport = (dtls: RTCDtlsTransport | null) => {
      handleOf("dtls", dtls);
      handleOf("ice", dtls?.iceTransport);
    };
    handleOf("pc", this.#pc);
    for (const transceiver of this.#pc.getTransceivers()) {
      const { sender, receiver } = transceiver;
      handleOf("transceiver", transceiver);
      handleOf("sender", sender);
      handleOf("receiver", receiver);
      handleOf("track", sender.track);
      handleOf("track", receiver.track);
      addTransport(sender.transport);
      addTransport(receiver.transport);
    }
    handleOf("sctp", this.#pc.sctp);
    addTransport(this.#pc.sctp?.transport ?? null);
  }

  /** Returns the attributes that are new or have changed since the last time; of one object only, if that is given. */
  changes(only?: string): Changes {
    const changes: Record<string, JsonObject> = {};
    const one = only === undefined ? undefined : this.#objects.get(only);
    for (const [handle, named] of one && only !== undefined ? [[only, one] as const] : this.#objects) {
      const now = attributesOf(named, this.handleOf);
      const before = this.#known.get(handle);
      const changed = Object.entries(now).filter(([name, value]) => !before || !isSame(value, before[name]));
      if (changed.length === 0) continue;
      changes[handle] = Object.fromEntries(changed);
      this.#known.set(handle, now);
    }
    return changes;
  }
}

function attributesOf<K extends Kind>({ kind, object }: Named<K>, handleOf: HandleOf): JsonObject {
  return ATTRIBUTES[kind](object, handleOf);
}

function isSame(value: unknown, before: unknown): boolean {
  if (value === before) return true;
  return value instanceof Object && before instanceof Object && JSON.stringify(value) === JSON.stringify(before);
}
