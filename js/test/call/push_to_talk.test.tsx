import { describe, expect, it, vi } from "vitest";
import { userEvent } from "vitest/browser";
import { PushToTalk } from "../../src/call/push_to_talk";
import { REALTIME } from "../../src/protocols/realtime/protocol";
import "../../src/ui/styles/index.css";
import { type FakeKernel, startCall } from "../fakes";

const manual = { type: "session.created", session: { audio: { input: { turn_detection: null } } } };
const automatic = {
  type: "session.updated",
  session: { audio: { input: { turn_detection: { type: "server_vad" } } } },
};
const userSpeaks = { type: "input_audio_buffer.speech_started" };
const talkButton = (root: Element) => root.querySelector<HTMLButtonElement>("[data-action=talk]");
const types = (texts: readonly string[]) => texts.map((text) => (JSON.parse(text) as { type: string }).type);

/** Starts a call without turn detection, with a view. */
async function startTalk() {
  const started = await startCall();
  const { element } = started.mount();
  started.channel.receive(manual);
  await vi.waitFor(() => expect(talkButton(element)).toBeTruthy());
  const [track] = started.microphone.tracks;
  if (!track) throw new Error("There is no microphone");
  return { ...started, element, track };
}

async function hold(milliseconds: number, kernel: FakeKernel) {
  await kernel.ask("talk", { on: true });
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  await kernel.ask("talk", { on: false });
}

