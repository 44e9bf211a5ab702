/** The events and the transcript of the calls: those of this page, those it follows, and those before it. */

import { batch, type ReadonlySignal, signal as signalOf } from "@preact/signals";
import type { Direction, HistoryCall, HistoryPage } from "../comm/protocol";
import { type JsonObject, parseObject } from "../json";
import { now } from "../page";
import type { ConfirmedSession } from "./confirmed_session";
import { EventList, type LoadHistory } from "./event_list";
import type { ChannelEvent, EventReader, Fact, MeasuredEvent } from "./facts";
import { SILENCE, type Speaking, speakingAfter } from "./speaking";
import { type Conversation, EMPTY_CONVERSATION, type Turn } from "./transcript";

const NONE: ReadonlyMap<string, unknown> = new Map();

export class CallRecord {
  readonly events: EventList;
  readonly #reader: EventReader;
  readonly #conversation = signalOf(EMPTY_CONVERSATION);
  readonly #speaking = signalOf(SILENCE);
  readonly #confirmed = signalOf<ConfirmedSession | null>(null);
  /** The attempts of this page, which the kernel's history holds as well. */
  readonly #ours = new Set<string>();
  #history = EMPTY_CONVERSATION;
  #turnEnd: ReturnType<typeof setTimeout> | undefined;

  constructor(reader: EventReader, load: LoadHistory, signal: AbortSignal) {
    this.#reader = reader;
    this.events = new EventList(load, signal);
  }

  get conversation(): ReadonlySignal<Conversation> {
    return this.#conversation;
  }

  get speaking(): ReadonlySignal<Speaking> {
    return this.#speaking;
  }

  /** The settings that the server has confirmed last, in this call or the last one. */
  get confirmedSession(): ReadonlySignal<ConfirmedSession | null> {
    return this.#confirmed;
  }

  /** Begins a call of this page. */
  begin(attempt: string, resumes: boolean): void {
    this.#ours.add(attempt);
    this.#confirmed.value = null;
    // Turns that an earlier call, or a followed one, has left open are never finished.
    this.end();
    this.#conversation.value = this.#reader.beginCall(this.#conversation.value, attempt, resumes);
  }

  /** Ends the call; `atMs` says until when its audio was heard, if that is known. */
  end(atMs?: number): void {
    clearTimeout(this.#turnEnd);
    this.#speaking.value = SILENCE;
    this.#conversation.value = this.#reader.endCall(this.#conversation.peek(), atMs);
  }

  /** Adds an event of this page's call, and the facts in it. */
  append({ attempt, direction, text, json }: ChannelEvent, facts: readonly Fact[]): void {
    const atMs = now();
    this.events.append(direction, atMs, text, json);
    if (json === undefined) return;
    const before = this.#conversation.value;
    this.#conversation.value = this.#reader.reduce(before, json, attempt, atMs);
    if (this.#conversation.value !== before) this.#endTurnsLater(attempt, atMs);
    if (direction === "received") this.#confirm(json);
    this.apply(facts);
  }

  #confirm(event: JsonObject): void {
    const session = this.#reader.sessionOf?.(event);
    if (session) this.#confirmed.value = session;
  }

  /** Adds an event that the measured sound of this page's call means, and the facts in it; it is not listed. */
  measure(attempt: string, { event, atMs }: MeasuredEvent, facts: readonly Fact[]): void {
    this.#conversation.value = this.#reader.reduce(this.#conversation.value, event, attempt, atMs);
    this.apply(facts);
  }

  apply(facts: readonly Fact[]): void {
    this.#speaking.value = facts.reduce(speakingAfter, this.#speaking.value);
  }

  /** Prepends a part of the history from before this page; `isOngoing` says whether its last call is still active. */
  prepend(page: HistoryPage, isOngoing: boolean): void {
    // Reduced separately: this page may have made a call of its own meanwhile.
    this.#history = this.#reduced(this.#history, page, this.#ours.size === 0);
    const before = isOngoing ? this.#history : this.#reader.endCall(this.#history);
    const { isTranscribed, turns, calls, audio, played, protocolState = NONE } = this.#conversation.value;
    const isOurs = ({ attempt }: { readonly attempt: string }) => this.#ours.has(attempt);
    const isOld = (one: { readonly attempt: string }) => !isOurs(one);
    this.#conversation.value = {
      isTranscribed,
      audio: audio ?? before.audio,
      turns: [...before.turns.filter(isOld), ...turns.filter(isOurs)],
      calls: [...before.calls.filter(isOld), ...calls.filter(isOurs)],
      played: new Set([...before.played, ...played]),
      protocolState: new Map([
        ...(before.protocolState ?? NONE),
        ...[...protocolState].filter(([attempt]) => this.#ours.has(attempt)),
      ]),
    };
    if (!page.more) this.events.setHistoryLength(page.next);
  }

  /** Adds what has happened in another page's call. */
  follow(page: HistoryPage): void {
    batch(() => {
      this.#conversation.value = this.#reduced(this.#conversation.value, page, true);
      for (const { attempt, events } of page.calls) {
        this.events.appendAll(events);
        const last = events.at(-1);
        if (last) this.#endTurnsLater(attempt, last[1]);
        for (const { direction, json } of parsed(events)) {
          if (direction === "received") this.apply(this.#reader.factsOf(json));
        }
      }
    });
  }

  /** Ends the turns that are over because time has passed, unless more happens. */
  #endTurnsLater(attempt: string, atMs: number): void {
    const { turnEndMs } = this.#reader;
    clearTimeout(this.#turnEnd);
    if (turnEndMs === undefined) return;
    this.#turnEnd = setTimeout(() => {
      // The turns that the end of a call has cut are not in progress any more.
      const isOpen = (turn: Turn) => turn.attempt === attempt && turn.status === "in_progress";
      if (!this.#conversation.value.turns.some(isOpen)) return;
      this.#conversation.value = this.#reader.reduce(this.#conversation.value, {}, attempt, atMs + turnEndMs);
    }, turnEndMs);
  }

  /** The conversation with a part of the kernel's history at its end; `isNewest`: no later session is known. */
  #reduced(conversation: Conversation, { calls }: HistoryPage, isNewest: boolean): Conversation {
    return calls.reduce((before, { attempt, resumes, heardUntilMs, events }) => {
      const after = parsed(events).reduce(
        (turns, { direction, json, atMs }) => {
          if (isNewest && direction === "received") this.#confirm(json);
          return this.#reader.reduce(turns, json, attempt, atMs);
        },
        this.#reader.beginCall(before, attempt, resumes),
      );
      return heardUntilMs === undefined ? after : this.#reader.endCall(after, heardUntilMs, attempt);
    }, conversation);
  }
}

interface ParsedEvent {
  readonly direction: Direction;
  readonly atMs: number;
  readonly json: JsonObject;
}

function parsed(events: HistoryCall["events"]): readonly ParsedEvent[] {
  return events.flatMap(([direction, atMs, text]) => {
    const json = parseObject(text);
    return json ? [{ direction, atMs, json }] : [];
  });
}
