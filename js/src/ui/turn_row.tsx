/** One turn of the transcript. */

import { Component } from "preact";
import { heardText, type Turn, type TurnStatus, turnText } from "../conversation/transcript";
import { MarkdownText } from "./markdown_text";

interface TurnRowProps {
  turn: Turn;
  isTranscribed: boolean;
  /** The text above the turn if another call begins with it; else empty. */
  divider: string;
  /** How long the person waited for its voice; undefined where that is unknown. */
  waitedMs: number | undefined;
}

/** Turns are immutable, so the row of an unchanged turn is not rendered again, however long the transcript is. */
export class TurnRow extends Component<TurnRowProps> {
  override shouldComponentUpdate(next: TurnRowProps): boolean {
    const { turn, isTranscribed, divider, waitedMs } = this.props;
    return (
      next.turn !== turn ||
      next.isTranscribed !== isTranscribed ||
      next.divider !== divider ||
      next.waitedMs !== waitedMs
    );
  }

  override render({ turn, isTranscribed, divider, waitedMs }: TurnRowProps) {
    const text = turnText(turn);
    const note = turn.isUnspoken ? "not spoken" : TURN_NOTES[turn.role === "user" ? "user" : "assistant"][turn.status];
    return (
      <>
        <Divider text={divider} />
        <div class="rtc-turn" data-role={turn.role} data-turn-status={turn.status} data-is-empty={text === ""}>
          <span class="rtc-speaker">{turn.role === "user" ? "You" : "Assistant"}</span>
          <div class="rtc-turn-text" dir="auto">
            {turn.role === "user" || text === "" ? text || placeholder(turn, isTranscribed) : <Response turn={turn} />}
          </div>
          {note && <span class="rtc-turn-note">{note}</span>}
          {waitedMs !== undefined && (
            <span class="rtc-waited" title="From when the server ended your turn to the first sound">
              {(waitedMs / 1_000).toFixed(1)} s
            </span>
          )}
        </div>
      </>
    );
  }
}

/** What the assistant says; what was generated and not heard any more is struck out. */
function Response({ turn }: { turn: Turn }) {
  const text = turnText(turn);
  const isCut = turn.status === "interrupted" && turn.playedSeconds !== undefined;
  const heard = isCut ? heardText(turn) : text;
  const rest = text.slice(heard.length).trim();
  return (
    <>
      <MarkdownText text={heard} />
      {rest !== "" && (
        <s class="rtc-unheard" dir="auto" title="Not heard: the response was interrupted">
          {rest}
        </s>
      )}
    </>
  );
}

export function Divider({ text }: { text: string }) {
  return text === "" ? null : <div class="rtc-new-call">{text}</div>;
}

const TURN_NOTES: Readonly<Record<"user" | "assistant", Partial<Record<TurnStatus, string>>>> = {
  user: { failed: "could not be transcribed" },
  assistant: {
    interrupted: "interrupted",
    cancelled: "cancelled",
    failed: "failed",
    incomplete: "cut short",
  },
};

function placeholder({ role, status }: Turn, isTranscribed: boolean): string {
  if (role === "user" && !isTranscribed) return "(spoken)";
  return status === "in_progress" ? "…" : "(no words)";
}
