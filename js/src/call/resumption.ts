/** What a new call is told so that it continues a lost one: the changed session settings, then what was said and done. */

import type { HistoryCall, HistoryPage } from "../comm/protocol";
import { type Conversation, heardText, type Turn } from "../conversation/transcript";
import { pageError, type RtcWidgetError } from "../errors";
import type { VoiceProtocol } from "../protocols/base";

/** Older turns are left out: every turn is read, and paid for, again. */
const MAX_TURNS = 100;

export class Resumption {
  readonly #protocol: VoiceProtocol;
  /** The changes in the calls before this page, and those since then; both in their order. */
  #earlierChanges: string[] = [];
  #changes: string[] = [];
  /** What `begin` has returned and was not sent yet; it is recorded already. */
  #toRepeat: string[] = [];
  /** The calls of other pages, in their order. A call may come in several parts, and its last part after the next call. */
  readonly #others: string[] = [];
  /** A call of this page that continues nothing has begun: what was before it does not matter any more. */
  #isAfresh = false;

  constructor(protocol: VoiceProtocol) {
    this.#protocol = protocol;
  }

  /**
   * Begins a call; returns the events that bring it up to the state of the conversation that it continues, in groups that
   * must be sent as a whole or not at all.
   */
  begin(resumes: boolean, conversation: Conversation): readonly (readonly string[])[] {
    if (!resumes) {
      this.#forget();
      this.#isAfresh = true;
      return [];
    }
    this.#toRepeat = [...this.#earlierChanges, ...this.#changes];
    return [...this.#toRepeat.map((text) => [text]), ...this.#protocol.carriedTurns(latestTurns(conversation))];
  }

  /** Keeps what Python or a person has changed in the session since the call was made. */
  recordSent(text: string): void {
    if (!this.#protocol.isSessionChange(text)) return;
    const repeated = this.#toRepeat.indexOf(text);
    // One that is too large for the data channel is left out.
    if (repeated >= 0) this.#toRepeat.splice(0, repeated + 1);
    else this.#changes.push(text);
  }

  /** Keeps the changes in the calls before this page. They may be read only after this page has begun a call. */
  recordHistory({ calls }: HistoryPage): void {
    if (this.#isAfresh) return;
    for (const call of calls) {
      if (this.#isNew(call) && !call.resumes) this.#earlierChanges = [];
      this.#earlierChanges.push(...this.#changesIn(call));
    }
  }

  /** Keeps the changes in a call that another page makes now: a call that continues it needs its settings. */
  recordFollowed({ calls }: HistoryPage): void {
    for (const call of calls) {
      if (this.#isNew(call) && !call.resumes) this.#forget();
      this.#changes.push(...this.#changesIn(call));
    }
  }

  #forget(): void {
    this.#earlierChanges = [];
    this.#changes = [];
    this.#toRepeat = [];
  }

  #isNew({ attempt }: HistoryCall): boolean {
    if (this.#others.includes(attempt)) return false;
    this.#others.push(attempt);
    return true;
  }

  #changesIn({ attempt, events }: HistoryCall): readonly string[] {
    if (attempt !== this.#others.at(-1)) return [];
    return events.flatMap(([direction, , text]) =>
      direction === "sent" && this.#protocol.isSessionChange(text) ? [text] : [],
    );
  }
}

/** The turns of the calls that continue each other, up to the last one. */
function latestTurns({ turns, calls }: Conversation): readonly Turn[] {
  const first = calls.findLastIndex(({ resumes }) => !resumes);
  const attempts = new Set(calls.slice(Math.max(first, 0)).map(({ attempt }) => attempt));
  return turns.filter((turn) => attempts.has(turn.attempt) && isCarried(turn)).slice(-MAX_TURNS);
}

/** A function call without its output is left out: the new call would wait for it. */
function isCarried(turn: Turn): boolean {
  if (turn.functionCall) return turn.functionCall.output !== undefined;
  return turn.role !== "unseen" && heardText(turn) !== "";
}

/** The note about turns that are larger than a message may be. */
export function tooLargeToCarry(count: number): RtcWidgetError {
  const what = count === 1 ? "One message of the previous call is" : `${count} messages of the previous call are`;
  return pageError("message_too_large", {
    message: `${what} too large for the data channel, so the new call does not include ${count === 1 ? "it" : "them"}.`,
    hint: "The call continues. Repeat briefly what still matters.",
  });
}
