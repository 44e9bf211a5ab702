/** What the views show and the actions that they offer; one store per model, for all its views. */

import { batch, computed, type ReadonlySignal, type Signal, signal as signalOf } from "@preact/signals";
import type { ConnectOptions } from "./call/call";
import type { Recovery } from "./call/call_machine";
import { type CallTimes, NO_CALL, withCall, withEnd } from "./call/call_times";
import type { Diagnosis } from "./call/diagnosis";
import { InputCheck } from "./call/input_check";
import type { PushToTalkState } from "./call/push_to_talk";
import { shownStateOf } from "./call/shown_state";
import { roundTripOf } from "./call/stats";
import { watchKernelState } from "./comm/kernel_state";
import type { StatsSample } from "./comm/media_outbox";
import type { Model } from "./comm/model";
import {
  type ApprovalRequest,
  type CallState,
  type Device,
  type ExplainedLine,
  INITIAL_STATE,
  isCalling,
} from "./comm/protocol";
import { Approvals } from "./conversation/approvals";
import { CallRecord } from "./conversation/call_record";
import type { ConfirmedSession } from "./conversation/confirmed_session";
import type { EventList } from "./conversation/event_list";
import type { SummarizeEvent } from "./conversation/event_summary";
import { endOfCall, type Problem } from "./conversation/problem";
import { ResponseTimer, type ResponseTimes } from "./conversation/response_times";
import type { Speaking } from "./conversation/speaking";
import type { Conversation } from "./conversation/transcript";
import { decodeUsageTotals, type UsageTotals } from "./conversation/usage_totals";
import { asRtcWidgetError, type ErrorReport, type RtcWidgetError } from "./errors";
import { type JsonObject, textOr } from "./json";
import type { DeviceChoice } from "./media/devices";
import type { Levels } from "./media/level_meter";
import { now } from "./page";
import { protocolOrDefault } from "./protocols/named";
import { type Descriptions, openSession } from "./session";
import { type InputSource, readSettings } from "./settings";

