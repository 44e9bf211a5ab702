/** What the view shows of a peer connection: its objects as they are now, and all that happened. */

import { type ReadonlySignal, signal as signalOf } from "@preact/signals";
import { isRecord, isText, type JsonObject } from "../json";
import type { OperationPayload, PeerEvent } from "./messages";
import type { Pair } from "./pairs";

/** One operation: a bar on the time line. */
export interface OperationCall {
  readonly call: number;
  readonly op: string;
  readonly startMs: number;
  /** Undefined while it runs. */
  endMs?: number;
  error?: { readonly name: string; readonly message: string };
}

/** One event: a dot on the time line. */
export interface Occurrence {
  readonly timeMs: number;
  readonly source: string;
  readonly name: string;
  /** The state after it, the text of a message, or the like. */
  readonly detail: string;
}

/** A change of the signaling state. */
export interface Edge {
  readonly from: string;
  readonly to: string;
}

export interface ChannelRow {
  readonly handle: string;
  readonly label: string;
  readonly state: string;
  readonly bufferedAmount: number;
  readonly sent: number;
  readonly received: number;
}

/** More would make the picture slow and no clearer. */
const MAX_SHOWN = 400;
const MAX_DETAIL_LENGTH = 80;
const REFRESH_MS = 50;
/** Events that come with each message. */
const FLOODING: ReadonlySet<string> = new Set(["message", "bufferedamountlow"]);

/** Which attribute a state event has changed. */
const STATE_OF: Readonly<Record<string, string>> = {
  signalingstatechange: "signaling_state",
  icegatheringstatechange: "ice_gathering_state",
  iceconnectionstatechange: "ice_connection_state",
  connectionstatechange: "connection_state",
  statechange: "state",
  gatheringstatechange: "gathering_state",
};

export class PeerRecord {
  readonly #version = signalOf(0);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #objects = new Map<string, JsonObject>();
  #calls: OperationCall[] = [];
  #occurrences: Occurrence[] = [];
  #pairs: readonly Pair[] = [];
  #edge: Edge | undefined;
  #sent = new Map<string, number>();
  #received = new Map<string, number>();

  /** Changes at most every 50 ms, after which the other attributes are to be read again. */
  get version(): ReadonlySignal<number> {
    return this.#version;
  }

  get calls(): readonly OperationCall[] {
    return this.#calls;
  }

  get occurrences(): readonly Occurrence[] {
    return this.#occurrences;
  }

  get pairs(): readonly Pair[] {
    return this.#pairs;
  }

  /** The last change of the signaling state. */
  get edge(): Edge | undefined {
    return this.#edge;
  }

  /** The attributes of an object; undefined if the page has not seen it. */
  object(handle: string): JsonObject | undefined {
    return this.#objects.get(handle);
  }

  get channels(): readonly ChannelRow[] {
    return [...this.#objects]
      .filter(([handle]) => handle.startsWith("channel:"))
      .map(([handle, channel]) => ({
        handle,
        label: String(channel.label ?? ""),
        state: String(channel.ready_state ?? ""),
        bufferedAmount: Number(channel.buffered_amount ?? 0),
        sent: this.#sent.get(handle) ?? 0,
        received: this.#received.get(handle) ?? 0,
      }));
  }

  /** Forgets everything: another connection begins. */
  clear(): void {
    this.#objects = new Map();
    this.#calls = [];
    this.#occurrences = [];
    this.#pairs = [];
    this.#edge = undefined;
    this.#sent = new Map();
    this.#received = new Map();
    this.#changed();
  }

  /** A message has gone out by this channel. */
  countSent(channel: string): void {
    this.#sent.set(channel, (this.#sent.get(channel) ?? 0) + 1);
    this.#changed();
  }

  apply([timeMs, source, name, payload, changes]: PeerEvent): void {
    const before = this.#signalingState;
    for (const [handle, attributes] of Object.entries(changes)) {
      this.#objects.set(handle, { ...this.#objects.get(handle), ...attributes });
    }
    const after = this.#signalingState;
    if (before !== undefined && after !== undefined && before !== after) this.#edge = { from: before, to: after };
    if (name === "operation") this.#applyOperation(timeMs, payload as OperationPayload);
    else if (name === "pairs") this.#pairs = (payload as { readonly pairs: readonly Pair[] }).pairs;
    else this.#addOccurrence({ timeMs, source, name, detail: this.#detailOf(source, name, payload) });
    if (name === "message") this.#received.set(source, (this.#received.get(source) ?? 0) + 1);
    this.#changed();
  }

  get #signalingState(): string | undefined {
    const state = this.#objects.get("pc")?.signaling_state;
    return isText(state) ? state : undefined;
  }

  #applyOperation(timeMs: number, { call, op, phase, error }: OperationPayload): void {
    if (phase === "called") {
      this.#calls.push({ call, op, startMs: timeMs });
      dropOne(this.#calls, ({ op }) => op === "send");
      return;
    }
    const found = this.#calls.findLast((one) => one.call === call);
    if (!found) return;
    found.endMs = timeMs;
    if (error) found.error = error;
  }

  #addOccurrence(occurrence: Occurrence): void {
    this.#occurrences.push(occurrence);
    dropOne(this.#occurrences, ({ name }) => FLOODING.has(name));
  }

  #detailOf(source: string, name: string, payload: unknown): string {
    const state = STATE_OF[name];
    if (state !== undefined) return String(this.#objects.get(source)?.[state] ?? "");
    if (!isRecord(payload)) return "";
    if (name === "icecandidate") {
      return isRecord(payload.candidate) ? String(payload.candidate.candidate ?? "") : "end of candidates";
    }
    if (name === "message") {
      if (typeof payload.bytes === "number") return `${payload.bytes} bytes, too large to be passed to Python`;
      return String(payload.text ?? "bytes").slice(0, MAX_DETAIL_LENGTH);
    }
    return Object.values(payload).map(String).join(" ").slice(0, MAX_DETAIL_LENGTH);
  }

  #changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#version.value += 1;
    }, REFRESH_MS);
  }
}

/** Drops an entry of a full list. A flood of messages must not push out how the connection was made. */
function dropOne<T>(list: T[], isFlooding: (entry: T) => boolean): void {
  if (list.length > MAX_SHOWN) list.splice(Math.max(list.findIndex(isFlooding), 0), 1);
}
