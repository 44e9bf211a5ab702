/** What a new call is told so that it continues a lost one: the changed session settings, then what was said and done. */

import type { HistoryPage } from "../comm/protocol";
import { type Conversation, heardText, type Turn } from "../conversation/transcript";
import type { VoiceProtocol } from "../protocols/base";

/** Older turns are left out: every turn is read, and paid for, again. */
const MAX_TURNS = 100;

export class Resumption {
  readonly #protocol: VoiceProtocol;
  #sessionChanges: string[] = [];
  /** The calls of other pages, in their order. A call may come in several parts, and its last part after the next call. */
  readonly #followed: string[] = [];

  constructor(protocol: VoiceProtocol) {
    this.#protocol = protocol;
  }

  /**
   * Begins a call; returns the events that bring it up to the state of the conversation that it continues, in groups that
   * must be sent as a whole or not at all.
   */
  begin(resumes: boolean, conversation: Conversation): readonly (readonly string[])[] {
    // They are recorded again when they are sent to the new call.
    const sessionChanges = this.#sessionChanges;
    this.#sessionChanges = [];
    if (!resumes) return [];
    return [...sessionChanges.map((text) => [text]), ...this.#protocol.carriedTurns(latestTurns(conversation))];
  }

  /** Keeps what Python or a person has changed in the session since the call was made. */
  recordSent(text: string): void {
    if (this.#protocol.isSessionChange(text)) this.#sessionChanges.push(text);
  }

  /** A call that continues another page's call needs its settings. */
  recordHistory({ calls }: HistoryPage): void {
    for (const { attempt, resumes, events } of calls) {
      if (!this.#followed.includes(attempt)) {
        this.#followed.push(attempt);
        if (!resumes) this.#sessionChanges = [];
      }
      if (attempt !== this.#followed.at(-1)) continue;
      for (const [direction, , text] of events) if (direction === "sent") this.recordSent(text);
    }
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
