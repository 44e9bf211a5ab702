/** What the views show and what they can ask for; one store a model, however many views. */

import { batch, computed, type ReadonlySignal, type Signal, signal as signalOf } from "@preact/signals";
import type { Model } from "./bridge";
import type { CallWish } from "./call";
import { beginCall, type Conversation, EMPTY_CONVERSATION, endCall, fold } from "./conversation";
import type { Device } from "./devices";
import type { Diagnosis } from "./diagnosis";
import { asRtcWidgetError, type RtcWidgetError } from "./errors";
import { EventList, eventTypeOf } from "./event_list";
import { type KernelState, watchKernelState } from "./kernel_state";
import {
  type CallState,
  type ErrorReport,
  INITIAL_STATE,
  isRecord,
  isText,
  type Question,
  type Recollection,
  type Status,
  textOr,
} from "./protocol";
import type { TalkState } from "./push_to_talk";
import { Questions } from "./questions";
import { quoted } from "./quote";
import { Resumption } from "./resumption";
import { openSession } from "./session";

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
  /** What is being waited for; empty when nothing is. */
  readonly activity: ReadonlySignal<string>;
  /** What went wrong and has not been dismissed: the end of a call, or a note that leaves it going. */
  readonly problem: ReadonlySignal<Problem | null>;
  readonly isKernelGone: ReadonlySignal<boolean>;
  /** The browser's autoplay policy wants a click before the voice can be heard. */
  readonly isAudioBlocked: ReadonlySignal<boolean>;
  /** What has been written and not yet sent; it outlives the views. */
  readonly draft: Signal<string>;
  connect(wish?: CallWish): void;
  disconnect(): void;
  toggleMute(): void;
  /** Sends the draft and asks for an answer; keeps the draft if it cannot be sent. */
  sendDraft(): void;
  hear(): void;
  /** The function calls that wait for a person's leave. */
  readonly questions: ReadonlySignal<readonly Question[]>;
  answer(question: Question, approved: boolean): void;
  readonly talk: ReadonlySignal<TalkState>;
  /** Begins or ends a turn of push-to-talk. */
  hold(held: boolean): void;
  /** The devices there are; named once the microphone has been permitted. */
  readonly devices: ReadonlySignal<readonly Device[]>;
  readonly chosen: ReadonlySignal<Chosen>;
  useDevice(kind: Device["kind"], id: string): void;
  readonly canChooseSpeaker: boolean;
  /** Whether the device menus are open. */
  readonly showsDevices: Signal<boolean>;
  /** Counts one more view; call what is returned when it goes. */
  viewOpened(): () => void;
  diagnose(): Promise<Diagnosis>;
  dismiss(): void;
}

/** The ids of the devices a person has chosen; undefined leaves it to the browser. */
export interface Chosen {
  readonly microphone: string | undefined;
  readonly speaker: string | undefined;
}

export interface Speaking {
  readonly user: boolean;
  readonly assistant: boolean;
}

export interface Problem extends ErrorReport {
  readonly endsCall: boolean;
}

const SILENCE: Speaking = { user: false, assistant: false };

