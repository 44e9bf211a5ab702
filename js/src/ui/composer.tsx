/**
 * The text box: Enter sends, Shift+Enter inserts a line break, the arrow keys recall earlier messages, Escape leaves for the
 * notebook's cell. Text that cannot be sent is kept.
 */

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Store } from "../store";
import { SendIcon } from "./icons";
import { focusCell } from "./shortcuts";
import { wordsOf } from "./situation";

const MAX_HEIGHT_PIXELS = 132;

export function Composer({ store }: { store: Store }) {
  const box = useRef<HTMLTextAreaElement>(null);
  const draft = store.draft.value;
  const isFollowing = store.isFollowing.value;
  const canSend = store.state.value.data_channel_state === "open" && !isFollowing;
  const recall = useRecall(store);
  useLayoutEffect(() => {
    if (box.current) fitToText(box.current);
  }, [draft]);

  return (
    <form
      class="rtc-composer"
      onSubmit={(event) => {
        event.preventDefault();
        store.sendDraft();
      }}
    >
      <textarea
        ref={box}
        class="rtc-draft"
        rows={1}
        aria-label="Message"
        placeholder={wordsOf(store).value.placeholder}
        value={draft}
        onInput={({ currentTarget }) => {
          store.draft.value = currentTarget.value;
        }}
        onKeyDown={(event) => {
          // While an input method composes, the keys choose a word.
          if (event.isComposing || event.shiftKey) return;
          const { key, currentTarget } = event;
          if (key === "Enter") store.sendDraft();
          else if (key === "ArrowUp" && isCaretInFirstLine(currentTarget)) {
            if (!recall(-1)) return;
          } else if (key === "ArrowDown" && isCaretInLastLine(currentTarget)) {
            if (!recall(1)) return;
            // Escape stops the voice first.
          } else if (key !== "Escape" || store.canInterrupt.peek() || !focusCell(currentTarget)) return;
          event.preventDefault();
        }}
      />
      <button
        type="submit"
        class="rtc-button rtc-icon-button rtc-primary"
        data-action="send"
        aria-label="Send"
        title="Send (Enter)"
        disabled={!canSend || draft.trim() === ""}
      >
        <SendIcon />
      </button>
    </form>
  );
}

/** Returns a function that replaces the draft by an earlier or a later message; after the last one, by what was written. */
function useRecall({ draft, sentMessages }: Store): (step: -1 | 1) => boolean {
  const place = useRef({ index: 0, shown: "", written: "" });
  return (step) => {
    const { current } = place;
    // A recalled message that was changed is a new one.
    const isNew = current.shown === "" || draft.peek() !== current.shown;
    if (isNew) place.current = { index: sentMessages.length, shown: "", written: draft.peek() };
    const { index, written } = place.current;
    const next = index + step;
    if (next < 0 || next > sentMessages.length || (isNew && step > 0)) return false;
    const shown = sentMessages[next] ?? "";
    place.current = { index: next, shown, written };
    draft.value = next === sentMessages.length ? written : shown;
    return true;
  };
}

function isCaretInFirstLine({ value, selectionStart, selectionEnd }: HTMLTextAreaElement): boolean {
  return selectionStart === selectionEnd && !value.slice(0, selectionStart).includes("\n");
}

function isCaretInLastLine({ value, selectionStart, selectionEnd }: HTMLTextAreaElement): boolean {
  return selectionStart === selectionEnd && !value.slice(selectionEnd).includes("\n");
}

function fitToText(box: HTMLTextAreaElement): void {
  box.style.height = "auto";
  const border = box.offsetHeight - box.clientHeight;
  box.style.height = `${Math.min(box.scrollHeight + border, MAX_HEIGHT_PIXELS)}px`;
}
