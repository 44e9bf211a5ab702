import { describe, expect, it } from "vitest";
import { Resumption } from "../../src/call/resumption";
import type { HistoryCall, HistoryPage } from "../../src/comm/protocol";
import { EMPTY_CONVERSATION } from "../../src/conversation/transcript";
import { REALTIME } from "../../src/protocols/realtime/protocol";

const change = (instructions: string) => JSON.stringify({ type: "session.update", session: { instructions } });

function call(attempt: string, changes: readonly string[], { resumes = false } = {}): HistoryCall {
  return { attempt, resumes, events: changes.map((name) => ["sent", 0, change(name)] as const) };
}

const page = (...calls: readonly HistoryCall[]): HistoryPage => ({ calls, first: 0, next: 1, more: false });

/** Begins a call that continues the last one and sends what it is told; returns the changes among it. */
function resume(resumption: Resumption): readonly string[] {
  const texts = resumption.begin(true, EMPTY_CONVERSATION).flat();
  for (const text of texts) resumption.recordSent(text);
  return texts.map((text) => JSON.parse(text).session.instructions);
}

describe("the settings that a call gets which continues another", () => {
  it("are all changes since the last call that continued nothing, each once, however often calls are lost", () => {
    const resumption = new Resumption(REALTIME);
    resumption.begin(false, EMPTY_CONVERSATION);
    resumption.recordSent(change("one"));
    expect(resume(resumption)).toEqual(["one"]);
    resumption.recordSent(change("two"));
    expect(resume(resumption)).toEqual(["one", "two"]);
    expect(resume(resumption)).toEqual(["one", "two"]);
  });

  it("do not come from calls before one that continued nothing, also when the history comes later", () => {
    const resumption = new Resumption(REALTIME);
    resumption.begin(false, EMPTY_CONVERSATION);
    resumption.recordSent(change("own"));
    resumption.recordHistory(page(call("a_before", ["before"])));
    expect(resume(resumption)).toEqual(["own"]);
  });

  it("have the earlier changes before the own ones, also when the history comes in parts during the own call", () => {
    const resumption = new Resumption(REALTIME);
    resumption.recordHistory(page(call("a_before", ["first"])));
    expect(resume(resumption)).toEqual(["first"]);
    resumption.recordSent(change("own"));
    resumption.recordHistory(page(call("a_before", ["second"])));
    expect(resume(resumption)).toEqual(["first", "second", "own"]);
  });

  it("have those of another page's call that came after the own one", () => {
    const resumption = new Resumption(REALTIME);
    resumption.begin(false, EMPTY_CONVERSATION);
    resumption.recordSent(change("own"));
    resumption.recordFollowed(page(call("a_other", ["theirs"], { resumes: true })));
    expect(resume(resumption)).toEqual(["own", "theirs"]);
    resumption.recordFollowed(page(call("a_fresh", ["fresh"])));
    expect(resume(resumption)).toEqual(["fresh"]);
  });

  it("do not count twice when one of them was too large to be repeated", () => {
    const resumption = new Resumption(REALTIME);
    resumption.begin(false, EMPTY_CONVERSATION);
    for (const name of ["large", "small"]) resumption.recordSent(change(name));
    const [, small] = resumption.begin(true, EMPTY_CONVERSATION).flat();
    resumption.recordSent(small ?? "");
    expect(resume(resumption)).toEqual(["large", "small"]);
  });
});
