/** What is told to a new call so that it goes on where the lost one stopped: the session settings, then what was said. */

import { isRecord } from "../comm/protocol";
import { randomId } from "../page";
import { CARRIED, type Conversation, turnText } from "../protocols/realtime/transcript_reducer";

/** Older turns are left out: every turn is read, and paid for, again. */
const MOST_TURNS = 100;

export class Resumption {
  #updates: string[] = [];

  /** Keeps what Python or a person has changed in the session since the call was made. */
  noteSent(text: string): void {
    if (text.includes('"session.update"') && typeOf(text) === "session.update") this.#updates.push(text);
  }

  /** A new conversation begins, with the settings of its own. */
  forget(): void {
    this.#updates = [];
  }

  /** The client events that bring a new call up to the state of the conversation. */
  eventsFor(conversation: Conversation): readonly string[] {
    return [...this.#updates, ...history(conversation).map((event) => JSON.stringify(event))];
  }
}

function history({ turns, calls }: Conversation): readonly object[] {
  const since = calls.findLastIndex(({ resumes }) => !resumes);
  const attempts = new Set(calls.slice(Math.max(since, 0)).map(({ attempt }) => attempt));
  const said = turns.filter((turn) => turn.role !== "unseen" && attempts.has(turn.attempt) && turnText(turn) !== "");
  return said.slice(-MOST_TURNS).map((turn) => ({
    type: "conversation.item.create",
    item: {
      // The id tells both transcripts that this is no new turn. The service takes ids of 32 characters.
      id: randomId(CARRIED).slice(0, 32),
      type: "message",
      role: turn.role,
      content: [{ type: turn.role === "user" ? "input_text" : "output_text", text: turnText(turn) }],
    },
  }));
}

function typeOf(text: string): unknown {
  try {
    const event: unknown = JSON.parse(text);
    return isRecord(event) ? event.type : undefined;
  } catch {
    return undefined;
  }
}
