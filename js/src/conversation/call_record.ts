/** What was said and what went over the data channel: in this page's calls, in those it follows, and before it. */

import { batch, type ReadonlySignal, signal as signalOf } from "@preact/signals";
import { Resumption } from "../call/resumption";
import { type Direction, type HistoryPage, isRecord, type RecalledCall } from "../comm/protocol";
import { listenFor, SILENCE, type Speaking } from "../protocols/realtime/speaking";
import {
  beginCall,
  type Conversation,
  EMPTY_CONVERSATION,
  endCall,
  fold,
} from "../protocols/realtime/transcript_reducer";
import { EventList, eventTypeOf, type Window } from "./event_list";

export type ReceivedEvent = Readonly<Record<string, unknown>>;

export class CallRecord {
  readonly events: EventList;
  readonly #conversation = signalOf(EMPTY_CONVERSATION);
  readonly #speaking = signalOf(SILENCE);
  readonly #resumption = new Resumption();
  /** The attempts of this page, which the kernel recalls as well. */
  readonly #ours = new Set<string>();
  #recalled = EMPTY_CONVERSATION;
  /** The calls of other pages in their order; each may come in several pieces, and its last words after the next has begun. */
  readonly #heardOf: string[] = [];

  constructor(window: Window, signal: AbortSignal) {
    this.events = new EventList(window, signal);
  }

  get conversation(): ReadonlySignal<Conversation> {
    return this.#conversation;
  }

  get speaking(): ReadonlySignal<Speaking> {
    return this.#speaking;
  }

  /** A call of this page begins; returns what is to be told to it, so that it goes on where the one before stopped. */
  begin(attempt: string, resumes: boolean): readonly string[] {
    this.#ours.add(attempt);
    // What the call before this one, or the one that was followed, has left open will not be closed any more.
    this.end();
    this.#conversation.value = beginCall(this.#conversation.value, attempt, resumes);
    if (resumes) return this.#resumption.eventsFor(this.#conversation.value);
    this.#resumption.forget();
    return [];
  }

  end(): void {
    this.#speaking.value = SILENCE;
    this.#conversation.value = endCall(this.#conversation.peek());
  }

  /** Takes an event of this page's call down; returns it where it was received and can be read. */
  append(attempt: string, direction: Direction, text: string): ReceivedEvent | undefined {
    if (direction === "sent") this.#resumption.noteSent(text);
    const event = parseEvent(text);
    this.events.append(direction, performance.timeOrigin + performance.now(), text, eventTypeOf(event));
    if (direction === "sent" || event === undefined) return undefined;
    this.#conversation.value = fold(this.#conversation.value, event, attempt);
    this.#speaking.value = listenFor(event, this.#speaking.value);
    return event;
  }

  /** Puts a piece of what was before this page in front; `goesOn` says that the last call of it still does. */
  recall(piece: HistoryPage, goesOn: boolean): void {
    // Folded apart: this page may have made a call of its own meanwhile.
    this.#recalled = foldPiece(this.#recalled, piece);
    const before = this.#recalled;
    const mine = this.#conversation.value;
    const isOurs = ({ attempt }: { readonly attempt: string }) => this.#ours.has(attempt);
    const isOld = (one: { readonly attempt: string }) => !isOurs(one);
    this.#conversation.value = {
      isTranscribed: mine.isTranscribed,
      turns: [...(goesOn ? before : endCall(before)).turns.filter(isOld), ...mine.turns.filter(isOurs)],
      calls: [...before.calls.filter(isOld), ...mine.calls.filter(isOurs)],
    };
    this.#noteSettings(piece);
    if (!piece.more) this.events.knowPast(piece.next);
  }

  /** Takes down what has happened in another page's call. */
  follow(piece: HistoryPage): void {
    this.#noteSettings(piece);
    batch(() => {
      this.#conversation.value = foldPiece(this.#conversation.value, piece);
      for (const { events } of piece.calls) {
        this.events.appendAll(events);
        for (const event of receivedOf(events)) this.#speaking.value = listenFor(event, this.#speaking.value);
      }
    });
  }

  /** A call that goes on with another page's needs its settings. */
  #noteSettings({ calls }: HistoryPage): void {
    for (const { attempt, resumes, events } of calls) {
      if (!this.#heardOf.includes(attempt)) {
        this.#heardOf.push(attempt);
        if (!resumes) this.#resumption.forget();
      }
      if (attempt !== this.#heardOf.at(-1)) continue;
      for (const [direction, , text] of events) if (direction === "sent") this.#resumption.noteSent(text);
    }
  }
}

/** The conversation with a piece of the kernel's record at its end. */
function foldPiece(conversation: Conversation, { calls }: HistoryPage): Conversation {
  return calls.reduce(
    (before, { attempt, resumes, events }) =>
      receivedOf(events).reduce((all, event) => fold(all, event, attempt), beginCall(before, attempt, resumes)),
    conversation,
  );
}

function receivedOf(events: RecalledCall["events"]): readonly ReceivedEvent[] {
  return events.flatMap(([direction, , text]) => {
    const event = direction === "received" ? parseEvent(text) : undefined;
    return event ? [event] : [];
  });
}

function parseEvent(text: string): ReceivedEvent | undefined {
  try {
    const event: unknown = JSON.parse(text);
    return isRecord(event) ? event : undefined;
  } catch {
    return undefined; // the kernel gets it as it came and may make more of it
  }
}