export interface Store {
  /** The state of the call that this page shows: its own, else that of the page it follows. */
  readonly state: ReadonlySignal<CallState>;
  /** Whether the call is another page's. */
  readonly isFollowing: ReadonlySignal<boolean>;
  readonly events: EventList;
  /** Summarizes the events of a log in their order; each log needs its own. */
  eventSummaries(): SummarizeEvent;
  /** Whether events are only listed: the page has neither a text box nor a transcript. */
  readonly isEventsOnly: boolean;
  readonly conversation: ReadonlySignal<Conversation>;
  readonly speaking: ReadonlySignal<Speaking>;
  /** How long the person waited for the voice of each response of this page's calls. */
  readonly responseTimes: ReadonlySignal<ResponseTimes>;
  /** The server that the kernel calls. */
  readonly server: ReadonlySignal<string>;
  /** Whether there is a server to call; if not, `progress` says what to do. */
  readonly canCall: ReadonlySignal<boolean>;
  /** What the kernel is doing for the call; empty if nothing. */
  readonly progress: ReadonlySignal<string>;
  /** Whether the kernel does not reply, although it lives: a cell may be running. */
  readonly isKernelSlow: ReadonlySignal<boolean>;
  /** Whether the browser is opening a microphone. */
  readonly isMicrophoneRequested: ReadonlySignal<boolean>;
  /** The audio that a call sends, by the settings. */
  readonly input: ReadonlySignal<"microphone" | "clips" | "none">;
  /** How a lost connection is being replaced; null when it is not. */
  readonly recovery: ReadonlySignal<Recovery | null>;
  /** Whether nothing was heard for some seconds of a person who should speak; only while a view watches the levels. */
  readonly hearsNothing: ReadonlySignal<boolean>;
  /** The round-trip time to the server, in milliseconds; undefined while it is not measured. */
  readonly roundTripMs: ReadonlySignal<number | undefined>;
  /** Gets each sample of the statistics of this page's call until the returned function is called. */
  watchStats(listener: (sample: StatsSample) => void): () => void;
  /** The time between two samples of the statistics; null: Python has turned them off. */
  readonly statsIntervalMs: ReadonlySignal<number | null>;
  /** The settings that the server has confirmed in this call or the last one; null: none are known. */
  readonly confirmedSession: ReadonlySignal<ConfirmedSession | null>;
  /** Changes settings of the session, named as in Python; rejects with an `RtcWidgetError` that says why not. */
  updateSession(settings: JsonObject): Promise<void>;
  /** What all calls have used. */
  readonly usage: ReadonlySignal<UsageTotals>;
  /** Whether a written message interrupts the voice. */
  readonly textInterrupts: ReadonlySignal<boolean>;
  setTextInterrupts(interrupts: boolean): void;
  /** Whether the assistant is heard in this page's call. */
  readonly canInterrupt: ReadonlySignal<boolean>;
  /** Stops the response that is generated or spoken. */
  interrupt(): void;
  /** Measures how loud both sides are until the returned function is called. */
  watchLevels(listener: (levels: Levels) => void): () => void;
  /** How much of the interface is shown. */
  readonly layout: ReadonlySignal<"full" | "compact">;
  /** When this page's last call began and ended. */
  readonly callTimes: ReadonlySignal<CallTimes>;
  /** The last error that has not been dismissed: one that ended the call, or a note. */
  readonly problem: ReadonlySignal<Problem | null>;
  readonly isKernelDead: ReadonlySignal<boolean>;
  /** The browser's autoplay policy needs a click before it plays audio. */
  readonly isAudioBlocked: ReadonlySignal<boolean>;
  /** The text that is not sent yet; it outlives the views. */
  readonly draft: Signal<string>;
  /** The messages that were sent from this page, oldest first. */
  readonly sentMessages: readonly string[];
  connect(options?: ConnectOptions): void;
  /** A person is about to connect, so that a part of it can be done. */
  expectConnect(): void;
  /** Connects as the last time, except for what the options change. */
  connectAgain(options?: ConnectOptions): void;
  disconnect(): void;
  toggleMute(): void;
  /** Sends the draft and asks for a response; keeps the draft if it cannot be sent. */
  sendDraft(): void;
  resumeAudio(): void;
  /** The function calls that wait for a person's approval. */
  readonly approvals: ReadonlySignal<readonly ApprovalRequest[]>;
  approve(request: ApprovalRequest, isApproved: boolean): void;
  readonly pushToTalk: ReadonlySignal<PushToTalkState>;
  /** Begins or ends a push-to-talk turn. */
  setTalking(isTalking: boolean): void;
  /** Their names are empty until the microphone has been permitted. */
  readonly devices: ReadonlySignal<readonly Device[]>;
  readonly chosen: ReadonlySignal<ChosenDevices>;
  useDevice(kind: Device["kind"], id: string): void;
  readonly canChooseSpeaker: boolean;
  /** Whether the device menus are open. */
  readonly showsDevices: Signal<boolean>;
  /** Counts one more view; call the returned function when it closes. */
  viewOpened(): () => void;
  diagnose(): Promise<Diagnosis>;
  /** The offer and the answer of this page's last call. */
  descriptions(): Descriptions;
  /** Asks the kernel what the lines of an offer or an answer mean; rejects if it does not reply. */
  explainSdp(sdp: string): Promise<readonly ExplainedLine[]>;
  dismiss(): void;
}

/** The devices that a person has chosen; undefined leaves the choice to the browser. */
export interface ChosenDevices {
  readonly microphone: DeviceChoice | undefined;
  readonly speaker: DeviceChoice | undefined;
}

