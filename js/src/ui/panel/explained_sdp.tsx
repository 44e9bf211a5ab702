/** An offer or an answer, explained line by line by the kernel; asked for when it is opened. */

import { useEffect, useState } from "preact/hooks";
import type { ExplainedLine } from "../../comm/protocol";
import { asRtcWidgetError } from "../../errors";
import { copyText } from "../clipboard";

interface SdpProps {
  readonly title: string;
  readonly sdp: string;
  readonly showsPrivate: boolean;
  readonly explain: (sdp: string) => Promise<readonly ExplainedLine[]>;
}

export function ExplainedSdp({ title, ...props }: SdpProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="rtc-sdp" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{title}</summary>
      {isOpen && <Lines key={props.sdp} {...props} />}
    </details>
  );
}

function Lines({ sdp, showsPrivate, explain }: Omit<SdpProps, "title">) {
  const [lines, setLines] = useState<readonly ExplainedLine[] | { readonly failure: string }>();
  const [note, setNote] = useState("");
  const ask = () => {
    setLines(undefined);
    explain(sdp).then(setLines, (error: unknown) => {
      const { message, hint } = asRtcWidgetError(error).toWire();
      setLines({ failure: `${message} ${hint}`.trim() });
    });
  };
  useEffect(ask, []);
  if (lines === undefined) return <p class="rtc-tab-note">Python is asked what the lines mean …</p>;
  if ("failure" in lines) {
    // Which parts are private, too, only Python knows.
    return (
      <>
        <p class="rtc-tab-note">Python has not explained the lines: {lines.failure}</p>
        <button type="button" class="rtc-link" data-action="explain-sdp" onClick={ask}>
          Ask again
        </button>
        {showsPrivate && <pre class="rtc-sdp-text">{sdp}</pre>}
      </>
    );
  }
  const shownText = () => lines.map(({ parts }) => `${textOf(parts)}\r\n`).join("");
  return (
    <>
      <div class="rtc-event-tools">
        <button
          type="button"
          class="rtc-link"
          data-action="copy-sdp"
          title="Copy as it is shown; rtc_widget.SessionDescription(…) reads it in Python"
          onClick={async () => setNote(await copyText(showsPrivate ? sdp : shownText()))}
        >
          Copy
        </button>
        <span role="status">{note}</span>
      </div>
      <ol class="rtc-sdp-lines">
        {lines.map(({ parts, says, refs }, index) => (
          <li key={index}>
            <code>
              {parts.map(({ text, kind }, place) =>
                kind === null ? (
                  text
                ) : (
                  <mark key={place} title={kind}>
                    {showsPrivate ? text : HIDDEN}
                  </mark>
                ),
              )}
            </code>
            <p>
              {says} <span class="rtc-sdp-refs">{refs.join(", ")}</span>
            </p>
          </li>
        ))}
      </ol>
    </>
  );
}

const HIDDEN = "•••";

function textOf(parts: ExplainedLine["parts"]): string {
  return parts.map(({ text, kind }) => (kind === null ? text : HIDDEN)).join("");
}
