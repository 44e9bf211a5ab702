/** The transcript of both speakers. */

import { useEffect, useRef, useState } from "preact/hooks";
import { isCalling } from "../comm/protocol";
import { isOpen, type Turn, turnText } from "../conversation/transcript";
import { shownTurns } from "../conversation/transcript_file";
import type { Store } from "../store";
import { useFrameValue } from "./frame";
import { wordsOf } from "./situation";
import { ToolRow } from "./tool_row";
import { Divider, TurnRow } from "./turn_row";

/** A box scrolled to within this distance of its end follows new turns. */
const AT_END_PIXELS = 32;

export function Transcript({ store }: { store: Store }) {
  const conversation = useFrameValue(store.conversation);
  const { calls, isTranscribed } = conversation;
  const resumed = new Set(calls.filter(({ resumes }) => resumes).map(({ attempt }) => attempt));
  const { status } = store.state.value;
  const isOver = !isCalling(status);
  const times = store.responseTimes.value;
  const seen = shownTurns(conversation);
  const { box, content, newTurns, toEnd } = useFollowing(seen.length);
  return (
    <div class="rtc-transcript-area">
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
      >
        <div class="rtc-turns" ref={content}>
          {seen.length === 0 && <Invitation store={store} />}
          {seen.map((turn, index) => {
            const before = seen[index - 1];
            const divider = dividerBefore(turn, before, resumed);
            if (turn.role === "unseen") {
              return <ToolRow key={turn.key} turn={turn} isOver={isOver} divider={divider} />;
            }
            const isFirst = turn.responseId !== undefined && turn.responseId !== before?.responseId;
            return (
              <TurnRow
                key={turn.key}
                turn={turn}
                isTranscribed={isTranscribed}
                divider={divider}
                waitedMs={isFirst ? times.get(`${turn.attempt}/${turn.responseId}`) : undefined}
              />
            );
          })}
          {seen.length > 0 && <Listening store={store} last={seen.at(-1)} />}
          {calls.length > 0 && isOver && <Divider text="Call ended" />}
        </div>
      </div>
      {newTurns > 0 && (
        <button type="button" class="rtc-button rtc-to-end" data-action="to-end" onClick={toEnd}>
          ↓ {newTurns} new
        </button>
      )}
    </div>
  );
}

/**
 * Keeps the box at its end while its content grows, unless somebody has scrolled up; counts what is new then.
 *
 * The box is scrolled by a ResizeObserver, which runs when the layout of a frame is done: reading the heights while words
 * arrive would force a layout for each of them.
 */
function useFollowing(count: number) {
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const latest = useRef(count);
  latest.current = count;
  /** How many turns there were when somebody scrolled up; null while the box follows its end. */
  const [leftAt, setLeftAt] = useState<number | null>(null);
  const isFollowing = useRef(true);
  useEffect(() => {
    const [scrolling, growing] = [box.current, content.current];
    if (!scrolling || !growing) return;
    const observer = new ResizeObserver(() => {
      if (isFollowing.current) scrolling.scrollTop = scrolling.scrollHeight;
    });
    observer.observe(growing);
    observer.observe(scrolling);
    const onScroll = () => {
      const { scrollTop, scrollHeight, clientHeight } = scrolling;
      isFollowing.current = scrollHeight - scrollTop - clientHeight < AT_END_PIXELS;
      setLeftAt((before) => (isFollowing.current ? null : (before ?? latest.current)));
    };
    scrolling.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      scrolling.removeEventListener("scroll", onScroll);
    };
  }, []);
  const toEnd = () => {
    isFollowing.current = true;
    setLeftAt(null);
    box.current?.scrollTo({ top: box.current.scrollHeight });
    box.current?.focus({ preventScroll: true });
  };
  return { box, content, newTurns: leftAt === null ? 0 : Math.max(0, count - leftAt), toEnd };
}

/** From the first sound of the person until their turn appears. */
function Listening({ store, last }: { store: Store; last: Turn | undefined }) {
  const isHeard = store.speaking.value.user || store.pushToTalk.value.isHeld;
  if (!isHeard || (last?.role === "user" && isOpen(last))) return null;
  return (
    // Screen readers would announce it at each turn.
    <div class="rtc-turn rtc-listening" data-role="user" aria-hidden="true">
      <div class="rtc-turn-text">Listening …</div>
    </div>
  );
}

/** What to do here; before the first call also what the microphone is used for, and where the audio goes. */
function Invitation({ store }: { store: Store }) {
  const { status, microphone_permission: permission } = store.state.value;
  const isBefore = !isCalling(status);
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

function dividerBefore(turn: Turn, before: Turn | undefined, resumed: ReadonlySet<string>): string {
  if (before === undefined || before.attempt === turn.attempt) return "";
  return resumed.has(turn.attempt) ? "Connected again" : "New call";
}
