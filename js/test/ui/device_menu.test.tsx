import { describe, expect, it, vi } from "vitest";
import { userEvent } from "vitest/browser";
import "../../src/ui/styles/index.css";
import { startCall } from "../fakes";
import { part } from "./panel/open_tab";

async function openMenu(settings: Record<string, unknown> = {}) {
  const started = await startCall(settings);
  const { element } = started.mount();
  part(element, "[data-action=devices]").click();
  await vi.waitFor(() => part(element, ".rtc-switch"));
  const isOn = () => part<HTMLInputElement>(element, "[data-setting=text_interrupts]").checked;
  return { ...started, element, isOn };
}

const SPEAKS = [
  { type: "response.created", response: { id: "r1" } },
  { type: "output_audio_buffer.started", response_id: "r1" },
];

describe("the switch of written interruptions", () => {
  it("is named, and shows what Python has set", async () => {
    const { element, isOn, model } = await openMenu({ text_interrupts: false });
    const [label] = part<HTMLInputElement>(element, "[data-setting=text_interrupts]").labels ?? [];
    expect(label?.textContent).toBe("Writing interrupts the voice");
    expect(isOn()).toBe(false);
    model.setTrait("settings", { text_interrupts: true });
    await vi.waitFor(() => expect(isOn()).toBe(true));
  });

  it("applies at once, and tells Python", async () => {
    const { channel, element, isOn, kernel } = await openMenu();
    part(element, "[data-setting=text_interrupts]").click();
    await vi.waitFor(() => expect(kernel.last("change_settings").text_interrupts).toBe(false));
    expect(isOn()).toBe(false);
    for (const event of SPEAKS) channel.receive(event);
    await vi.waitFor(() => part(element, "[data-action=stop]"));
    await userEvent.type(part(element, "textarea"), "And then?{Enter}");
    channel.receive({ type: "response.done", response: { id: "r1", status: "completed", output: [] } });
    await vi.waitFor(() => expect(channel.sent).toHaveLength(2));
    expect(channel.sent.join()).not.toContain("response.cancel");
  });

  it("goes back where Python does not take it, and says why", async () => {
    const { element, isOn, kernel } = await openMenu();
    part(element, "[data-setting=text_interrupts]").click();
    await vi.waitFor(() => kernel.last("change_settings"));
    kernel.reply(kernel.last("change_settings"), { error: { code: "unexpected", message: "It failed.", hint: "" } });
    await vi.waitFor(() => expect(isOn()).toBe(true));
    await vi.waitFor(() => expect(element.textContent).toContain("It failed."));
  });
});
