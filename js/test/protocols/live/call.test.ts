import { describe, expect, it, vi } from "vitest";
import { FakePeer, startCall } from "../../fakes";

const LIVE = { protocol: "live" };
const STARTED = { type: "session.started", session: { id: "live_1", delegation: { type: "client" } } };
const CLOSED = { type: "session.closed", reason: "close_requested", usage: { seconds: 31 } };

const typesIn = (texts: readonly string[]) => texts.map((text) => JSON.parse(text).type);
/** How often the page has asked for a microphone. */
const requests = () => vi.mocked(navigator.mediaDevices.getUserMedia).mock.calls.length;
const leave = () => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));

/** Starts a call of GPT-Live; every peer has one sender, whose tracks it lists. */
async function startLive(settings: Record<string, unknown> = {}) {
  const call = await startCall({ ...LIVE, ...settings });
  const sentTrack = () => call.peer().senders.at(-1) as MediaStreamTrack | null;
  return { ...call, sentTrack };
}

describe("a call of GPT-Live without a microphone", () => {
  it.each([false, "clips"])(
    "sends a silent track (%j), because the session's clock runs only with audio",
    async (microphone) => {
      const { peer, sentTrack, microphone: device } = await startLive({ microphone });
      expect(device.tracks).toHaveLength(0);
      expect(peer().steps).toContain("addTransceiver audio sendrecv");
      expect(sentTrack()?.readyState).toBe("live");
    },
  );

  it("goes on with a silent track where the microphone is lost", async () => {
    const { peer, sentTrack, microphone } = await startLive();
    const [track] = microphone.tracks;
    if (!track) throw new Error("No microphone");
    vi.spyOn(navigator.mediaDevices, "getUserMedia").mockRejectedValue(new DOMException("gone", "NotFoundError"));
    track.readyState = "ended";
    track.dispatchEvent(new Event("ended"));
    await vi.waitFor(() => expect(sentTrack()).not.toBe(track));
    expect(sentTrack()?.readyState).toBe("live");
    expect(peer().senders).not.toContain(null);
  });

  it("does not wait for a permission prompt before it sends silence", async () => {
    const { sentTrack, microphone } = await startLive();
    const [track] = microphone.tracks;
    if (!track) throw new Error("No microphone");
    microphone.isPrompting = true;
    track.readyState = "ended";
    track.dispatchEvent(new Event("ended"));
    await vi.waitFor(() => expect(sentTrack()).not.toBe(track));
    await vi.waitFor(() => microphone.allow());
    await vi.waitFor(() => expect(sentTrack()).toBe(microphone.tracks[1]));
  });
});

describe("a turn of GPT-Live", () => {
  const HELLO = { type: "session.output_transcript.delta", delta: "Hello.", start_ms: 200, end_ms: 400 };
  const statusIn = (element: HTMLElement) =>
    element.querySelector("[data-role=assistant]")?.getAttribute("data-turn-status");

  it("is over two seconds after its last words, although nothing happens", async () => {
    const { channel, mount } = await startLive();
    const { element } = mount();
    vi.useFakeTimers();
    channel.receive(HELLO);
    await vi.advanceTimersByTimeAsync(1_900);
    expect(statusIn(element)).toBe("in_progress");
    await vi.advanceTimersByTimeAsync(200);
    expect(statusIn(element)).toBe("completed");
  });

  it("stays interrupted where the end of the call has cut it", async () => {
    const { channel, peer, mount } = await startLive({ reconnect: null });
    const { element } = mount();
    vi.useFakeTimers();
    channel.receive(HELLO);
    peer().become("failed");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(statusIn(element)).toBe("interrupted");
  });
});

