import { describe, expect, it, vi } from "vitest";
import "../../src/ui/styles/index.css";
import { startCall } from "../fakes";

const userTurn = (id: string, text: string) => ({
  type: "conversation.item.added",
  previous_item_id: null,
  item: { id, type: "message", role: "user", content: [{ type: "input_text", text }] },
});

describe("the compact layout", () => {
  it.each([320, 500, 760])("is one line at %i pixels, with every button within reach", async (width) => {
    const { channel, mount } = await startCall({ layout: "compact" });
    const { element } = mount();
    element.style.width = `${width}px`;
    channel.receive(userTurn("u1", "What is ICE, and how does it find a way through two routers at the same time?"));
    channel.receive({ type: "output_audio_buffer.started" });
    await vi.waitFor(() => expect(element.querySelector("[data-action=stop]")).not.toBeNull());
    await vi.waitFor(() => expect(element.querySelector(".rtc-caption")?.textContent).toContain("What is ICE"));
    expect(element.getBoundingClientRect().height).toBeLessThan(60);
    const right = element.getBoundingClientRect().right;
    for (const button of element.querySelectorAll("button")) {
      const { right: end, width: wide } = button.getBoundingClientRect();
      expect(end, button.dataset.action).toBeLessThanOrEqual(right);
      expect(wide).toBeGreaterThan(20);
    }
    expect(element.querySelector(".rtc-transcript, textarea, .rtc-panel")).toBeNull();
  });

  it("still shows what needs an action", async () => {
    const { channel, kernel, mount } = await startCall({ layout: "compact" });
    const { element } = mount();
    void kernel.ask("approve", { call_id: "c1", name: "pay", arguments: { amount: 3 }, seconds: 60 });
    channel.receive({ type: "error", error: { code: "invalid_value", message: "No such thing." } });
    await vi.waitFor(() => expect(element.querySelector(".rtc-error-message")?.textContent).toBe("No such thing."));
    expect(element.querySelector("[data-action=allow]")).not.toBeNull();
  });

  it("becomes the full one when Python says so", async () => {
    const { model, mount } = await startCall({ layout: "compact" });
    const { element } = mount();
    model.setTrait("settings", { layout: "full" });
    await vi.waitFor(() => expect(element.querySelector("textarea")).not.toBeNull());
  });
});

describe("at 320 pixels", () => {
  it("no part of the full layout is wider than the view", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    element.style.width = "320px";
    channel.receive({
      type: "response.output_item.done",
      response_id: "r1",
      item: {
        id: "f1",
        type: "function_call",
        call_id: "c1",
        name: "weather_of_a_place",
        arguments: `{"city":"${"x".repeat(300)}"}`,
      },
    });
    channel.receive(userTurn("u1", "y".repeat(300)));
    channel.receive({
      type: "response.output_text.delta",
      item_id: "m1",
      response_id: "r1",
      delta: `\`\`\`\n${"z".repeat(300)}`,
    });
    channel.receive({ type: "output_audio_buffer.started" });
    await vi.waitFor(() => expect(element.querySelector("pre code")).not.toBeNull());
    const right = element.getBoundingClientRect().right;
    for (const one of element.querySelectorAll(".rtc-turn, .rtc-tool, button, textarea, summary")) {
      expect(one.getBoundingClientRect().right, one.className).toBeLessThanOrEqual(right);
    }
  });
});
