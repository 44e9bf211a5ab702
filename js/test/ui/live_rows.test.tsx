import { describe, expect, it, vi } from "vitest";
import "../../src/ui/styles/index.css";
import { EMPTY_CONVERSATION } from "../../src/conversation/transcript";
import { asJson, asMarkdown } from "../../src/conversation/transcript_file";
import type { JsonObject } from "../../src/json";
import { LIVE } from "../../src/protocols/live/protocol";
import { startCall } from "../fakes";

const nested = (event: object) => ({ type: "response.event", delegation_id: "d1", event });
const handedTo = (target: string) => ({
  type: "session.delegation.created",
  offset_ms: 1_000,
  delegation: { id: "d1", target, response_id: "r1" },
});
const CREATED = nested({ type: "response.created", response: { id: "r1", model: "gpt-6-luna" } });
const CALL = nested({
  type: "response.output_item.done",
  item: { type: "function_call", call_id: "c1", name: "roll", arguments: '{"sides":6}' },
});
const COMPLETED = nested({ type: "response.completed", response: { id: "r1" } });
const WORDS = nested({
  type: "response.output_item.done",
  item: { type: "message", content: [{ type: "output_text", text: "A four." }] },
});
const FAILED = nested({ type: "response.failed", response: { id: "r1", error: { message: "No such model." } } });
const output = (text: string) => ({
  type: "response.item.create",
  item: { type: "function_call_output", call_id: "c1", output: text },
});
const commentary = (content: string) => ({ type: "session.commentary.append", delegation_id: "d1", content });

async function startLive() {
  const { channel, kernel, mount } = await startCall({ protocol: "live" });
  const { element } = mount();
  const send = (event: object) => kernel.ask("send", { events: [JSON.stringify(event)] });
  const receive = (...events: readonly object[]) => {
    for (const event of events) channel.receive(event);
  };
  /** The rows as [state, what, result]. */
  const rows = () =>
    [...element.querySelectorAll<HTMLElement>(".rtc-tool")].map((row) => [
      row.dataset.toolState,
      row.querySelector(".rtc-tool-call")?.textContent,
      row.querySelector(".rtc-tool-result")?.textContent,
    ]);
  return { element, receive, send, rows };
}

describe("work that the voice of GPT-Live hands over", () => {
  it("runs, and has functions, a result, a time, and its JSON", async () => {
    const { element, receive, send, rows } = await startLive();
    receive(handedTo("responses"));
    await vi.waitFor(() => expect(rows()).toEqual([["running", "Delegated to the backend", "running …"]]));
    receive(CREATED, CALL, COMPLETED);
    const delegated = ["running", "Delegated to gpt-6-luna", "running …"];
    await vi.waitFor(() => expect(rows()).toEqual([delegated, ["running", "roll(sides=6)", "running …"]]));
    await send(output("4"));
    await vi.waitFor(() => expect(rows()).toEqual([delegated, ["done", "roll(sides=6)", "→ 4"]]));
    receive(CREATED, WORDS, COMPLETED);
    await vi.waitFor(() => expect(rows()[0]).toEqual(["done", "Delegated to gpt-6-luna", "→ A four."]));
    const times = [...element.querySelectorAll(".rtc-tool .rtc-waited")].map(({ textContent }) => textContent);
    expect(times).toEqual([expect.stringMatching(/^\d+\.\d s$/), expect.stringMatching(/^\d+\.\d s$/)]);
    for (const row of element.querySelectorAll(".rtc-tool")) row.setAttribute("open", "");
    await vi.waitFor(() => expect(element.querySelectorAll(".rtc-tool-json")).toHaveLength(4));
    const [request, result, given] = [...element.querySelectorAll(".rtc-tool-json")].map((one) => one.textContent);
    expect(JSON.parse(request ?? "")).toEqual({ id: "d1", target: "responses", model: "gpt-6-luna" });
    expect([result, given]).toEqual(["A four.", '{\n  "sides": 6\n}']);
  });

  it("to Python has what the voice was told as its result", async () => {
    const { receive, send, rows } = await startLive();
    receive(handedTo("client"));
    await vi.waitFor(() => expect(rows()).toEqual([["running", "Delegated to Python", "running …"]]));
    await send(commentary("The die shows four."));
    await vi.waitFor(() => expect(rows()).toEqual([["done", "Delegated to Python", "→ The die shows four."]]));
    await send(commentary("It is a small one."));
    await vi.waitFor(() => expect(rows()[0]?.[2]).toContain("four.\nIt is"));
  });

  it("fails, and its function is cancelled", async () => {
    const { receive, rows } = await startLive();
    receive(handedTo("responses"), CREATED, CALL, FAILED);
    await vi.waitFor(() =>
      expect(rows()).toEqual([
        ["failed", "Delegated to gpt-6-luna", "→ No such model."],
        ["cancelled", "roll(sides=6)", "cancelled"],
      ]),
    );
  });

  it("shows the error of a function", async () => {
    const { receive, send, rows } = await startLive();
    receive(handedTo("responses"), CREATED, CALL, COMPLETED);
    await send(output('{"error": "No die."}'));
    await vi.waitFor(() => expect(rows()[1]).toEqual(["failed", "roll(sides=6)", "→ No die."]));
  });

  it("has no result where the call ends before it", async () => {
    const { element, receive, rows } = await startLive();
    receive(handedTo("responses"), CREATED, CALL);
    await vi.waitFor(() => expect(rows()).toHaveLength(2));
    element.querySelector<HTMLElement>("[data-action=disconnect]")?.click();
    await vi.waitFor(() =>
      expect(rows().map(([state, , result]) => [state, result])).toEqual(Array(2).fill(["lost", "no result"])),
    );
  });

  it("is in the copied transcript", () => {
    const events = [handedTo("responses"), CREATED, CALL, output("4"), COMPLETED, CREATED, WORDS, COMPLETED];
    const conversation = (events as readonly JsonObject[]).reduce(
      (before, event) => LIVE.reduce(before, event, "a1"),
      EMPTY_CONVERSATION,
    );
    expect(asMarkdown(conversation)).toMatch(/\*Delegated to gpt-6-luna:\*\s+```\nA four.\n```\s+\*Function call:\*/);
    expect(JSON.parse(asJson(conversation))).toEqual([
      { call: "a1", delegation: "gpt-6-luna", status: "completed", result: "A four." },
      { call: "a1", function: "roll", arguments: '{"sides":6}', output: "4" },
    ]);
  });
});
