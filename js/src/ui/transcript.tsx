/** The transcript of both speakers. */

import { Component } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { type Turn, type TurnStatus, turnText } from "../conversation/transcript";
import type { Store } from "../store";
import { wordsOf } from "./situation";

/** A box scrolled to within this distance of its end follows new turns. */
const AT_END_PIXELS = 32;

export function Transcript({ store }: { store: Store }) {
  const { turns, calls, isTranscribed } = store.conversation.value;
  const resumed = new Set(calls.filter(({ resumes }) => resumes).map(({ attempt }) => attempt));
  const { status } = store.state.value;
  const box = useRef<HTMLDivElement>(null);
  const isFollowingEnd = useRef(true);
  useLayoutEffect(() => {
    if (box.current && isFollowingEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [turns]);

  const seen = turns.filter(({ role }) => role !== "unseen");
  return (
    <div
      class="rtc-transcript"
      role="log"
      aria-live="polite"
      aria-label="Transcript"
      // Screen readers announce a turn when it is complete.
      aria-busy={seen.some(
        (turn) => turn.role === "assistant" && turn.status === "in_progress" && turnText(turn) !== "",
      )}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
      tabIndex={0}
      ref={box}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isFollowingEnd.current = scrollHeight - scrollTop - clientHeight < AT_END_PIXELS;
      }}
    >
      {seen.length === 0 && <Invitation store={store} />}
      {seen.map((turn, index) => (
        <TurnRow
          key={turn.key}
          turn={turn}
          isTranscribed={isTranscribed}
          divider={dividerBefore(turn, seen[index - 1], resumed)}
        />
      ))}
      {calls.length > 0 && (status === "idle" || status === "error") && <div class="rtc-new-call">Call ended</div>}
    </div>
  );
}

/** What to do here; before the first call also what the microphone is used for, and where the audio goes. */
function Invitation({ store }: { store: Store }) {
  const { status, microphone_permission: permission } = store.state.value;
  const isBefore = status === "idle" || status === "error";
  const hasMicrophone = store.input.value === "microphone" && store.canCall.value && !store.isKernelDead.value;
  return (
    <div class="rtc-invitation">
      <p>{wordsOf(store).value.invitation}</p>
      {isBefore && hasMicrophone && (
        <p class="rtc-privacy">
          {permission === "prompt" ? "Your browser will ask for the microphone. It is used" : "The microphone is used"}
          {" only during a call; the audio goes from this page directly to "}
          <b>{store.server.value || "the server"}</b>.
        </p>
      )}
      {isBefore && hasMicrophone && store.problem.value === null && (
        <button
          type="button"
          class="rtc-link"
          data-action="listen"
          onClick={() => store.connect({ microphone: false })}
        >
          Connect without a microphone
        </button>
      )}
    </div>
  );
}

interface TurnRowProps {
  turn: Turn;
  isTranscribed: boolean;
  /** The text above the turn if another call begins with it; else empty. */
  divider: string;
}

/** Turns are immutable, so the row of an unchanged turn is not rendered again, however long the transcript is. */
class TurnRow extends Component<TurnRowProps> {
  override shouldComponentUpdate(next: TurnRowProps): boolean {
    const { turn, isTranscribed, divider } = this.props;
    return next.turn !== turn || next.isTranscribed !== isTranscribed || next.divider !== divider;
  }

  override render({ turn, isTranscribed, divider }: TurnRowProps) {
    const text = turnText(turn);
    const note = turn.isUnspoken ? "not spoken" : TURN_NOTES[turn.role === "user" ? "user" : "assistant"][turn.status];
    return (
      <>
        {divider !== "" && <div class="rtc-new-call">{divider}</div>}
        <div class="rtc-turn" data-role={turn.role} data-turn-status={turn.status} data-is-empty={text === ""}>
          <span class="rtc-speaker">{turn.role === "user" ? "You" : "Assistant"}</span>
          <p class="rtc-turn-text" dir="auto">
            {text || placeholder(turn, isTranscribed)}
          </p>
          {note && <span class="rtc-turn-note">{note}</span>}
        </div>
      </>
    );
  }
}

function dividerBefore(turn: Turn, before: Turn | undefined, resumed: ReadonlySet<string>): string {
  if (before === undefined || before.attempt === turn.attempt) return "";
  return resumed.has(turn.attempt) ? "Connected again" : "New call";
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
