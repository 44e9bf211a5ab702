import { expect, it } from "vitest";
import type { HistoryPage, WireEvent } from "../../../src/comm/protocol";
import { CallRecord } from "../../../src/conversation/call_record";
import { channelEvent } from "../../../src/conversation/facts";
import { turnText } from "../../../src/conversation/transcript";
import { LIVE } from "../../../src/protocols/live/protocol";

const words = (side: "input" | "output", delta: string, start_ms: number) =>
  JSON.stringify({ type: `session.${side}_transcript.delta`, delta, start_ms, end_ms: start_ms + 200 });

function page(parts: Record<string, readonly string[]>, more: boolean, heardUntilMs?: number): HistoryPage {
  const calls = Object.entries(parts).map(([attempt, texts]) => ({
    attempt,
    resumes: attempt !== "a1",
    heardUntilMs,
    events: texts.map((text, at): WireEvent => ["received", 1_000 + at, text]),
  }));
  return { calls, first: 0, next: 9, more };
}

function startRecord() {
  const record = new CallRecord(LIVE, () => new Promise(() => {}), new AbortController().signal);
  const shown = () => record.conversation.value.turns.map((turn) => [turn.attempt, turnText(turn), turn.status]);
  return { record, shown };
}

it("continues a turn of another page's call in the next part of the history", () => {
  const { record, shown } = startRecord();
  record.prepend(page({ a1: [words("input", "What is", 200)] }, true), true);
  record.prepend(page({ a1: [words("input", " ICE?", 400)] }, false), true);
  expect(shown()).toEqual([["a1", "What is ICE?", "in_progress"]]);
  record.follow(page({ a1: [words("input", " Briefly.", 600), words("output", "A way through.", 3_000)] }, false));
  expect(shown()).toEqual([
    ["a1", "What is ICE? Briefly.", "completed"],
    ["a1", "A way through.", "in_progress"],
  ]);
});

it("puts the calls before this page before its own", () => {
  const { record, shown } = startRecord();
  record.begin("a2", true);
  record.append(channelEvent("a2", "received", words("output", "Welcome back.", 200)), []);
  record.prepend(page({ a1: [words("output", "Hello.", 200)] }, false, 2_000), false);
  record.append(channelEvent("a2", "received", words("output", " Go on.", 400)), []);
  expect(shown()).toEqual([
    ["a1", "Hello.", "interrupted"],
    ["a2", "Welcome back. Go on.", "in_progress"],
  ]);
  record.end();
  expect(shown().at(-1)).toEqual(["a2", "Welcome back. Go on.", "interrupted"]);
});