describe("push-to-talk", () => {
  it("is there when the session detects no turns, and goes when it does again", async () => {
    const { element, channel, track } = await startTalk();
    expect(track.enabled).toBe(false);
    channel.receive(automatic);
    await vi.waitFor(() => expect(talkButton(element)).toBeNull());
    expect(track.enabled).toBe(true);
  });

  it("is not there where a server states null for every setting: the microphone stays on", async () => {
    const { channel, mount, microphone } = await startCall();
    const { element } = mount();
    const input = { format: null, noise_reduction: null, transcription: null, turn_detection: null };
    channel.receive({ type: "session.created", session: { audio: { input, output: null } } });
    channel.receive(userSpeaks);
    await vi.waitFor(() => expect(element.querySelector("[data-speaking=user]")).toBeTruthy());
    expect(talkButton(element)).toBeNull();
    expect(microphone.tracks[0]?.enabled).toBe(true);
  });

  it("opens the microphone while it is held, and encloses the turn in its events", async () => {
    const { kernel, channel, track } = await startTalk();
    await kernel.ask("talk", { on: true });
    expect(types(channel.sent)).toEqual(["input_audio_buffer.clear"]);
    expect(track.enabled).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 350));
    await kernel.ask("talk", { on: false });
    expect(track.enabled).toBe(true); // the last word is still on its way
    await vi.waitFor(() =>
      expect(types(channel.sent).slice(1)).toEqual(["input_audio_buffer.commit", "response.create"]),
    );
    expect(track.enabled).toBe(false);
  });

  it("takes a mere tap back", async () => {
    const { kernel, channel } = await startTalk();
    await hold(0, kernel);
    await vi.waitFor(() => expect(channel.sent).toHaveLength(2));
    expect(types(channel.sent)).toEqual(["input_audio_buffer.clear", "input_audio_buffer.clear"]);
  });

  it("interrupts the assistant: the answer is cancelled, its voice is silenced", async () => {
    const { kernel, channel } = await startTalk();
    channel.receive({ type: "response.created", response: { id: "r1", conversation_id: "conv_1" } });
    channel.receive({ type: "response.created", response: { id: "beside", conversation_id: null } });
    channel.receive({ type: "output_audio_buffer.started", response_id: "r1" });
    await kernel.ask("talk", { on: true });
    expect(types(channel.sent)).toEqual(["input_audio_buffer.clear", "response.cancel", "output_audio_buffer.clear"]);
  });

  it("silences the voice alone where the answer is complete", async () => {
    const { kernel, channel } = await startTalk();
    channel.receive({ type: "response.created", response: { id: "r1" } });
    channel.receive({ type: "output_audio_buffer.started", response_id: "r1" });
    channel.receive({ type: "response.done", response: { id: "r1" } });
    await kernel.ask("talk", { on: true });
    expect(types(channel.sent)).toEqual(["input_audio_buffer.clear", "output_audio_buffer.clear"]);
  });

  it("works by pointer and by the space bar", async () => {
    const { element, channel, track } = await startTalk();
    talkButton(element)?.focus();
    await userEvent.keyboard("{ >}");
    await vi.waitFor(() => expect(talkButton(element)?.textContent).toContain("Listening"));
    expect(track.enabled).toBe(true);
    await userEvent.keyboard("{/ }");
    await vi.waitFor(() => expect(talkButton(element)?.textContent).toContain("Hold to talk"));
    const pointer = { bubbles: true, pointerId: 1, button: 0 };
    vi.spyOn(HTMLElement.prototype, "setPointerCapture").mockImplementation(() => {});
    talkButton(element)?.dispatchEvent(new PointerEvent("pointerdown", pointer));
    await vi.waitFor(() => expect(talkButton(element)?.dataset.held).toBe("true"));
    talkButton(element)?.dispatchEvent(new PointerEvent("pointerup", pointer));
    await vi.waitFor(() => expect(talkButton(element)?.dataset.held).toBe("false"));
    expect(types(channel.sent)[0]).toBe("input_audio_buffer.clear");
  });

  it("lets go of a button that vanishes while it is held", async () => {
    const { element, kernel, channel, track } = await startTalk();
    await kernel.ask("talk", { on: true });
    channel.receive(automatic);
    await vi.waitFor(() => expect(talkButton(element)).toBeNull());
    channel.receive({ ...manual, type: "session.updated" });
    await vi.waitFor(() => expect(talkButton(element)?.dataset.held).toBe("false"));
    expect(track.enabled).toBe(false);
  });

  it.each([
    ["the microphone is muted", (kernel: FakeKernel) => void kernel.ask("mute", { muted: true })],
    ["its view goes", (_: FakeKernel, unmount: () => void) => unmount()],
  ])("ends the turn when %s during a hold", async (_, happen) => {
    const { kernel, channel, mount, track } = await startTalk();
    const view = mount();
    vi.spyOn(HTMLElement.prototype, "setPointerCapture").mockImplementation(() => {});
    const pointer = { bubbles: true, pointerId: 1, button: 0 };
    talkButton(view.element)?.dispatchEvent(new PointerEvent("pointerdown", pointer));
    await vi.waitFor(() => expect(talkButton(view.element)?.dataset.held).toBe("true"));
    happen(kernel, () => void (view.unmount as () => void)());
    // On a slow machine the hold may be long enough to be a turn.
    await vi.waitFor(() => expect(channel.sent.length).toBeGreaterThan(1));
    await kernel.ask("mute", { muted: false });
    expect(track.enabled).toBe(false);
  });

  it("leaves what Python holds to Python when a view goes", async () => {
    const { kernel, mount, track } = await startTalk();
    const view = mount();
    await kernel.ask("talk", { on: true });
    (view.unmount as () => void)();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(track.enabled).toBe(true);
  });

  it("loses no word about a channel that closes before the turn has ended", async () => {
    const send = vi.fn();
    const talk = new PushToTalk(REALTIME, { send, setHeldBack: () => {}, onChange: () => {} });
    const thrown = vi.fn((event: ErrorEvent) => event.preventDefault());
    addEventListener("error", thrown);
    talk.press();
    talk.release();
    send.mockImplementation(() => {
      throw new Error("not connected");
    });
    await new Promise((resolve) => setTimeout(resolve, 250));
    removeEventListener("error", thrown);
    expect(send).toHaveBeenCalledTimes(2);
    expect(thrown).not.toHaveBeenCalled();
  });

  it("only opens and closes the microphone where the protocol has no events for a turn", async () => {
    const protocol = { ...REALTIME, beginTurn: () => [], commitTurn: () => [], discardTurn: () => [] };
    const sent: string[] = [];
    const heldBack: boolean[] = [];
    const talk = new PushToTalk(protocol, {
      send: (texts) => sent.push(...texts),
      setHeldBack: (isHeldBack) => heldBack.push(isHeldBack),
      onChange: () => {},
    });
    talk.apply({ type: "turn_detection", isEnabled: false });
    talk.press();
    talk.release();
    await vi.waitFor(() => expect(heldBack).toEqual([true, false, true]));
    expect(sent).toEqual([]);
  });

  it("leaves a muted microphone muted", async () => {
    const { element, kernel, track } = await startTalk();
    await kernel.ask("mute", { muted: true });
    await vi.waitFor(() => expect(talkButton(element)?.disabled).toBe(true));
    await kernel.ask("talk", { on: true });
    expect(track.enabled).toBe(false);
  });

  it("ends with the call", async () => {
    const { element, kernel, channel } = await startTalk();
    await kernel.ask("talk", { on: true });
    await kernel.ask("disconnect");
    await vi.waitFor(() => expect(talkButton(element)).toBeNull());
    expect(types(channel.sent)).toEqual(["input_audio_buffer.clear"]);
  });
});
