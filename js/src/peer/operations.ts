/** The operations on a peer connection: a closed table, as in `tests/contract/peer.json`; `create` makes what they need. */

import { base64ToBytes } from "../comm/pcm";
import { isRecord, isText, type JsonObject } from "../json";
import { closedError } from "./errors";
import type { PeerMedia } from "./media";
import { camelCase } from "./names";
import type { PeerObjects } from "./objects";

/** What an operation works on. */
export interface Subject {
  readonly pc: RTCPeerConnection;
  readonly objects: PeerObjects;
  readonly media: PeerMedia;
  /** The parameters that the kernel has, by their senders. */
  readonly transactions: WeakMap<RTCRtpSender, string>;
  close(): void;
}

/** @param cancelled closes what the operation opens, now or later */
type Operation = (subject: Subject, args: JsonObject, cancelled: AbortSignal) => JsonObject | Promise<JsonObject>;

const DIRECTIONS: readonly unknown[] = ["sendrecv", "sendonly", "recvonly", "inactive", "stopped"];

export const OPERATIONS = {
  close({ close }) {
    close();
    return {};
  },

  async create_offer({ pc }, { ice_restart }) {
    return described(await pc.createOffer({ iceRestart: ice_restart === true }));
  },

  async create_answer({ pc }) {
    return described(await pc.createAnswer());
  },

  async set_local_description({ pc, media }, { description }) {
    if (isRecord(description)) await pc.setLocalDescription(description as RTCLocalSessionDescriptionInit);
    else await pc.setLocalDescription();
    media.closeUnused();
    return {};
  },

  async set_remote_description({ pc, media }, { description }) {
    await pc.setRemoteDescription(description as RTCSessionDescriptionInit);
    media.closeUnused(); // a description can stop transceivers, and a rollback removes them
    return {};
  },

  async add_ice_candidate({ pc }, { candidate }) {
    await pc.addIceCandidate(candidate as RTCIceCandidateInit | null);
    return {};
  },

  restart_ice({ pc }) {
    pc.restartIce();
    return {};
  },

  get_configuration({ pc }) {
    const { iceServers = [], iceTransportPolicy = "all", bundlePolicy = "balanced" } = pc.getConfiguration();
    const configuration = {
      ice_servers: iceServers,
      ice_transport_policy: iceTransportPolicy,
      bundle_policy: bundlePolicy,
    };
    return { configuration };
  },

  set_configuration({ pc }, { configuration }) {
    pc.setConfiguration(configurationOf(configuration));
    return {};
  },

  async add_track({ pc, objects, media }, { media: wanted }, cancelled) {
    requireOpen(pc);
    const sender = await media.open(wanted, cancelled, (track) => pc.addTrack(track));
    objects.discover();
    const transceiver = pc.getTransceivers().find((one) => one.sender === sender);
    return { sender: objects.handleOf("sender", sender), transceiver: objects.handleOf("transceiver", transceiver) };
  },

  remove_track({ pc, objects, media }, { sender }) {
    pc.removeTrack(objects.find("sender", sender));
    media.closeUnused();
    return {};
  },

  async replace_track({ pc, objects, media }, { sender, media: wanted }, cancelled) {
    const found = objects.find("sender", sender);
    requireOpen(pc);
    if (wanted === null || wanted === undefined) await found.replaceTrack(null);
    else await media.open(wanted, cancelled, (track) => found.replaceTrack(track));
    media.closeUnused();
    return {};
  },

  set_track_enabled({ objects }, { track, enabled }) {
    objects.find("track", track).enabled = enabled === true;
    return {};
  },

  async add_transceiver({ pc, objects, media }, { kind, direction, media: wanted }, cancelled) {
    requireOpen(pc);
    const init = camelCase({ direction }) as RTCRtpTransceiverInit;
    const transceiver =
      wanted === null || wanted === undefined
        ? pc.addTransceiver(String(kind), init)
        : await media.open(wanted, cancelled, (track) => pc.addTransceiver(track, init));
    objects.discover();
    return { transceiver: objects.handleOf("transceiver", transceiver) };
  },

  set_direction({ objects }, { transceiver, direction }) {
    const found = objects.find("transceiver", transceiver);
    // An attribute ignores a value that it does not know.
    if (!DIRECTIONS.includes(direction)) {
      throw new TypeError(
        `The provided value '${String(direction)}' is not a valid enum value of type RTCRtpTransceiverDirection.`,
      );
    }
    found.direction = direction as RTCRtpTransceiverDirection;
    return {};
  },

  set_codec_preferences({ objects }, { transceiver, codecs }) {
    objects.find("transceiver", transceiver).setCodecPreferences(codecs as RTCRtpCodec[]);
    return {};
  },

  stop_transceiver({ objects, media }, { transceiver }) {
    objects.find("transceiver", transceiver).stop();
    media.closeUnused();
    return {};
  },

  get_capabilities(_, { side, kind }) {
    const of = side === "receiver" ? RTCRtpReceiver : RTCRtpSender;
    return { capabilities: of.getCapabilities(String(kind)) };
  },

  get_parameters({ objects, transactions }, { sender }) {
    const found = objects.find("sender", sender);
    const parameters = found.getParameters();
    transactions.set(found, parameters.transactionId);
    return { parameters };
  },

  async set_parameters({ objects, transactions }, { sender, parameters }) {
    const found = objects.find("sender", sender);
    const given = parameters as RTCRtpSendParameters;
    // The browser takes parameters only in the task that has read them, so those that the kernel read are read again.
    const isCurrent = isRecord(parameters) && parameters.transactionId === transactions.get(found);
    const fresh = isCurrent ? { transactionId: found.getParameters().transactionId } : {};
    await found.setParameters({ ...given, ...fresh });
    return {};
  },

  set_jitter_buffer_target({ objects }, { receiver, milliseconds }) {
    const found = objects.find("receiver", receiver);
    if (!("jitterBufferTarget" in found)) {
      throw new DOMException("This browser has no RTCRtpReceiver.jitterBufferTarget.", "NotSupportedError");
    }
    found.jitterBufferTarget = milliseconds as number | null;
    return {};
  },

  create_data_channel({ pc, objects }, { label, options }) {
    const channel = pc.createDataChannel(String(label), isRecord(options) ? camelCase(options) : {});
    return { channel: objects.handleOf("channel", channel) };
  },

  send({ objects }, { channel, text, base64 }) {
    const found = objects.find("channel", channel);
    if (isText(base64)) found.send(base64ToBytes(base64));
    else found.send(String(text));
    return {};
  },

  close_channel({ objects }, { channel }) {
    objects.find("channel", channel).close();
    return {};
  },

  set_buffered_amount_low_threshold({ objects }, { channel, bytes }) {
    objects.find("channel", channel).bufferedAmountLowThreshold = Number(bytes);
    return {};
  },

  async get_stats({ pc, objects }, { of }) {
    const stats = await statsOf(pc, objects, of);
    return { reports: [...stats.values()] };
  },
} satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;

