import { describe, expect, it, vi } from "vitest";
import { userEvent } from "vitest/browser";
import "../../../src/ui/styles/index.css";
import { type Message, startCall, startWidget } from "../../fakes";
import { openTab, part } from "./open_tab";

const SESSION = {
  model: "gpt-realtime",
  instructions: "Be brief.",
  tools: [],
  audio: { input: { turn_detection: { type: "server_vad" } }, output: { voice: "marin", speed: 1 } },
};
const REFUSAL = { code: "event_refused", message: "No such voice.", hint: "Use another one." };

async function openSession({ answers = true } = {}) {
  const started = await startCall();
  const { element } = started.mount();
  started.channel.receive({ type: "session.created", session: SESSION });
  const { kernel } = started;
  if (answers)
    kernel.model.on("sent", (message: Message) => {
      if (message.type !== "update_session") return;
      const isRefused = JSON.stringify(message.settings).includes("nobody");
      queueMicrotask(() => kernel.reply(message, isRefused ? { error: REFUSAL } : { result: {} }));
    });
  const tab = await openTab(element, "session");
  await vi.waitFor(() => part(tab, "form"));
  const field = (name: string) => part<HTMLInputElement>(tab, `[name=${name}]`);
  const note = (name: string) => part(tab, `[data-setting=${name}] .rtc-field-note`).textContent;
  const update = () => part<HTMLButtonElement>(tab, "[data-action=update-session]");
  return { ...started, element, tab, field, note, update };
}

