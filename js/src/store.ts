/** What the views show and the actions that they offer; one store per model, for all its views. */

import { batch, computed, type ReadonlySignal, type Signal, signal as signalOf } from "@preact/signals";
import type { ConnectOptions } from "./call/call";
import type { Diagnosis } from "./call/diagnosis";
import type { PushToTalkState } from "./call/push_to_talk";
import { watchKernelState } from "./comm/kernel_state";
import type { Model } from "./comm/model";
import { type ApprovalRequest, type CallState, type Device, INITIAL_STATE, isCalling } from "./comm/protocol";
import { Approvals } from "./conversation/approvals";
import { CallRecord } from "./conversation/call_record";
import type { EventList } from "./conversation/event_list";
import { endOfCall, type Problem } from "./conversation/problem";
import type { Speaking } from "./conversation/speaking";
import type { Conversation } from "./conversation/transcript";
import { asRtcWidgetError, type ErrorReport, type RtcWidgetError } from "./errors";
import { textOr } from "./json";
import type { DeviceChoice } from "./media/devices";
import { protocolOrDefault } from "./protocols/named";
import { openSession } from "./session";
import { readSettings } from "./settings";

const ALLOW_MICROPHONE = "Allow the microphone in the browser's prompt.";
const KERNEL_BUSY = "Waiting for the kernel; is a cell running?";

export interface Store {
  /** The state of the call that this page shows: its own, else that of the page it follows. */
  readonly state: ReadonlySignal<CallState>;
  /** Whether the call is another page's. */
  readonly isFollowing: ReadonlySignal<boolean>;
  readonly events: EventList;
  /** Whether events are only listed: nothing can be written, and there is no transcript. */
  readonly isEventsOnly: boolean;
  readonly conversation: ReadonlySignal<Conversation>;
  readonly speaking: ReadonlySignal<Speaking>;
  /** The server that the kernel calls. */
  readonly server: ReadonlySignal<string>;
  /** Whether there is a server to call; if not, `progress` says what to do. */
  readonly canCall: ReadonlySignal<boolean>;
  /** What the page is waiting for; empty if nothing. */
  readonly progress: ReadonlySignal<string>;
  /** The last error that has not been dismissed: one that ended the call, or a note. */
  readonly problem: ReadonlySignal<Problem | null>;
  readonly isKernelDead: ReadonlySignal<boolean>;
  /** The browser's autoplay policy needs a click before it plays audio. */
  readonly isAudioBlocked: ReadonlySignal<boolean>;
  /** The text that is not sent yet; it outlives the views. */
  readonly draft: Signal<string>;
  connect(options?: ConnectOptions): void;
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
  const isKernelDead = signalOf(false);
  const isWelcomed = signalOf(false);
  let hasBackend = false;
  const isAudioBlocked = signalOf(false);
  const note = signalOf<Problem | null>(null);
  const dismissed = signalOf<ErrorReport | null>(null);
  const draft = signalOf("");
  const devices = signalOf<readonly Device[]>([]);
  const approvals = new Approvals();
  const pushToTalk = signalOf<PushToTalkState>({ isOn: false, isHeld: false });
  const readCanCall = () => {
    canCall.value = readSettings(model).canCall;
  };
  model.on("change:settings", readCanCall);
  signal.addEventListener("abort", () => model.off("change:settings", readCanCall));
  const kernelProgress = traitSignal(model, "progress", signal);

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
        ownState.value = after;
      });
    },
    onEvent(event, facts) {
      batch(() => {
        record.append(event, facts);
        for (const fact of facts) {
          if (fact.type === "backend") hasBackend = fact.isRemote;
          if (fact.type === "note") note.value = { ...fact.note, hint: "The call continues.", endsCall: false };
        }
      });
    },
    onMeasured(attempt, event, facts) {
      batch(() => record.measure(attempt, event, facts));
    },
    onOpen(attempt, resumes) {
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
  const isFollowing = computed(() => {
    // A saved notebook holds the traits of a call that is over, and a dead kernel does not update them.
    if (!isWelcomed.value || isKernelDead.value) return false;
    const { active_page: activePage, status } = kernelState.value;
    return activePage !== null && activePage !== session.page && isCalling(status) && !isCalling(ownState.value.status);
  });
  const state = computed((): CallState => {
    if (!isFollowing.value) return ownState.value;
    const { active_page: _, error: __, ...theirs } = kernelState.value;
    return { ...ownState.value, ...theirs };
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
    conversation: record.conversation,
    speaking: record.speaking,
    server: traitSignal(model, "server", signal),
    isEventsOnly: protocol.isEventsOnly === true,
    canCall,
    progress: computed(() => {
      if (isMicrophoneRequested.value && ownState.value.microphone_permission === "prompt") return ALLOW_MICROPHONE;
      return kernelProgress.value || (isSlow.value ? KERNEL_BUSY : "");
    }),
    problem: computed(() => {
      const error = endOfCall(ownState.value, kernelState.value, isFollowing.value);
      // The header says that the kernel is gone; no other cause goes deeper.
      if (isKernelDead.value && error?.code !== "kernel_died") return null;
      return error && error !== dismissed.value ? { ...error, endsCall: true } : note.value;
    }),
    isKernelDead,
    isAudioBlocked,
    draft,
    connect,
    connectAgain: (options) => connect({ ...call.lastOptions, ...options }),
    disconnect: () => call.disconnect(),
    toggleMute: () => call.mute(!ownState.value.muted),
    sendDraft() {
      const text = draft.value.trim();
      if (text === "") return;
      try {
        session.sendTurn(protocol.textTurn(text, hasBackend));
        draft.value = "";
      } catch (error) {
        showNote(asRtcWidgetError(error));
      }
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
      session.useDevice(kind, device).then(showChoice, (error: unknown) => {
        showChoice();
        showNote(asRtcWidgetError(error));
      });
    },
    diagnose: () => session.diagnose(),
    viewOpened: () => session.limits.viewOpened(),
    dismiss() {
      batch(() => {
        dismissed.value = endOfCall(ownState.value, kernelState.value, isFollowing.value);
        note.value = null;
      });
    },
  };
}

/** A trait of the kernel as a signal. The value is read again at each change: hosts pass different arguments to listeners. */
function traitSignal(model: Model, name: string, until: AbortSignal): ReadonlySignal<string> {
  const read = () => textOr(model.get(name), "");
  const value = signalOf(read());
  const onChange = () => {
    value.value = read();
  };
  model.on(`change:${name}`, onChange);
  until.addEventListener("abort", () => model.off(`change:${name}`, onChange));
  return value;
}