describe("the end of a call of GPT-Live", () => {
  it("asks the server to close the session, and waits for what it still has to say", async () => {
    const { kernel, channel, microphone, attempt, peer, sentTrack, mount } = await startLive();
    const { element } = mount();
    await kernel.ask("disconnect");
    expect(kernel.states.at(-1)).toMatchObject({ status: "idle", data_channel_state: "closed" });
    expect(typesIn(channel.sent)).toEqual(["session.close"]);
    expect(microphone.tracks[0]?.readyState).toBe("ended");
    await vi.waitFor(() => expect(sentTrack()).not.toBe(microphone.tracks[0]));
    expect(peer().connectionState).toBe("connected");
    expect(kernel.of("hang_up")).toEqual([]);
    channel.receive({ type: "session.output_transcript.delta", delta: "Good-bye.", start_ms: 200, end_ms: 400 });
    channel.receive(CLOSED);
    expect(peer().connectionState).toBe("closed");
    expect(kernel.of("hang_up")).toEqual([expect.objectContaining({ attempt })]);
    await vi.waitFor(() =>
      expect(
        kernel
          .of("events")
          .flatMap(({ events }) => events)
          .join(),
      ).toContain("session.closed"),
    );
    for (const { attempt: of } of kernel.of("events")) expect(of).toBe(attempt);
    await vi.waitFor(() => expect(element.textContent).toContain("Good-bye."));
  });

  it("does not wait longer than fifteen seconds", async () => {
    const { kernel, peer } = await startLive();
    vi.useFakeTimers();
    const disconnected = kernel.ask("disconnect");
    await vi.advanceTimersByTimeAsync(14_900);
    await disconnected;
    expect(peer().connectionState).toBe("connected");
    await vi.advanceTimersByTimeAsync(200);
    expect(peer().connectionState).toBe("closed");
    expect(kernel.of("hang_up")).toHaveLength(1);
  });

  it("does not wait where the page goes away, or the connection is lost", async () => {
    const { kernel, peer } = await startLive();
    leave();
    expect(peer().connectionState).toBe("closed");
    expect(kernel.of("hang_up")).toHaveLength(1);
    const other = await startLive({ reconnect: null });
    other.peer().become("failed");
    expect(other.peer().connectionState).toBe("closed");
    expect(other.channel.sent).toEqual([]);
  });

  it("leaves the microphone off that is permitted after it", async () => {
    const { kernel, microphone, peer, sentTrack } = await startLive();
    const [track] = microphone.tracks;
    microphone.isPrompting = true;
    const first = peer();
    const before = requests();
    if (track) track.readyState = "ended";
    track?.dispatchEvent(new Event("ended"));
    await vi.waitFor(() => expect(sentTrack()).not.toBe(track));
    await vi.waitFor(() => expect(requests()).toBe(before + 1));
    await kernel.ask("disconnect");
    microphone.isPrompting = false;
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(2));
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await connecting;
    microphone.allow();
    const [, next, late] = await vi.waitFor(() => {
      expect(microphone.tracks).toHaveLength(3);
      expect(microphone.tracks[2]?.readyState).toBe("ended");
      return microphone.tracks;
    });
    expect(first.connectionState).toBe("connected"); // the server still closes the session
    expect(first.senders).not.toContain(late);
    await kernel.ask("mute", { muted: true });
    expect(next).toMatchObject({ enabled: false, readyState: "live" });
  });

  it("does not open a microphone that was chosen before it and waits for its turn", async () => {
    const { kernel, microphone } = await startLive();
    microphone.isPrompting = true;
    const before = requests();
    const choices = [1, 2].map(() => kernel.ask("use_device", { device_kind: "microphone", device: null }));
    await vi.waitFor(() => expect(requests()).toBe(before + 1));
    await kernel.ask("disconnect");
    for (const { error } of await Promise.all(choices)) expect(error).toMatchObject({ code: "cancelled" });
    expect(requests()).toBe(before + 1);
  });

  it("cuts off a clip", async () => {
    const { kernel, peer, sentTrack } = await startLive({ microphone: "clips" });
    kernel.clips.c1 = { rate: 8_000, parts: [btoa("\0".repeat(2 * 8_000 * 600))] };
    const saying = kernel.ask("play_clip", { clip: "c1" });
    await vi.waitFor(() => kernel.last("clip"));
    await kernel.ask("disconnect");
    expect((await saying).error).toMatchObject({ code: "clip_interrupted" });
    expect(peer().connectionState).toBe("connected");
    expect(sentTrack()?.readyState).toBe("live");
  });

  it("does not hold up the next call", async () => {
    const { kernel, channel, peer, attempt } = await startLive();
    const first = peer();
    await kernel.ask("disconnect");
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(2));
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await connecting;
    channel.receive(CLOSED);
    expect(first.connectionState).toBe("closed");
    expect(kernel.states.at(-1)?.status).toBe("connected");
    expect(kernel.of("hang_up")).toEqual([expect.objectContaining({ attempt })]);
  });

  it("comes without an error where Python has closed the session", async () => {
    const { kernel, channel, peer } = await startLive();
    await kernel.ask("send", { events: ['{"type":"session.close","event_id":"c1"}'] });
    expect(kernel.states.at(-1)?.status).toBe("connected");
    channel.receive({ ...CLOSED, client_event_id: "c1" });
    expect(kernel.statuses).toEqual(["idle", "connecting", "connected", "idle"]);
    expect(peer().connectionState).toBe("closed");
    expect(kernel.of("hang_up")).toHaveLength(1);
    expect((await kernel.ask("disconnect")).result).toEqual({});
    expect(typesIn(channel.sent)).toEqual(["session.close"]);
  });

  it("comes when the server closes the session", async () => {
    const { kernel, channel } = await startLive();
    channel.receive({ ...CLOSED, reason: "remote_hangup" });
    await vi.waitFor(() => expect(kernel.states.at(-1)?.error).toMatchObject({ code: "server_hung_up" }));
    expect(channel.sent).toEqual([]);
  });

  it.each([
    ["is replaced by another one", { max_attempts: 3, backoff: 0 }, 2, "reconnecting"],
    ["ends", null, 1, "error"],
  ])("of a session that has expired %s", async (_, reconnect, calls, status) => {
    const { kernel, channel } = await startLive({ reconnect });
    channel.receive({ ...CLOSED, reason: "expired" });
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(calls));
    expect(kernel.states.map((state) => state.status)).toContain(status);
    if (!reconnect) expect(kernel.states.at(-1)?.error).toMatchObject({ code: "session_expired" });
  });
});

