/** Text that is legal in JSON and not in UTF-8: events stay as they came, and nothing else leaves the page with half a character. */

import { describe, expect, it, vi } from "vitest";
import { RtcWidgetError } from "../src/errors";
import { truncate, wellFormed } from "../src/json";
import { REALTIME } from "../src/protocols/realtime/protocol";
import { FakePeer, startCall } from "./fakes";

const HALF = /\p{Surrogate}/u;

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.entries(value).flat().flatMap(textsIn) : [];
}

describe("half a character", () => {
  it("is replaced, and only that", () => {
    expect(wellFormed("a\ud83d \ud83d\ude00 \ude00\ud83d")).toBe("a\ufffd 😀 \ufffd\ufffd");
    expect(truncate(`${"x".repeat(299)}😀😀`)).toBe(`${"x".repeat(299)}…`);
    expect(new RtcWidgetError({ code: "c", message: "\ud83d", hint: "\ude00" }).toWire()).toEqual({
      code: "c",
      message: "\ufffd",
      hint: "\ufffd",
    });
    expect(REALTIME.textTurn("bad \ud83d", false)[0]).toContain('"bad \ufffd"');
  });

  it("harms neither the transcript, nor the events, nor the messages, nor the call that resumes this one", async () => {
    const { kernel, model, channel, mount } = await startCall({ reconnect: null });
    const { element } = mount();
    const delta = (text: string, item_id = "m1") => ({
      type: "response.output_text.delta",
      response_id: "r1",
      item_id,
      delta: text,
    });
    channel.receive(delta("Hi \ud83d"));
    await vi.waitFor(() => expect(element.querySelector(".rtc-turn-text")?.textContent).toBe("Hi \ufffd"));
    channel.receive(delta("\ude00 there"));
    await vi.waitFor(() => expect(element.querySelector(".rtc-turn-text")?.textContent).toBe("Hi 😀 there"));
    channel.receive(delta("caf\udce9", "m2"));
    const call = { id: "f1", type: "function_call", call_id: "c1", name: "f\ud83d", arguments: '{"a": "\ud83d"}' };
    channel.receive({ type: "response.output_item.done", response_id: "r1", item: call });
    channel.receive({
      type: "conversation.item.added",
      item: { id: "o1", type: "function_call_output", call_id: "c1", output: "\ude00" },
    });
    channel.receive({ type: "error", error: { code: "session_expired", message: "It is \ud83d over." } });
    channel.become("closed");
    expect(kernel.states.at(-1)).toMatchObject({ error: { message: "It is \ufffd over." } });
    const reply = kernel.ask("connect", { resume: true });
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(2));
    const peer = FakePeer.all[1];
    await vi.waitFor(() => expect(peer?.remoteDescription).not.toBeNull());
    peer?.open();
    await reply;
    const told = peer?.channel.sent.map((text) => JSON.parse(text).item) ?? [];
    expect(told.map((item) => item.content?.[0].text ?? item.output ?? item.arguments)).toEqual([
      "Hi 😀 there",
      "caf\ufffd",
      '{"a": "\ufffd"}',
      "\ufffd",
    ]);
    expect(textsIn(told).filter((text) => HALF.test(text))).toEqual([]);
    await vi.waitFor(() => expect(kernel.of("events").flatMap(({ events }) => events).length).toBeGreaterThan(8));
    expect(textsIn(model.sent).filter((text) => HALF.test(text))).toEqual([]);
    const received = kernel.of("events").flatMap(({ events }) => events as [string, number, string][]);
    expect(received.some(([, , text]) => JSON.parse(text).delta === "Hi \ud83d")).toBe(true);
  });
});
