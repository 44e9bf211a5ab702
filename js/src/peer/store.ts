/** What the views of a peer connection show, and the actions that they offer; one store per model, for all its views. */

import { computed, type ReadonlySignal, signal as signalOf } from "@preact/signals";
import type { Model } from "../comm/model";
import { type ErrorReport, pageError } from "../errors";
import { isRecord, isText, type JsonObject, textOr } from "../json";
import { PeerRecord } from "./record";
import type { RemoteAudioState } from "./remote_audio";
import { openPeerSession } from "./session";

/** The five states of the W3C. */
export interface PeerStates {
  readonly signaling_state: string;
  readonly ice_gathering_state: string;
  readonly ice_connection_state: string;
  readonly connection_state: string;
  readonly dtls_state: string;
}

export const INITIAL_STATES: PeerStates = {
  signaling_state: "stable",
  ice_gathering_state: "new",
  ice_connection_state: "new",
  connection_state: "new",
  dtls_state: "new",
};

export interface Descriptions {
  readonly local: string;
  readonly remote: string;
}

export interface PeerStore {
  /** The states of this page's connection, else those that the kernel knows of another page's. */
  readonly states: ReadonlySignal<PeerStates>;
  readonly descriptions: ReadonlySignal<Descriptions>;
  readonly record: PeerRecord;
  /** Whether this page has made a connection; if not, there are only the kernel's traits. */
  readonly isOwn: ReadonlySignal<boolean>;
  readonly audio: ReadonlySignal<RemoteAudioState>;
  setAudible(isAudible: boolean): void;
  /** What ended the connection or keeps it from beginning, else the error of the last operation. */
  readonly problem: ReadonlySignal<ErrorReport | null>;
  /** Counts one more view; call the returned function when it closes. */
  viewOpened(): () => void;
}

const STATE_NAMES = Object.keys(INITIAL_STATES) as (keyof PeerStates)[];
const TRAITS = [...STATE_NAMES, "error"] as const;

/** Makes the store of a model; it lives as long as the signal. */
export function openPeerStore(model: Model, signal: AbortSignal): PeerStore {
  const record = new PeerRecord();
  const isOwn = signalOf(false);
  const audio = signalOf<RemoteAudioState>("none");
  const ownProblem = signalOf<ErrorReport | null>(null);
  const lastError = signalOf<ErrorReport | null>(null);
  const traits = traitsOf(model, signal);
  const session = openPeerSession(model, signal, {
    onWelcome() {},
    onPeer() {
      record.clear();
      isOwn.value = true;
    },
    onEvent: (event) => record.apply(event),
    onRemoteAudio: (state) => {
      audio.value = state;
    },
    onSent: (channel) => record.countSent(channel),
    onSettled: (error) => {
      lastError.value = error;
    },
    onKernelDied: () => {
      ownProblem.value = pageError("kernel_died", {
        hint: "Run the widget's cell again in a running kernel.",
      }).toWire();
    },
    onProtocolMismatch: () => {
      ownProblem.value = pageError("protocol_mismatch").toWire();
    },
  });
  const ownPc = computed((): JsonObject | undefined => {
    void record.version.value;
    return isOwn.value ? record.object("pc") : undefined;
  });
  return {
    states: computed(() => {
      const pc = ownPc.value;
      if (!pc) return statesIn(traits.value);
      return statesIn({ ...pc, dtls_state: dtlsState(record) });
    }),
    descriptions: computed(() => {
      const pc = ownPc.value;
      return { local: sdpOf(pc?.local_description), remote: sdpOf(pc?.remote_description) };
    }),
    record,
    isOwn,
    audio,
    setAudible: (isAudible) => session.peer?.audio.setAudible(isAudible),
    // A kernel that passes errors on explains them, too.
    problem: computed(() => ownProblem.value ?? errorIn(traits.value.error) ?? lastError.value),
    viewOpened: () => session.views.opened(),
  };
}

/** The state of the DTLS transport in use: that of the data channels, else of the first sender that has one. */
export function dtlsState(record: PeerRecord): unknown {
  const pc = record.object("pc");
  const senders: readonly unknown[] = Array.isArray(pc?.senders) ? pc.senders : [];
  const transports = [pc?.sctp, ...senders].map((user) => record.object(String(user))?.transport);
  const state = record.object(String(transports.find(isText)))?.state;
  return state ?? (pc?.signaling_state === "closed" ? "closed" : "new");
}

function statesIn(values: JsonObject): PeerStates {
  const entries = STATE_NAMES.map((name) => [name, textOr(values[name], INITIAL_STATES[name])]);
  return Object.fromEntries(entries) as Record<keyof PeerStates, string>;
}

function sdpOf(description: unknown): string {
  return isRecord(description) ? textOr(description.sdp, "") : "";
}

function errorIn(value: unknown): ErrorReport | null {
  if (!isRecord(value) || !isText(value.code) || !isText(value.message)) return null;
  return { code: value.code, message: value.message, hint: textOr(value.hint, "") };
}

/** The kernel's traits, read again at each change. */
function traitsOf(model: Model, until: AbortSignal): ReadonlySignal<JsonObject> {
  const read = (): JsonObject => Object.fromEntries(TRAITS.map((name) => [name, model.get(name)]));
  const values = signalOf(read());
  const onChange = () => {
    values.value = read();
  };
  for (const name of TRAITS) model.on(`change:${name}`, onChange);
  until.addEventListener("abort", () => {
    for (const name of TRAITS) model.off(`change:${name}`, onChange);
  });
  return values;
}
