/** A store without a model: its signals hold what a script has put there, and its actions do nothing but the visible. */

import { signal } from "@preact/signals";
import { NO_CALL } from "../src/call/call_times";
import type { StatsSample } from "../src/comm/media_outbox";
import { INITIAL_STATE } from "../src/comm/protocol";
import { EventList } from "../src/conversation/event_list";
import { SILENCE } from "../src/conversation/speaking";
import { EMPTY_CONVERSATION } from "../src/conversation/transcript";
import { NO_USAGE } from "../src/conversation/usage_totals";
import type { Levels } from "../src/media/level_meter";
import { now } from "../src/page";
import { REALTIME } from "../src/protocols/realtime/protocol";
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
  /** Samples of the statistics; the last one is of now. */
  readonly samples?: readonly StatsSample[];
  /** The tab of the panel that is open. */
  readonly tab?: string;
};

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

const nothing = () => {};

export function scriptedStore({ levels = { user: 0, assistant: 0 }, samples = [], ...script }: Script = {}): Store {
  const values = { ...NOTHING, ...script };
  const signals = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, signal(value)]));
  const life = new AbortController();
  const store: Store = {
    // Made of `Values`, which names each signal of a store.
    ...(signals as unknown as Pick<Store, keyof Values>),
    events: new EventList(async () => ({ calls: [], first: 0, next: 0, more: false }), life.signal),
    eventSummaries: REALTIME.eventSummaries,
    sentMessages: [],
    canChooseSpeaker: true,
    isEventsOnly: false,
    connect: nothing,
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
    diagnose: async () => ({ steps: [], pairs: [] }) as never,
    watchLevels(listener) {
      listener(levels);
      return nothing;
    },
  };
  return store;
}