describe("the Session tab", () => {
  it("says that there is no call, and how the settings of one can be changed", async () => {
    const { element } = startWidget().mount();
    const tab = await openTab(element, "session");
    expect(tab.textContent).toContain("There is no call.");
    expect(tab.querySelector("form")).toBeNull();
  });

  it("shows what the server has confirmed", async () => {
    const { tab, field } = await openSession();
    expect(field("voice").value).toBe("marin");
    expect(field("instructions").value).toBe("Be brief.");
    expect(field("speed").value).toBe("1");
    expect(field("turn_detection").value).toBe("server_vad");
    const lines = [...tab.querySelectorAll("dl > div")].map((line) => line.textContent);
    expect(lines).toEqual([
      "modelgpt-realtime",
      "instructionsBe brief.",
      "tools[]",
      "audio.input.turn_detection.typeserver_vad",
      "audio.output.voicemarin",
      "audio.output.speed1",
    ]);
  });

  it("names each control, and describes it by what was refused", async () => {
    const { tab } = await openSession();
    for (const control of tab.querySelectorAll<HTMLInputElement>("input, select, textarea")) {
      expect(control.labels?.[0]?.textContent).toMatch(/\w/);
      const described = control.getAttribute("aria-describedby");
      expect(tab.querySelector(`[id="${described}"]`)).not.toBeNull();
    }
  });

  it("sends each change by itself, named as in Python, and nothing else", async () => {
    const { kernel, channel, field, note, update } = await openSession();
    expect(update().disabled).toBe(true);
    await userEvent.fill(field("speed"), "1.25");
    await userEvent.selectOptions(field("turn_detection"), "off");
    await vi.waitFor(() => expect(update().disabled).toBe(false));
    update().click();
    await vi.waitFor(() => expect(kernel.of("update_session")).toHaveLength(2));
    const settings = kernel.of("update_session").map((message) => message.settings);
    expect(settings).toEqual([{ speed: 1.25 }, { turn_detection: null }]);
    channel.receive({
      type: "session.updated",
      session: { audio: { input: { turn_detection: null }, output: { voice: "marin", speed: 1.25 } } },
    });
    await vi.waitFor(() => expect([note("speed"), note("turn_detection")]).toEqual(["Confirmed.", "Confirmed."]));
    await vi.waitFor(() => expect(field("speed").value).toBe("1.25"));
    expect(update().disabled).toBe(true);
  });

  it("sends a change only when the one before is confirmed or refused", async () => {
    const { kernel, field, note, update } = await openSession({ answers: false });
    await userEvent.fill(field("voice"), "nobody");
    await userEvent.fill(field("speed"), "1.25");
    update().click();
    await vi.waitFor(() => expect(update().textContent).toBe("Waiting for the server"));
    expect(kernel.of("update_session")).toHaveLength(1);
    kernel.reply(kernel.last("update_session"), { error: REFUSAL });
    await vi.waitFor(() => expect(kernel.of("update_session")).toHaveLength(2));
    expect(note("voice")).toBe("No such voice. Use another one.");
    kernel.reply(kernel.last("update_session"), { result: {} });
    await vi.waitFor(() => expect(note("speed")).toBe("Confirmed."));
  });

  it("says beside the field why the server refused it, and keeps what was typed", async () => {
    const { field, note, update } = await openSession();
    await userEvent.fill(field("voice"), "nobody");
    await userEvent.keyboard("{Enter}");
    await vi.waitFor(() => expect(note("voice")).toBe("No such voice. Use another one."));
    expect(field("voice").value).toBe("nobody");
    expect(field("voice").getAttribute("aria-invalid")).toBe("true");
    expect(note("speed")).toBe("");
    await userEvent.fill(field("voice"), "cedar");
    await vi.waitFor(() => expect(note("voice")).toBe(""));
    update().click();
    await vi.waitFor(() => expect(note("voice")).toBe("Confirmed."));
  });

  it("shows what Python has changed, except in a field that is being edited", async () => {
    const { channel, field } = await openSession();
    await userEvent.fill(field("voice"), "ced");
    const audio = { ...SESSION.audio, output: { voice: "verse", speed: 1.5 } };
    channel.receive({ type: "session.updated", session: { ...SESSION, audio } });
    await vi.waitFor(() => expect(field("speed").value).toBe("1.5"));
    expect(field("voice").value).toBe("ced");
  });

  it("is disabled after the call, with the settings of the last one", async () => {
    const { element, tab, field } = await openSession();
    part(element, "[data-action=disconnect]").click();
    await vi.waitFor(() => expect(field("voice").disabled).toBe(true));
    expect(tab.textContent).toContain("There is no call. These are the settings of the last one.");
    expect(field("voice").value).toBe("marin");
  });

  it("waits for the server, and says when the kernel does not reply", async () => {
    const { kernel, field, note, update } = await openSession({ answers: false });
    await userEvent.fill(field("voice"), "cedar");
    update().click();
    await vi.waitFor(() => expect(update().textContent).toBe("Waiting for the server"));
    expect(update().disabled).toBe(true);
    kernel.reply(kernel.last("update_session"), {
      error: { code: "wait_timeout", message: "The server did not confirm the change within 10.0 s.", hint: "" },
    });
    await vi.waitFor(() => expect(note("voice")).toBe("The server did not confirm the change within 10.0 s."));
  });

  it("refuses nothing that a busy kernel does later", async () => {
    const { kernel, field, note, update } = await openSession({ answers: false });
    await userEvent.fill(field("voice"), "cedar");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    update().click();
    await vi.waitFor(() => kernel.last("update_session"));
    await vi.advanceTimersByTimeAsync(500_000);
    await vi.waitFor(() => expect(note("voice")).toContain("Python has not replied yet."));
    kernel.reply(kernel.last("update_session"), { result: {} });
    await vi.waitFor(() => expect(note("voice")).toBe("Confirmed."));
  });

  it("does not wait for a kernel that has died", async () => {
    const { kernel, model, field, note, update } = await openSession({ answers: false });
    await userEvent.fill(field("voice"), "cedar");
    update().click();
    await vi.waitFor(() => kernel.last("update_session"));
    model.trigger("comm_live_update");
    await vi.waitFor(() => expect(note("voice")).toMatch(/kernel/i));
    expect(update().textContent).toBe("Update");
  });

  it("is known to a window that was opened during another's call, and changes that call", async () => {
    const { kernel, mount } = startWidget({
      setUp: (model) =>
        Object.assign(model.traits, { status: "connected", data_channel_state: "open", active_page: "p_other" }),
    });
    const text = JSON.stringify({ type: "session.created", session: SESSION });
    const calls = [{ attempt: "a9", resumes: false, heard_until_ms: null, events: [["received", 1, text]] }];
    kernel.history = { result: { calls, first: 0, next: 1, more: false } };
    const tab = await openTab(mount().element, "session");
    const voice = await vi.waitFor(() => part<HTMLInputElement>(tab, "[name=voice]"));
    expect(voice.value).toBe("marin");
    await userEvent.fill(voice, "cedar");
    await userEvent.keyboard("{Enter}");
    await vi.waitFor(() => expect(kernel.last("update_session").settings).toEqual({ voice: "cedar" }));
  });

  it("shows what GPT-Live fixes at the start, and has nothing to change", async () => {
    const { mount, channel } = await startCall({ protocol: "live" });
    const { element } = mount();
    const session = { model: "gpt-live-1.1", instructions: "Be brief.", audio: { output: { voice: "marin" } } };
    channel.receive({ type: "session.started", session });
    const tab = await openTab(element, "session");
    await vi.waitFor(() => part(tab, "form"));
    const controls = [...tab.querySelectorAll<HTMLInputElement>("input, select, textarea")];
    expect(controls.map(({ name, disabled }) => [name, disabled])).toEqual([
      ["voice", true],
      ["instructions", true],
    ]);
    expect(part(tab, "[data-setting=voice] .rtc-field-note").textContent).toBe("Fixed at the start.");
    expect(tab.querySelector("[data-action=update-session]")).toBeNull();
  });
});