describe("a session clock that stands still", () => {
  it("is told, where something waits for it", async () => {
    const { kernel, channel, mount } = await startLive();
    const { element } = mount();
    vi.useFakeTimers();
    channel.receive(STARTED);
    const greeting = { type: "session.instructions.append", delegation_id: null, content: "Greet the user." };
    void kernel.ask("send", { events: [JSON.stringify(greeting)] });
    await vi.advanceTimersByTimeAsync(4_900);
    expect(kernel.states.at(-1)?.error).toBeNull();
    await vi.advanceTimersByTimeAsync(200);
    expect(kernel.states.at(-1)).toMatchObject({ status: "connected", error: { code: "input_audio_missing" } });
    await vi.waitFor(() => expect(element.textContent).toContain("receives no audio"));
  });

  it("is told in each call, whatever waited and however late the clock was in the call before", async () => {
    const { kernel, channel, peer } = await startLive();
    const thinking = { type: "session.thinking.append", delegation_id: null, content: "A note." };
    const send = () => kernel.ask("send", { events: [JSON.stringify(thinking)] });
    channel.receive({ type: "session.output_transcript.delta", delta: "Hm", start_ms: 60_000, end_ms: 60_200 });
    await send();
    await kernel.ask("disconnect");
    channel.receive(CLOSED);
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(2));
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await connecting;
    vi.useFakeTimers();
    void send();
    await vi.advanceTimersByTimeAsync(4_000);
    peer().channel.receive({ type: "session.output_transcript.delta", delta: "Hi", start_ms: 3_000, end_ms: 3_200 });
    await vi.advanceTimersByTimeAsync(4_900);
    expect(kernel.states.at(-1)).toMatchObject({ status: "connected", error: null });
    await vi.advanceTimersByTimeAsync(200);
    expect(kernel.states.at(-1)).toMatchObject({ status: "connected", error: { code: "input_audio_missing" } });
  });

  it.each([
    ["is placed", { type: "session.thinking.appended", start_ms: 200, end_ms: 400 }],
    ["is refused", { type: "error", error: { code: "x", message: "no", client_event_id: "c1" } }],
  ])("is not told where what waits for it %s", async (_, answer) => {
    const { kernel, channel } = await startLive();
    vi.useFakeTimers();
    const thinking = { type: "session.thinking.append", event_id: "c1", delegation_id: null, content: "A note." };
    void kernel.ask("send", { events: [JSON.stringify(thinking)] });
    await vi.advanceTimersByTimeAsync(4_000);
    channel.receive(answer);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(kernel.states.at(-1)?.error).toBeNull();
  });
});

