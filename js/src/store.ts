/** What the views show and what they can ask for; one store a model, however many views. */

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

const ALLOW = "Allow the microphone in the browser's prompt.";
const WAITING = "Waiting for the kernel; is a cell running?";

export interface Store {
  /** The call that this page shows: its own, else that of the page it follows. */
  readonly state: ReadonlySignal<CallState>;
  /** Whether the call is another page's. */
  readonly isFollowing: ReadonlySignal<boolean>;
  readonly events: EventList;
  readonly conversation: ReadonlySignal<Conversation>;
  readonly speaking: ReadonlySignal<Speaking>;
  /** Whom the kernel calls. */
  readonly server: ReadonlySignal<string>;
  /** Whether there is anybody to call; if not, `activity` says what to do. */
  readonly canCall: ReadonlySignal<boolean>;
  /** What is being waited for; empty when nothing is. */
  readonly activity: ReadonlySignal<string>;
  /** What went wrong and has not been dismissed: the end of a call, or a note that leaves it going. */
  readonly problem: ReadonlySignal<Problem | null>;
  readonly isKernelGone: ReadonlySignal<boolean>;
  /** The browser's autoplay policy wants a click before the voice can be heard. */
  readonly isAudioBlocked: ReadonlySignal<boolean>;
  /** What has been written and not yet sent; it outlives the views. */
  readonly draft: Signal<string>;
  connect(wish?: ConnectOptions): void;
  disconnect(): void;
  toggleMute(): void;
  /** Sends the draft and asks for an answer; keeps the draft if it cannot be sent. */
  sendDraft(): void;
  hear(): void;
  /** The function calls that wait for a person's leave. */
  readonly questions: ReadonlySignal<readonly ApprovalRequest[]>;
  answer(question: ApprovalRequest, approved: boolean): void;
  readonly talk: ReadonlySignal<PushToTalkState>;
  /** Begins or ends a turn of push-to-talk. */
  hold(held: boolean): void;
  /** The devices there are; named once the microphone has been permitted. */
  readonly devices: ReadonlySignal<readonly Device[]>;
  readonly chosen: ReadonlySignal<ChosenDevices>;
  useDevice(kind: Device["kind"], id: string): void;
  readonly canChooseSpeaker: boolean;
  /** Whether the device menus are open. */
  readonly showsDevices: Signal<boolean>;
  /** Counts one more view; call what is returned when it goes. */
  viewOpened(): () => void;
  diagnose(): Promise<Diagnosis>;
  dismiss(): void;
}

/** The devices a person has chosen; undefined leaves it to the browser. */
export interface ChosenDevices {
  readonly microphone: DeviceChoice | undefined;
  readonly speaker: DeviceChoice | undefined;
}

