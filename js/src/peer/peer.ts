/** One RTCPeerConnection that is driven from Python: its operations, its objects and what happens to them. */

import { abortable } from "../async";
import { pageError } from "../errors";
import type { JsonObject } from "../json";
import type { ClipSource } from "../media/clips";
import { now, randomId } from "../page";
import { closedMeanwhile, operationError } from "./errors";
import { EVENT_NAMES, payloadOf } from "./events";
import { PeerMedia } from "./media";
import type { OperationPayload, PeerEvent } from "./messages";
import { type Kind, PeerObjects } from "./objects";
import { countOpenPeer } from "./open_peers";
import { configurationOf, isOperation, runOperation, type Subject } from "./operations";
import { PairReader } from "./pairs";
import { RemoteAudio, type RemoteAudioState } from "./remote_audio";

export interface PeerListener {
  onEvent(event: PeerEvent): void;
  onRemoteAudio(state: RemoteAudioState): void;
  /** A message has gone out by this channel. */
  onSent(channel: string): void;
  onClosed(): void;
}

export class Peer {
  /** The page's name of this connection. */
  readonly id = randomId("c");
  readonly #pc: RTCPeerConnection;
  readonly #listener: PeerListener;
  readonly #life = new AbortController();
  readonly #objects: PeerObjects;
  readonly #subject: Subject;
  readonly #pairs: PairReader;
  readonly #audio: RemoteAudio;
  #calls = 0;

  /** Makes the connection; throws what the browser throws, or `too_many_peers`. */
  constructor(configuration: unknown, kernel: ClipSource, listener: PeerListener) {
    const { signal } = this.#life;
    if (typeof globalThis.RTCPeerConnection !== "function") throw pageError("webrtc_unavailable");
    this.#listener = listener;
    const startMs = now();
    countOpenPeer(this.id, signal);
    try {
      this.#pc = new RTCPeerConnection(configurationOf(configuration));
    } catch (error) {
      this.#life.abort();
      throw error;
    }
    const pc = this.#pc;
    this.#objects = new PeerObjects(pc, (kind, object, handle) => this.#listen(kind, object, handle));
    this.#audio = new RemoteAudio((state) => listener.onRemoteAudio(state), signal);
    this.#pairs = new PairReader(pc, (pairs) => this.#record("pc", "pairs", () => ({ pairs })), signal);
    const media = new PeerMedia(pc, kernel, signal);
    this.#subject = { pc, objects: this.#objects, media, transactions: new WeakMap(), close: () => this.#close() };
    const call = { call: ++this.#calls, op: "create" } as const;
    listener.onEvent([startMs, "pc", "operation", { ...call, phase: "called" }, {}]);
    this.#recordOperation({ ...call, phase: "settled" });
  }

  get isClosed(): boolean {
    return this.#life.signal.aborted;
  }

  get audio(): Pick<RemoteAudio, "setAudible"> {
    return this.#audio;
  }

  /**
   * Runs an operation; rejects with its error as it crosses to the kernel.
   *
   * @param cancelled closes what the operation opens, now or later
   */
  async run(op: string, args: JsonObject, cancelled: AbortSignal): Promise<JsonObject> {
    const call = { call: ++this.#calls, op };
    const changed = op === "send" ? String(args.channel) : undefined;
    this.#recordOperation({ ...call, phase: "called" }, changed);
    try {
      const result = await this.#run(op, args, cancelled);
      if (op === "send") this.#listener.onSent(String(args.channel));
      this.#recordOperation({ ...call, phase: "settled" }, changed);
      return result;
    } catch (thrown) {
      const error = operationError(thrown);
      const { code: name, message } = error;
      this.#recordOperation({ ...call, phase: "settled", error: { name, message } }, changed);
      throw error;
    }
  }

  /** Closes the connection at once. */
  close(reason: "no_view" | "kernel_died" | "page_gone"): void {
    if (this.isClosed) return;
    const call = { call: ++this.#calls, op: "close" };
    this.#recordOperation({ ...call, phase: "called", reason });
    this.#close();
    this.#recordOperation({ ...call, phase: "settled" });
  }

  async #run(op: string, args: JsonObject, cancelled: AbortSignal): Promise<JsonObject> {
    if (!isOperation(op)) throw new DOMException(`Unknown operation "${op}".`, "NotSupportedError");
    const operation = runOperation(op, this.#subject, args, cancelled);
    // What is called on a closed connection gets the browser's own error.
    if (op === "close" || this.isClosed) return operation;
    return abortable(operation, this.#life.signal);
  }

  #close(): void {
    if (this.isClosed) return;
    this.#pc.close();
    // Ends the media, and what waits for the connection.
    this.#life.abort(closedMeanwhile());
    this.#listener.onClosed();
  }

  #listen(kind: Kind, object: EventTarget, handle: string): void {
    if (object instanceof RTCDataChannel) object.binaryType = "arraybuffer";
    for (const name of EVENT_NAMES[kind]) object.addEventListener(name, (event) => this.#onEvent(handle, event));
  }

  #onEvent(handle: string, event: Event): void {
    const changed = event.type === "message" ? handle : undefined;
    this.#record(handle, event.type, () => payloadOf(event, this.#objects), changed);
    if (event.type === "track") this.#audio.add((event as RTCTrackEvent).track);
    if (event.type === "iceconnectionstatechange") this.#pairs.follow(this.#pc.iceConnectionState);
  }

  #recordOperation(payload: OperationPayload, changed?: string): void {
    this.#record("pc", "operation", () => payload, changed);
  }

  /** @param changed the only object that can have changed: messages may come by the thousand */
  #record(source: string, name: string, payload: () => unknown, changed?: string): void {
    const timeMs = now();
    if (changed === undefined) this.#objects.discover();
    const content = payload();
    this.#listener.onEvent([timeMs, source, name, content, this.#objects.changes(changed)]);
  }
}
