/** A function call of the model: its name and arguments, whether it runs, its result; open to the whole JSON. */

import { useState } from "preact/hooks";
import type { FunctionCall } from "../conversation/transcript";
import { parseObject } from "../json";
import { Divider } from "./turn_row";

const MAX_PREVIEW_LENGTH = 80;
/** Rendering more would block the page. */
const MAX_TEXT_LENGTH = 20_000;

export function ToolRow({ call, isOver, divider }: { call: FunctionCall; isOver: boolean; divider: string }) {
  const [isOpen, setOpen] = useState(false);
  const state = stateOf(call, isOver);
  return (
    <>
      <Divider text={divider} />
      <details class="rtc-tool" data-tool-state={state} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <code class="rtc-tool-call">
            {call.name}({preview(argumentsOf(call))})
          </code>
          <span class="rtc-tool-result">
            {state === "running" ? "running …" : state === "lost" ? "no result" : `→ ${preview(resultOf(call))}`}
          </span>
          {secondsOf(call) !== undefined && <span class="rtc-waited">{secondsOf(call)} s</span>}
        </summary>
        {isOpen && (
          <>
            <JsonText label="Arguments" text={call.arguments} />
            {call.output !== undefined && <JsonText label="Result" text={call.output} />}
          </>
        )}
      </details>
    </>
  );
}

type ToolState = "running" | "done" | "failed" | "lost";

function stateOf({ output }: FunctionCall, isOver: boolean): ToolState {
  if (output === undefined) return isOver ? "lost" : "running";
  return errorIn(output) === undefined ? "done" : "failed";
}

/** Python reports the error of a function as `{"error": …}`. */
function errorIn(output: string): string | undefined {
  const error = output.includes('"error"') ? parseObject(output)?.error : undefined;
  return typeof error === "string" ? error : undefined;
}

function argumentsOf({ arguments: given }: FunctionCall): string {
  const values = parseObject(given);
  if (!values) return given;
  return Object.entries(values)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(", ");
}

function resultOf({ output = "" }: FunctionCall): string {
  return errorIn(output) ?? output;
}

function secondsOf({ startMs, endMs }: FunctionCall): string | undefined {
  return startMs === undefined || endMs === undefined ? undefined : ((endMs - startMs) / 1_000).toFixed(1);
}

function preview(text: string): string {
  return text.length > MAX_PREVIEW_LENGTH ? `${text.slice(0, MAX_PREVIEW_LENGTH)}…` : text;
}

function JsonText({ label, text }: { label: string; text: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
    <pre class="rtc-tool-json" tabIndex={0} title={label}>
      {indented(text).slice(0, MAX_TEXT_LENGTH)}
    </pre>
  );
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
