/** A function call of the model, or work that it has handed over: what it is, whether it runs, its result; open to the whole JSON. */

import { useState } from "preact/hooks";
import type { FunctionCall, Turn } from "../conversation/transcript";
import { backendOf } from "../conversation/transcript_file";
import { parseObject } from "../json";
import { Divider } from "./turn_row";

const MAX_PREVIEW_LENGTH = 80;
/** Rendering more would block the page. */
const MAX_TEXT_LENGTH = 20_000;

export function ToolRow({ turn, isOver, divider }: { turn: Turn; isOver: boolean; divider: string }) {
  const [isOpen, setOpen] = useState(false);
  const { title, given, output, seconds } = workOf(turn);
  const state = stateOf(turn, isOver);
  return (
    <>
      <Divider text={divider} />
      <details class="rtc-tool" data-tool-state={state} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          {title}
          <span class="rtc-tool-result">
            {output === undefined || state === "running" ? WORDS[state] : `→ ${preview(errorIn(output) ?? output)}`}
          </span>
          {seconds !== undefined && <span class="rtc-waited">{seconds.toFixed(1)} s</span>}
        </summary>
        {isOpen && (
          <>
            <JsonText label="Arguments" text={given} />
            {output !== undefined && <JsonText label="Result" text={output} />}
          </>
        )}
      </details>
    </>
  );
}

type ToolState = "running" | "done" | "failed" | "cancelled" | "lost";

const WORDS: Readonly<Record<ToolState, string>> = {
  running: "running …",
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
  lost: "no result",
};

/** What a row says: of a function call of the model, or of work that it has handed over. */
function workOf({ functionCall: call, delegation }: Turn) {
  const { startMs, endMs } = call ?? delegation ?? {};
  const seconds = startMs === undefined || endMs === undefined ? undefined : (endMs - startMs) / 1_000;
  if (call) {
    const title = (
      <code class="rtc-tool-call">
        {call.name}({preview(argumentsOf(call))})
      </code>
    );
    return { title, given: call.arguments, output: call.output, seconds };
  }
  const { id, model, isClient = false, result = "" } = delegation ?? {};
  const title = <span class="rtc-tool-call">Delegated to {delegation && backendOf(delegation)}</span>;
  const given = JSON.stringify({ id, target: isClient ? "client" : "responses", model });
  return { title, given, output: result === "" ? undefined : result, seconds };
}

function stateOf({ status, functionCall: call, delegation }: Turn, isOver: boolean): ToolState {
  if (call?.output !== undefined) return errorIn(call.output) === undefined ? "done" : "failed";
  if (status === "cancelled") return "cancelled";
  if (delegation && status === "completed") return "done";
  // An early end of a response has a reason; the end of the call has none.
  if (delegation && (status === "failed" || (status === "incomplete" && delegation.result !== ""))) return "failed";
  // The model has completed its call of a function before the function runs.
  return isOver || (status !== "in_progress" && status !== "completed") ? "lost" : "running";
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