describe("what a person does in a call of GPT-Live", () => {
  it("talks with the button by the track alone", async () => {
    const { kernel, channel, microphone } = await startLive();
    const [track] = microphone.tracks;
    expect(track?.enabled).toBe(true);
    await kernel.ask("talk", { on: true });
    expect(track?.enabled).toBe(true);
    await kernel.ask("talk", { on: false });
    await vi.waitFor(() => expect(track?.enabled).toBe(false));
    await kernel.ask("talk", { on: true });
    expect(track?.enabled).toBe(true);
    expect(channel.sent).toEqual([]);
  });

  it.each([
    ["client", ["session.thinking.append", "session.commentary.append"]],
    ["responses", ["session.thinking.append", "response.item.create", "response.create"]],
  ])("writes to the one who works for the voice (%s)", async (type, sent) => {
    const { channel, mount } = await startLive();
    const { element } = mount();
    channel.receive({ ...STARTED, session: { id: "live_1", delegation: { type } } });
    const input = element.querySelector<HTMLTextAreaElement | HTMLInputElement>("textarea, input[type=text]");
    if (!input) throw new Error("No text box");
    input.value = "What is ICE?";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.closest("form")?.requestSubmit();
    await vi.waitFor(() => expect(typesIn(channel.sent)).toEqual(sent));
    for (const text of channel.sent) if (text.includes(".append")) expect(text).toContain('"delegation_id":null');
    await vi.waitFor(() => expect(element.textContent).toContain("What is ICE?"));
  });

  it("reads errors and the ends of the backend's responses, with or without a code", async () => {
    const { channel, mount } = await startLive();
    const { element } = mount();
    channel.receive({ type: "error", error: { code: "context_injection_incomplete", message: "Harmless." } });
    channel.receive({
      type: "error",
      error: { type: "server_error", code: null, message: "Responses handoff incomplete." },
    });
    await vi.waitFor(() => expect(element.textContent).toContain("Responses handoff incomplete."));
    expect(element.textContent).not.toContain("Harmless");
    const failed = { type: "response.failed", response: { id: "r1", error: { message: "No such model." } } };
    channel.receive({ type: "response.event", delegation_id: null, event: failed });
    await vi.waitFor(() => expect(element.textContent).toContain("No such model."));
  });
});

describe("a text that is written while the backend is busy", () => {
  const BACKEND = { type: "session.started", session: { id: "live_1", delegation: { type: "responses" } } };
  const nested = (event: object) => ({ type: "response.event", delegation_id: "d1", event });
  const CREATED = nested({ type: "response.created", response: { id: "r1" } });
  const CALL = nested({ type: "response.output_item.done", item: { type: "function_call", call_id: "c1", name: "f" } });
  const COMPLETED = nested({ type: "response.completed", response: { id: "r1" } });
  const FAILED = nested({ type: "response.failed", response: { id: "r1" } });
  const OUTPUT = '{"type":"response.item.create","item":{"type":"function_call_output","call_id":"c1","output":"4"}}';
  const NOTED = ["session.thinking.append", "response.item.create"];

  /** Writes a text in a call in which these events have come; returns the types of what is sent. */
  async function writeAfter(...events: object[]) {
    const call = await startLive();
    const { element } = call.mount();
    for (const event of [BACKEND, ...events]) call.channel.receive(event);
    const input = await vi.waitFor(() => {
      const found = element.querySelector<HTMLTextAreaElement>("textarea");
      if (!found) throw new Error("No text box");
      return found;
    });
    input.value = "And a six?";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await vi.waitFor(() => expect(element.querySelector("button[type=submit]:not(:disabled)")).not.toBeNull());
    input.form?.requestSubmit();
    await vi.waitFor(() => expect(call.channel.sent.length).toBeGreaterThan(0));
    return { ...call, sent: () => typesIn(call.channel.sent) };
  }

  it("is responded to when the output of a function has been sent", async () => {
    const { kernel, sent } = await writeAfter(CREATED, CALL, COMPLETED);
    expect(sent()).toEqual(NOTED);
    await kernel.ask("send", { events: [OUTPUT] });
    await vi.waitFor(() => expect(sent()).toEqual([...NOTED, "response.item.create", "response.create"]));
  });

  it("needs no request of its own where the kernel requests a response", async () => {
    const { kernel, channel, sent } = await writeAfter(CREATED, CALL, COMPLETED);
    await kernel.ask("send", { events: [OUTPUT, '{"type":"response.create","event_id":"e1"}'] });
    channel.receive(CREATED);
    channel.receive(COMPLETED);
    await new Promise((resolve) => setTimeout(resolve));
    expect(sent()).toEqual([...NOTED, "response.item.create", "response.create"]);
  });

  it.each([
    ["completed", [CREATED], COMPLETED],
    ["failed", [CREATED, CALL], FAILED],
  ])("is responded to when a response has %s", async (_, before, end) => {
    const { channel, sent } = await writeAfter(...before);
    expect(sent()).toEqual(NOTED);
    channel.receive(end);
    await vi.waitFor(() => expect(sent()).toEqual([...NOTED, "response.create"]));
  });

  it("is responded to at once where the backend is idle again", async () => {
    const { sent } = await writeAfter(CREATED, COMPLETED);
    expect(sent()).toEqual([...NOTED, "response.create"]);
  });
});
