/** A store without a model: its signals hold what a script has put there, and its actions do nothing but the visible. */

import { signal } from "@preact/signals";
import { NO_CALL } from "../src/call/call_times";
import type { Diagnosis } from "../src/call/diagnosis";
import type { StatsSample } from "../src/comm/media_outbox";
import { type ExplainedLine, INITIAL_STATE } from "../src/comm/protocol";
import { EventList } from "../src/conversation/event_list";
import { SILENCE } from "../src/conversation/speaking";
import { EMPTY_CONVERSATION } from "../src/conversation/transcript";
import { NO_USAGE } from "../src/conversation/usage_totals";
import type { JsonObject } from "../src/json";
import type { Levels } from "../src/media/level_meter";
import { now } from "../src/page";
import { REALTIME } from "../src/protocols/realtime/protocol";
import type { Descriptions } from "../src/session";
import type { Store } from "../src/store";

/** What each signal of a store holds. */
type Values = {
  -readonly [Name in keyof Store as Store[Name] extends { value: unknown } ? Name : never]: Store[Name] extends {
    value: infer Value;
  }
    ? Value
    : never;
};

export type Script = Partial<Values> & {
  readonly levels?: Levels;
  /** The events of the log. */
  readonly events?: readonly JsonObject[];
  readonly diagnosis?: Diagnosis;
  readonly descriptions?: Descriptions;
  readonly explained?: readonly ExplainedLine[];
  /** Samples of the statistics; the last one is of now. */
  readonly samples?: readonly StatsSample[];
  /** The tab of the panel that is open. */
  readonly tab?: string;
  /** What is clicked then, one after the other: selectors. */
  readonly clicks?: readonly string[];
};

const NO_DIAGNOSIS: Diagnosis = { steps: [], pairs: [], cause: "", hint: "" };

const NOTHING: Values = {
  state: INITIAL_STATE,
  isFollowing: false,
  conversation: EMPTY_CONVERSATION,
  speaking: SILENCE,
  responseTimes: new Map(),
  server: "Local",
  canCall: true,
  progress: "",
  isKernelSlow: false,
  isMicrophoneRequested: false,
  input: "microphone",
  recovery: null,
  hearsNothing: false,
  roundTripMs: undefined,
  statsIntervalMs: 1_000,
  confirmedSession: null,
  usage: NO_USAGE,
  textInterrupts: true,
  canInterrupt: false,
  layout: "full",
  callTimes: NO_CALL,
  problem: null,
  isKernelDead: false,
  isAudioBlocked: false,
  draft: "",
  approvals: [],
  pushToTalk: { isOn: false, isHeld: false },
  devices: [],
  chosen: { microphone: undefined, speaker: undefined },
  showsDevices: false,
};

/** The time of the first event of a log. */
const START_MS = Date.UTC(2026, 0, 1, 12);

const nothing = () => {};

export function scriptedStore({
  levels = { user: 0, assistant: 0 },
  events = [],
  diagnosis = NO_DIAGNOSIS,
  descriptions = { offer: "", answer: "" },
  explained = [],
  samples = [],
  ...script
}: Script = {}): Store {
  const values = { ...NOTHING, ...script };
  const signals = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, signal(value)]));
  const life = new AbortController();
  const log = new EventList(async () => ({ calls: [], first: 0, next: 0, more: false }), life.signal);
  log.setHistoryLength(0);
  for (const [number, event] of events.entries()) {
    const direction = event.direction === "sent" ? "sent" : "received";
    log.append(direction, START_MS + 40 * number, JSON.stringify(event), event);
  }
  const store: Store = {
    // Made of `Values`, which names each signal of a store.
    ...(signals as unknown as Pick<Store, keyof Values>),
    events: log,
    eventSummaries: REALTIME.eventSummaries,
    sentMessages: [],
    canChooseSpeaker: true,
    isEventsOnly: false,
    connect: nothing,
    expectConnect: nothing,
    connectAgain: nothing,
    disconnect: nothing,
    toggleMute: nothing,
    sendDraft: nothing,
    interrupt: nothing,
    updateSession: async () => {},
    setTextInterrupts: nothing,
    watchStats(listener) {
      const sinceMs = now() - (samples.at(-1)?.timeMs ?? 0);
      for (const sample of samples) listener({ ...sample, timeMs: sample.timeMs + sinceMs });
      return nothing;
    },
    resumeAudio: nothing,
    approve: nothing,
    setTalking: nothing,
    useDevice: nothing,
    dismiss: nothing,
    viewOpened: () => nothing,
    diagnose: async () => diagnosis,
    descriptions: () => descriptions,
    explainSdp: async () => explained,
    watchLevels(listener) {
      listener(levels);
      return nothing;
    },
  };
  return store;
}
