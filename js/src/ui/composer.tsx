/** The text box: Enter sends, Shift+Enter inserts a line break, and text that cannot be sent is kept. */

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Store } from "../store";
import { SendIcon } from "./icons";
import { wordsOf } from "./situation";

const MAX_HEIGHT_PIXELS = 132;

export function Composer({ store }: { store: Store }) {
  const box = useRef<HTMLTextAreaElement>(null);
  const draft = store.draft.value;
  const isFollowing = store.isFollowing.value;
  const canSend = store.state.value.data_channel_state === "open" && !isFollowing;
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
          // While an input method composes, Enter selects a word.
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          store.sendDraft();
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

function fitToText(box: HTMLTextAreaElement): void {
  box.style.height = "auto";
  const border = box.offsetHeight - box.clientHeight;
  box.style.height = `${Math.min(box.scrollHeight + border, MAX_HEIGHT_PIXELS)}px`;
}