/** Makes the store of a model; it lives as long as the signal. */
export function openStore(model: Model, signal: AbortSignal): Store {
  const ownState = signalOf(INITIAL_STATE);
  const kernelState = watchKernelState(model, signal);
  const protocol = protocolOrDefault(readSettings(model).protocol);
  const record = new CallRecord(protocol, (first, before) => session.history.events(first, before), signal);
  const isSlow = signalOf(false);
  const isMicrophoneRequested = signalOf(false);
  const canCall = signalOf(readSettings(model).canCall);
  const input = signalOf(inputKind(readSettings(model).microphone));
  const layout = signalOf(readSettings(model).layout);
  const statsIntervalMs = signalOf(readSettings(model).statsIntervalMs);
  const textInterrupts = signalOf(readSettings(model).textInterrupts);
  const statsListeners = new Set<(sample: StatsSample) => void>();
  const hearsNothing = signalOf(false);
  const roundTripMs = signalOf<number | undefined>(undefined);
  const responseTimer = new ResponseTimer();
  const responseTimes = signalOf(responseTimer.times);
  const inputCheck = new InputCheck();
  const recovery = signalOf<Recovery | null>(null);
  const callTimes = signalOf(NO_CALL);
  const isKernelDead = signalOf(false);
  const isWelcomed = signalOf(false);
  let hasBackend = false;
  const isAudioBlocked = signalOf(false);
  const note = signalOf<Problem | null>(null);
  const dismissed = signalOf<ErrorReport | null>(null);
  const draft = signalOf("");
  const sentMessages: string[] = [];
  const devices = signalOf<readonly Device[]>([]);
  const approvals = new Approvals();
  const pushToTalk = signalOf<PushToTalkState>({ isOn: false, isHeld: false });
  const applySettings = () => {
    const settings = readSettings(model);
    canCall.value = settings.canCall;
    input.value = inputKind(settings.microphone);
    layout.value = settings.layout;
    statsIntervalMs.value = settings.statsIntervalMs;
    textInterrupts.value = settings.textInterrupts;
  };
  model.on("change:settings", applySettings);
  signal.addEventListener("abort", () => model.off("change:settings", applySettings));
  const kernelProgress = traitSignal(model, "progress", (value) => textOr(value, ""), signal);

  const showNote = (error: RtcWidgetError) => {
    note.value = { ...error.toWire(), endsCall: false };
  };
  const session = openSession(model, protocol, signal, {
    onWelcome() {
      isWelcomed.value = true;
    },
    onState(after) {
      batch(() => {
        if (after.status === "connecting" && ownState.value.status !== "connecting") note.value = null;
        // A note about a call is useless once the call is over.
        if (isCalling(ownState.value.status) && !isCalling(after.status)) note.value = null;
        // The error of the current call has been resolved.
        if (after.error === null && note.value?.code === ownState.value.error?.code) note.value = null;
        if (after.data_channel_state === "closed" && ownState.value.data_channel_state !== "closed") {
          record.end(session.heardUntilMs);
          approvals.withdraw();
        }
        if (!isCalling(after.status)) callTimes.value = withEnd(callTimes.value);
        ownState.value = after;
      });
    },
    onRecovery: (step) => {
      recovery.value = step;
    },
    onStats: (sample) => {
      roundTripMs.value = sample && roundTripOf(sample.reports);
      if (sample) for (const listener of statsListeners) listener(sample);
    },
    onEvent(event, facts) {
      batch(() => {
        record.append(event, facts);
        for (const fact of facts) {
          responseTimer.apply(fact, event.attempt, now());
          if (fact.type === "backend") hasBackend = fact.isRemote;
          if (fact.type === "note") note.value = { ...fact.note, hint: "The call continues.", endsCall: false };
        }
        responseTimes.value = responseTimer.times;
      });
    },
    onMeasured(attempt, event, facts) {
      batch(() => {
        record.measure(attempt, event, facts);
        for (const fact of facts) responseTimer.apply(fact, attempt, event.atMs);
        responseTimes.value = responseTimer.times;
      });
    },
    onOpen(attempt, resumes) {
      callTimes.value = withCall(callTimes.value, attempt);
      inputCheck.reset();
      responseTimer.reset();
      record.begin(attempt, resumes);
      return record.conversation.peek();
    },
    onHistory: (page) => record.prepend(page, isFollowing.value),
    onFollowed(page) {
      batch(() => {
        record.follow(page);
        // The last words of a call may come after its end.
        if (!isFollowing.value && !isCalling(ownState.value.status)) record.end();
      });
    },
    onDevices: (found) => {
      devices.value = found;
    },
    onSlowKernel: (slow) => {
      isSlow.value = slow;
    },
    onKernelDied: () => {
      batch(() => {
        isKernelDead.value = true;
        note.value = null;
      });
    },
    onAudioBlocked: (blocked) => {
      isAudioBlocked.value = blocked;
    },
    onApproval: (request) => approvals.ask(request),
    onNote: (report) => {
      note.value = { ...report, endsCall: false };
    },
    onPushToTalk: (state) => {
      pushToTalk.value = state;
    },
    onMicrophoneRequest: (isPending) => {
      isMicrophoneRequested.value = isPending;
    },
  });
  const { call, speaker, microphone } = session;
  const isCallElsewhere = computed(() => {
    // A saved notebook holds the traits of a call that is over, and a dead kernel does not update them.
    if (!isWelcomed.value || isKernelDead.value) return false;
    const { active_page: activePage, status } = kernelState.value;
    return activePage !== null && activePage !== session.page && isCalling(status);
  });
  const isFollowing = computed(() => isCallElsewhere.value && !isCalling(ownState.value.status));
  const shownState = shownStateOf(ownState, () => isCallElsewhere.peek());
  const state = computed((): CallState => {
    if (!isFollowing.value) return shownState.value;
    const { active_page: _, error: __, ...theirs } = kernelState.value;
    return { ...shownState.value, ...theirs };
  });
  let wasFollowing = false;
  isFollowing.subscribe((isNow) => {
    if (wasFollowing && !isNow && !isCalling(ownState.peek().status)) record.end();
    wasFollowing = isNow;
  });
  const chosen = signalOf({ microphone: microphone.choice, speaker: speaker.choice });
  // A kernel that reports progress is not stuck.
  kernelProgress.subscribe(() => {
    isSlow.value = false;
  });

  const canInterrupt = computed(
    () => !isFollowing.value && record.speaking.value.assistant && ownState.value.data_channel_state === "open",
  );
  /** Whether the person may speak in this page's call, and has said so by push-to-talk. */
  const turnOf = () => {
    const { status, muted, receive_only } = ownState.peek();
    if (status !== "connected" || muted || receive_only || input.peek() !== "microphone") return "closed";
    const { isOn, isHeld } = pushToTalk.peek();
    if (isOn) return isHeld ? "held" : "closed";
    return record.speaking.peek().assistant ? "closed" : "open";
  };

  // An error is in the state, where every view shows it.
  const connect = (options: ConnectOptions = {}) => {
    // Without a kernel the microphone would be opened for nothing.
    if (!isKernelDead.value)
      call.connect({ ...options, resumes: options.resumes || isFollowing.value }).catch(() => {});
  };

  return {
    state,
    isFollowing,
    events: record.events,
    eventSummaries: protocol.eventSummaries,
    conversation: record.conversation,
    speaking: record.speaking,
    responseTimes,
    server: traitSignal(model, "server", (value) => textOr(value, ""), signal),
    isEventsOnly: protocol.isEventsOnly === true,
    canCall,
    progress: kernelProgress,
    isKernelSlow: isSlow,
    isMicrophoneRequested,
    input,
    recovery,
    hearsNothing,
    roundTripMs,
    watchStats(listener) {
      statsListeners.add(listener);
      return () => void statsListeners.delete(listener);
    },
    statsIntervalMs,
    confirmedSession: record.confirmedSession,
    updateSession: (settings) => session.updateSession(settings),
    usage: traitSignal(model, "usage_totals", decodeUsageTotals, signal),
    textInterrupts,
    setTextInterrupts(interrupts) {
      // At once, also while a cell keeps the kernel busy.
      textInterrupts.value = interrupts;
      session.setTextInterrupts(interrupts).catch((error: unknown) => {
        textInterrupts.value = readSettings(model).textInterrupts;
        showNote(asRtcWidgetError(error));
      });
    },
    canInterrupt,
    interrupt() {
      try {
        session.interruption.interrupt();
      } catch (error) {
        showNote(asRtcWidgetError(error));
      }
    },
    watchLevels(listener) {
      const stop = session.levels.listen((levels) => {
        hearsNothing.value = inputCheck.take(levels.user, performance.now(), turnOf());
        listener(levels);
      });
      return () => {
        stop();
        inputCheck.pause();
        hearsNothing.value = false;
      };
    },
    layout,
    callTimes,
    problem: computed(() => {
      const error = endOfCall(ownState.value, kernelState.value, isFollowing.value);
      // The header says that the kernel is gone; no other cause goes deeper.
      if (isKernelDead.value && error?.code !== "kernel_died") return null;
      return error && error !== dismissed.value ? { ...error, endsCall: true } : note.value;
    }),
    isKernelDead,
    isAudioBlocked,
    draft,
    sentMessages,
    connect,
    expectConnect: () => call.expectConnect(),
    connectAgain: (options) => connect({ ...call.lastOptions, ...options }),
    disconnect: () => call.disconnect(),
    toggleMute: () => call.mute(!ownState.value.muted),
    sendDraft() {
      const text = draft.value.trim();
      if (text === "") return;
      const texts = protocol.textTurn(text, hasBackend);
      draft.value = "";
      responseTimer.written(now());
      const sent = textInterrupts.value ? session.interruption.replace(texts) : session.interruption.add(texts);
      if (sentMessages.at(-1) !== text) sentMessages.push(text);
      sent.catch((error: unknown) => {
        draft.value ||= text;
        showNote(asRtcWidgetError(error));
      });
    },
    resumeAudio: () => void speaker.resume(),
    approvals: approvals.pending,
    approve: (request, isApproved) => approvals.decide(request, isApproved),
    pushToTalk,
    setTalking(isTalking) {
      try {
        if (isTalking) session.pushToTalk.press();
        else session.pushToTalk.release();
      } catch (error) {
        showNote(asRtcWidgetError(error));
      }
    },
    devices,
    chosen,
    canChooseSpeaker: speaker.canChoose,
    showsDevices: signalOf(false),
    useDevice(kind, id) {
      const device = devices.value.find((one) => one.kind === kind && one.id === id);
      const showChoice = () => {
        chosen.value = { microphone: microphone.choice, speaker: speaker.choice };
      };
      inputCheck.reset();
      session.useDevice(kind, device).then(showChoice, (error: unknown) => {
        showChoice();
        showNote(asRtcWidgetError(error));
      });
    },
    diagnose: () => session.diagnose(),
    descriptions: () => session.descriptions,
    explainSdp: (sdp) => session.explainSdp(sdp),
    viewOpened: () => session.limits.viewOpened(),
    dismiss() {
      batch(() => {
        dismissed.value = endOfCall(ownState.value, kernelState.value, isFollowing.value);
        note.value = null;
      });
    },
  };
}

function inputKind(source: InputSource): "microphone" | "clips" | "none" {
  if (source === "clips") return source;
  return source === false ? "none" : "microphone";
}

/** A trait of the kernel as a signal. The value is read again at each change: hosts pass different arguments to listeners. */
function traitSignal<T>(
  model: Model,
  name: string,
  decode: (value: unknown) => T,
  until: AbortSignal,
): ReadonlySignal<T> {
  const read = () => decode(model.get(name));
  const value = signalOf(read());
  const onChange = () => {
    value.value = read();
  };
  model.on(`change:${name}`, onChange);
  until.addEventListener("abort", () => model.off(`change:${name}`, onChange));
  return value;
}