/** Makes the store of a model; it lives as long as the signal. */
export function openStore(model: Model, signal: AbortSignal): Store {
  const ownState = signalOf(INITIAL_STATE);
  const told = watchKernelState(model, signal);
  const protocol = protocolOrDefault(readSettings(model).protocol);
  const record = new CallRecord(protocol, (first, before) => session.recall.window(first, before), signal);
  const isSlow = signalOf(false);
  const isAsking = signalOf(false);
  const canCall = signalOf(readSettings(model).canCall);
  const isKernelGone = signalOf(false);
  const isWelcomed = signalOf(false);
  const isAudioBlocked = signalOf(false);
  const note = signalOf<Problem | null>(null);
  const dismissed = signalOf<ErrorReport | null>(null);
  const draft = signalOf("");
  const devices = signalOf<readonly Device[]>([]);
  const questions = new Approvals();
  const talk = signalOf<PushToTalkState>({ isOn: false, isHeld: false });
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
        // What was said of a call that went on is of no use when it is over.
        if (isCalling(ownState.value.status) && !isCalling(after.status)) note.value = null;
        // A fault of a call that goes on, and that is mended.
        if (after.error === null && note.value?.code === ownState.value.error?.code) note.value = null;
        if (after.data_channel_state === "closed" && ownState.value.data_channel_state !== "closed") {
          record.end();
          questions.withdraw();
        }
        ownState.value = after;
      });
    },
    onEvent(event, facts) {
      batch(() => {
        record.append(event, facts);
        for (const fact of facts) {
          if (fact.type === "note") note.value = { ...fact.note, hint: "The call goes on.", endsCall: false };
        }
      });
    },
    onOpen(attempt, resumes) {
      record.begin(attempt, resumes);
      return record.conversation.peek();
    },
    onHistory: (piece) => record.prepend(piece, isFollowing.value),
    onFollowed(piece) {
      batch(() => {
        record.follow(piece);
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
    onKernelGone: (gone) => {
      isKernelGone.value = gone;
    },
    onAudioBlocked: (blocked) => {
      isAudioBlocked.value = blocked;
    },
    onApproval: (question) => questions.ask(question),
    onNote: (report) => {
      note.value = { ...report, endsCall: false };
    },
    onPushToTalk: (state) => {
      talk.value = state;
    },
    onAsking: (asking) => {
      isAsking.value = asking;
    },
  });
  const { call, speaker, microphone } = session;
  const isFollowing = computed(() => {
    // A saved notebook holds the traits of a call long over, and a dead kernel takes none back.
    if (!isWelcomed.value || isKernelGone.value) return false;
    const { active_page: activePage, status } = told.value;
    return activePage !== null && activePage !== session.page && isCalling(status) && !isCalling(ownState.value.status);
  });
  const state = computed((): CallState => {
    if (!isFollowing.value) return ownState.value;
    const { active_page: _, error: __, ...theirs } = told.value;
    return { ...ownState.value, ...theirs };
  });
  let wasFollowing = false;
  isFollowing.subscribe((isNow) => {
    if (wasFollowing && !isNow && !isCalling(ownState.peek().status)) record.end();
    wasFollowing = isNow;
  });
  const chosen = signalOf({ microphone: microphone.choice, speaker: speaker.choice });
  // A kernel that has just said what it does, or that it is done, is not the one we wait for in vain.
  kernelProgress.subscribe(() => {
    isSlow.value = false;
  });

  return {
    state,
    isFollowing,
    events: record.events,
    conversation: record.conversation,
    speaking: record.speaking,
    server: traitSignal(model, "server", signal),
    canCall,
    activity: computed(() => {
      if (isAsking.value && ownState.value.microphone_permission === "prompt") return ALLOW;
      return kernelProgress.value || (isSlow.value ? WAITING : "");
    }),
    problem: computed(() => {
      const error = endOfCall(ownState.value, told.value, isFollowing.value);
      return error && error !== dismissed.value ? { ...error, endsCall: true } : note.value;
    }),
    isKernelGone,
    isAudioBlocked,
    draft,
    // A failure is in the state, where every view shows it.
    connect(wish) {
      // The microphone would be opened for a call that nobody can make.
      if (!isKernelGone.value) call.connect({ ...wish, resumes: isFollowing.value }).catch(() => {});
    },
    disconnect: () => call.disconnect(),
    toggleMute: () => call.mute(!ownState.value.muted),
    sendDraft() {
      const text = draft.value.trim();
      if (text === "") return;
      try {
        call.send(protocol.textTurn(text));
        draft.value = "";
      } catch (error) {
        showNote(asRtcWidgetError(error));
      }
    },
    hear: () => void speaker.resume(),
    questions: questions.open,
    answer: (question, approved) => questions.answer(question, approved),
    talk,
    hold(held) {
      try {
        if (held) session.pushToTalk.press();
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
        dismissed.value = endOfCall(ownState.value, told.value, isFollowing.value);
        note.value = null;
      });
    },
  };
}

/** A trait that the kernel writes, as a signal; the value is read anew, since hosts disagree on what listeners are given. */
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
