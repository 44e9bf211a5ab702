/** The transcript as a person takes it along: as Markdown, or as JSON. Pure. */

import { type Conversation, type Delegation, heardText, type Turn, turnText } from "./transcript";

/** The turns of a transcript, and the function calls and delegations between them, oldest first. */
export function shownTurns({ turns }: Conversation): readonly Turn[] {
  return turns.filter(({ role, functionCall, delegation }) => role !== "unseen" || functionCall || delegation);
}

/** Whom the voice model has handed work to. */
export function backendOf({ model, isClient }: Delegation): string {
  return model ?? (isClient ? "Python" : "the backend");
}

export function asMarkdown(conversation: Conversation): string {
  return shownTurns(conversation)
    .map((turn) => {
      const { functionCall: call, delegation } = turn;
      if (delegation) return `*Delegated to ${backendOf(delegation)}:* ${fenced(delegation.result || "no result")}`;
      if (call) return `*Function call:* ${fenced(`${call.name}(${call.arguments})\n→ ${call.output ?? "no result"}`)}`;
      const note = turn.status === "completed" || turn.status === "in_progress" ? "" : ` *(${turn.status})*`;
      return `**${turn.role === "user" ? "You" : "Assistant"}:** ${turnText(turn)}${note}`;
    })
    .join("\n\n")
    .concat("\n");
}

/** A fence that is longer than any in the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `\n\n${fence}\n${text}\n${fence}`;
}

export function asJson(conversation: Conversation): string {
  const turns = shownTurns(conversation).map((turn) => {
    const { attempt, role, status, functionCall: call, delegation } = turn;
    if (delegation) return { call: attempt, delegation: backendOf(delegation), status, result: delegation.result };
    if (call) return { call: attempt, function: call.name, arguments: call.arguments, output: call.output ?? null };
    return { call: attempt, role, text: turnText(turn), heard: heardText(turn), status };
  });
  return `${JSON.stringify(turns, null, 2)}\n`;
}
