/** Copies or downloads the transcript. */

import { computed } from "@preact/signals";
import { useState } from "preact/hooks";
import { asJson, asMarkdown } from "../conversation/transcript_file";
import type { Store } from "../store";
import { copyText } from "./clipboard";

const SHOWN_MS = 2_000;

export function TranscriptTools({ store }: { store: Store }) {
  const [note, setNote] = useState("");
  // Computed, so that words that arrive do not render this again.
  const [hasTurns] = useState(() => computed(() => store.conversation.value.turns.length > 0));
  if (!hasTurns.value) return null;
  const copy = async () => {
    setNote(await copyText(asMarkdown(store.conversation.peek())));
    setTimeout(() => setNote(""), SHOWN_MS);
  };
  return (
    <div class="rtc-transcript-tools">
      <span role="status">{note}</span>
      <button type="button" class="rtc-link" data-action="copy" title="Copy the transcript" onClick={() => void copy()}>
        Copy
      </button>
      <button
        type="button"
        class="rtc-link"
        data-action="download-markdown"
        title="Download the transcript as Markdown"
        onClick={() => download("md", "text/markdown", asMarkdown(store.conversation.peek()))}
      >
        Markdown
      </button>
      <button
        type="button"
        class="rtc-link"
        data-action="download-json"
        title="Download the transcript as JSON"
        onClick={() => download("json", "application/json", asJson(store.conversation.peek()))}
      >
        JSON
      </button>
    </div>
  );
}

function download(extension: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `voice-chat-${new Date().toISOString().slice(0, 19).replace(/[T:]/g, "-")}.${extension}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