export function isOperation(name: string): name is OperationName {
  return Object.hasOwn(OPERATIONS, name);
}

/** Runs one operation; what the browser throws at once rejects, too. */
export async function runOperation(
  op: OperationName,
  subject: Subject,
  args: JsonObject,
  cancelled: AbortSignal,
): Promise<JsonObject> {
  const operation: Operation = OPERATIONS[op];
  return operation(subject, args, cancelled);
}

/** Returns a configuration with the browser's names. */
export function configurationOf(given: unknown): RTCConfiguration {
  return isRecord(given) ? camelCase(given) : {};
}

function described({ type, sdp }: RTCSessionDescriptionInit): JsonObject {
  return { type, sdp: sdp ?? "" };
}

/** A closed connection must not open a microphone first. */
function requireOpen(pc: RTCPeerConnection): void {
  if (pc.signalingState === "closed") throw closedError();
}

function statsOf(pc: RTCPeerConnection, objects: PeerObjects, of: unknown): Promise<RTCStatsReport> {
  if (of === null || of === undefined) return pc.getStats();
  const [kind] = String(of).split(":");
  switch (kind) {
    case "sender":
      return objects.find("sender", of).getStats();
    case "receiver":
      return objects.find("receiver", of).getStats();
    default:
      return pc.getStats(objects.find("track", of));
  }
}