/** Makes the store of a model; it lives as long as the signal. */
export function openStore(model: Model, signal: AbortSignal): Store {
  const ownState = signalOf(INITIAL_STATE);
  const told = watchKernelState(model, signal);
  const conversation = signalOf(EMPTY_CONVERSATION);
  const speaking = signalOf(SILENCE);
  const isSlow = signalOf(false);
  const isKernelGone = signalOf(false);
  const isWelcomed = signalOf(false);
  const isAudioBlocked = signalOf(false);
  const note = signalOf<Problem | null>(null);
  const dismissed = signalOf<ErrorReport | null>(null);
  const draft = signalOf("");
  const devices = signalOf<readonly Device[]>([]);
  const questions = new Questions();
  const talk = signalOf<TalkState>({ isOn: false, isHeld: false });
  const resumption = new Resumption();
  let recalled = EMPTY_CONVERSATION;
  /** The attempts of this page, which the kernel recalls as well. */
  const ours = new Set<string>();
  const kernelActivity = traitSignal(model, "activity", signal);

  const endTalk = () => {
    speaking.value = SILENCE;
    conversation.value = endCall(conversation.peek());
  };
  const showNote = (error: RtcWidgetError) => {
    note.value = { ...error.toWire(), endsCall: false };
  };
  /** The calls of other pages in their order; each may come in several pieces, and its last words after the next has begun. */
  const heardOf: string[] = [];
  /** A call that goes on with another page's needs its settings. */
  const noteSettings = ({ calls }: Recollection) => {
    for (const { attempt, resumes, events: heard } of calls) {
      if (!heardOf.includes(attempt)) {
        heardOf.push(attempt);
        if (!resumes) resumption.forget();
      }
      if (attempt !== heardOf.at(-1)) continue;
      for (const [direction, , text] of heard) if (direction === "sent") resumption.noteSent(text);
    }
  };

  const session = openSession(model, signal, {
    onWelcome() {
      isWelcomed.value = true;
    },
    onState(after) {
      batch(() => {
        if (after.status === "connecting" && ownState.value.status !== "connecting") note.value = null;
        if (after.data_channel_state === "closed" && ownState.value.data_channel_state !== "closed") {
          endTalk();
          questions.withdraw();
        }
        ownState.value = after;
      });
    },
    onEvent(attempt, direction, text) {
      if (direction === "sent") resumption.noteSent(text);
      const event = parseEvent(text);
      events.append(direction, performance.timeOrigin + performance.now(), text, eventTypeOf(event));
      if (direction === "sent" || event === undefined) return;
      batch(() => {
        conversation.value = fold(conversation.value, event, attempt);
        speaking.value = listenFor(event, speaking.value);
        note.value = noteOf(event) ?? note.value;
      });
    },
    onOpen(attempt, resumes) {
      ours.add(attempt);
      // What the call before this one, or the one that was followed, has left open will not be closed any more.
      endTalk();
      conversation.value = beginCall(conversation.value, attempt, resumes);
      if (resumes) return resumption.eventsFor(conversation.value);
      resumption.forget();
      return [];
    },
    onPast(piece) {
      // Folded apart and put in front: this page may have made a call of its own meanwhile.
      recalled = foldPiece(recalled, piece);
      const before = recalled;
      const mine = conversation.value;
      const isOurs = ({ attempt }: { readonly attempt: string }) => ours.has(attempt);
      const isOld = (one: { readonly attempt: string }) => !isOurs(one);
      batch(() => {
        conversation.value = {
          isTranscribed: mine.isTranscribed,
          turns: [...(isFollowing.value ? before : endCall(before)).turns.filter(isOld), ...mine.turns.filter(isOurs)],
          calls: [...before.calls.filter(isOld), ...mine.calls.filter(isOurs)],
        };
      });
      noteSettings(piece);
      if (!piece.more) events.knowPast(piece.next);
    },
    onFollowed(piece) {
      noteSettings(piece);
      batch(() => {
        conversation.value = foldPiece(conversation.value, piece);
        for (const { events: heard } of piece.calls) {
          events.appendAll(heard);
          for (const [direction, , text] of heard) {
            const event = direction === "received" ? parseEvent(text) : undefined;
            if (event) speaking.value = listenFor(event, speaking.value);
          }
        }
        // The last words of a call may come after its end.
        if (!isFollowing.value && !isCalling(ownState.value.status)) endTalk();
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
    onQuestion: (question) => questions.ask(question),
    onNote: (report) => {
      note.value = { ...report, endsCall: false };
    },
    onTalk: (state) => {
      talk.value = state;
    },
  });
  const { call, speaker, microphone } = session;
  const events = new EventList((first, before) => session.recall.window(first, before), signal);
  const isFollowing = computed(() => {
    // A saved notebook holds the traits of a call long over, and a dead kernel takes none back.
    if (!isWelcomed.value || isKernelGone.value) return false;
    const { holder, status } = told.value;
    return holder !== null && holder !== session.page && isCalling(status) && !isCalling(ownState.value.status);
  });
  const state = computed((): CallState => {
    if (!isFollowing.value) return ownState.value;
    const { holder: _, error: __, ...theirs } = told.value;
    return { ...ownState.value, ...theirs };
  });
  let wasFollowing = false;
  isFollowing.subscribe((isNow) => {
    if (wasFollowing && !isNow && !isCalling(ownState.peek().status)) endTalk();
    wasFollowing = isNow;
  });
  const chosen = signalOf({ microphone: microphone.choice, speaker: speaker.choice });
  // A kernel that has just said what it does, or that it is done, is not the one we wait for in vain.
  kernelActivity.subscribe(() => {
    isSlow.value = false;
  });

  return {
    state,
    isFollowing,
    events,
    conversation,
    speaking,
    server: traitSignal(model, "server", signal),
    activity: computed(() => kernelActivity.value || (isSlow.value ? WAITING : "")),
    problem: computed(() => {
      const error = problemOf(ownState.value, told.value, isFollowing.value);
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
        call.send(textTurn(text));
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
        note.value = { ...asRtcWidgetError(error).toWire(), endsCall: false };
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
    viewOpened: () => session.watchman.viewOpened(),
    dismiss() {
      batch(() => {
        dismissed.value = problemOf(ownState.value, told.value, isFollowing.value);
        note.value = null;
      });
    },
  };
}

function isCalling(status: Status): boolean {
  return status !== "idle" && status !== "error";
}

/** What there is to say of the last call: how this page's own ended, or that the page with the call has vanished. */
function problemOf(own: CallState, { status, error }: KernelState, isFollowing: boolean): ErrorReport | null {
  if (isCalling(own.status)) return null;
  const isOver = !isFollowing && own.error?.code === "call_taken_over";
  if (own.error && !isOver) return own.error;
  return status === "error" && error?.code === "page_not_found" ? error : null;
}

/** The conversation with a piece of the kernel's record at its end. */
function foldPiece(conversation: Conversation, { calls }: Recollection): Conversation {
  return calls.reduce((before, { attempt, resumes, events }) => {
    const received = events.flatMap(([direction, , text]) => (direction === "received" ? [parseEvent(text)] : []));
    return received.reduce(
      (all, event) => (event ? fold(all, event, attempt) : all),
      beginCall(before, attempt, resumes),
    );
  }, conversation);
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

function textTurn(text: string): readonly string[] {
  const item = { type: "message", role: "user", content: [{ type: "input_text", text }] };
  return [JSON.stringify({ type: "conversation.item.create", item }), JSON.stringify({ type: "response.create" })];
}

function parseEvent(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const event: unknown = JSON.parse(text);
    return isRecord(event) ? event : undefined;
  } catch {
    return undefined; // the kernel gets it as it came and may make more of it
  }
}

function listenFor(event: Readonly<Record<string, unknown>>, before: Speaking): Speaking {
  switch (event.type) {
    case "input_audio_buffer.speech_started":
      return { ...before, user: true };
    case "input_audio_buffer.speech_stopped":
      return { ...before, user: false };
    case "output_audio_buffer.started":
      return { ...before, assistant: true };
    case "output_audio_buffer.stopped":
    case "output_audio_buffer.cleared":
      return { ...before, assistant: false };
    default:
      return before;
  }
}

/** Nothing a person could or need do anything about. */
function isHarmless({ code, event_id }: Readonly<Record<string, unknown>>): boolean {
  // There was nothing left to cancel: whoever interrupts means the voice, which is silenced apart.
  if (code === "response_cancel_not_active") return true;
  // The text box asked while an answer was under way (its events have no id); the kernel asks again after that.
  return code === "conversation_already_has_active_response" && !isText(event_id);
}

/** A server's error that leaves the call going, in words; a failed answer is told of in `response.done` alone. */
function noteOf(event: Readonly<Record<string, unknown>>): Problem | undefined {
  const response = event.type === "response.done" && isRecord(event.response) ? event.response : {};
  const details = response.status === "failed" ? response.status_details : undefined;
  const error = event.type === "error" ? event.error : isRecord(details) ? details.error : undefined;
  if (!isRecord(error) || isHarmless(error)) return undefined;
  const message = isText(error.message) ? quoted(error.message) : "The server reports an error without saying which.";
  return { code: textOr(error.code, "server_error"), message, hint: "The call goes on.", endsCall: false };
}
