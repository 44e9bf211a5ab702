/** Intents as client events of GPT-Live. */

import { parseObject, wellFormed } from "../../json";

/** Begins the note that tells the voice model what a person has written; both halves recognise a written turn by it. */
export const TYPED = "The user typed: ";
/** Asks the voice model to reply, where the service runs no backend. */
const REPLY = "Reply now to what the user typed last.";
/** Asks the backend that the service runs for a response. */
export const REQUEST = JSON.stringify({ type: "response.create" });
/** The service refuses an append of more tokens; these are estimated: a third of the ASCII characters, and all others. */
const MAX_TOKENS = 500;

/** `hasBackend`: a model that the service runs does the work. It gets the text; the voice model gets a note of it. */
export function textTurn(text: string, hasBackend: boolean): readonly string[] {
  const words = wellFormed(text);
  const item = { type: "message", role: "user", content: [{ type: "input_text", text: words }] };
  const note = JSON.stringify(append("thinking", shortened(TYPED + words)));
  if (!hasBackend) return [note, JSON.stringify(append("commentary", REPLY))];
  return [note, JSON.stringify({ type: "response.item.create", item }), REQUEST];
}

export function closeSession(): readonly string[] {
  return [JSON.stringify({ type: "session.close" })];
}

export function isSessionEnd(text: string): boolean {
  return text.includes('"session.closed"') && parseObject(text)?.type === "session.closed";
}

/** The service requires the key `delegation_id`, also where it is null. */
function append(channel: "thinking" | "commentary", content: string): object {
  return { type: `session.${channel}.append`, delegation_id: null, content };
}

function shortened(text: string): string {
  let tokens = 0;
  let length = 0;
  for (const character of text) {
    tokens += character < "\u0080" ? 1 / 3 : 1;
    if (tokens > MAX_TOKENS - 1) return `${text.slice(0, length)}…`;
    length += character.length;
  }
  return text;
}
