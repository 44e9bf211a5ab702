/** The transcript of a conversation, whatever wire protocol it was held in; immutable, so that every view shows the same. */

export type TurnStatus = "in_progress" | "completed" | "interrupted" | "cancelled" | "incomplete" | "failed";

/**
 * One item of the conversation. An item that is not a message (a tool call), or was deleted, is `unseen`: others are
 * placed after it.
 */
export interface Turn {
  /** Unique over all calls: servers may count their items from one in each. */
  readonly key: string;
  readonly attempt: string;
  readonly role: "user" | "assistant" | "unseen";
  /** The texts of the content parts by their index. */
  readonly parts: readonly string[];
  readonly status: TurnStatus;
  readonly responseId?: string;
  /** The place at the end is provisional; a later event may correct it. */
  readonly isGuessed: boolean;
  /** Late events of a deleted item are ignored: a transcription may end after its item was deleted. */
  readonly isDeleted?: boolean;
}

/** A call of a conversation. */
export interface ConversationCall {
  readonly attempt: string;
  /** Whether it continues the call before it. */
  readonly resumes: boolean;
}

export interface Conversation {
  readonly turns: readonly Turn[];
  /** In their order. */
  readonly calls: readonly ConversationCall[];
  /** Whether the server transcribes what the user says; it need not. */
  readonly isTranscribed: boolean;
}

export const EMPTY_CONVERSATION: Conversation = { turns: [], calls: [], isTranscribed: true };

export function turnText(turn: Turn): string {
  return turn.parts.filter(Boolean).join("\n");
}
