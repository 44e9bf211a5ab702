import { describe, expect, it, vi } from "vitest";
import { Bridge, type KernelListener } from "../../src/comm/bridge";
import { PROTOCOL } from "../../src/comm/envelope";
import { type CallMessages, decodeCallMessage } from "../../src/comm/protocol";
import { FakeModel, startCall, startWidget } from "../fakes";

const fakeTime = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

describe("the greeting", () => {
  it("is said at once and repeated, ever slower, until the kernel welcomes", async () => {
    fakeTime();
    const { kernel } = startWidget({ isListening: false });
    expect(kernel.of("hello")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(250 + 500 + 1_000 + 2_000 + 4_000 + 4_000);
    expect(kernel.of("hello")).toHaveLength(7);
    kernel.welcome();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(kernel.of("hello")).toHaveLength(7);
  });

  it("is followed by the state, whenever the kernel welcomes", async () => {
    const { kernel } = startWidget({ isListening: false });
    kernel.welcome();
    kernel.welcome();
    expect(kernel.states).toHaveLength(2);
    expect(kernel.of("state").map(({ seq }) => seq)).toEqual([1, 2]);
    expect(kernel.states[0]).toMatchObject({ status: "idle", connection_state: "new" });
  });

  it("shows what to do when page and kernel are of different versions", async () => {
    const { kernel, mount } = startWidget({ isListening: false });
    const { element } = mount();
    kernel.protocol = PROTOCOL + 1;
    kernel.welcome();
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")?.textContent).toContain("Reload the page"));
    expect(element.querySelector(".rtc-error")?.getAttribute("data-code")).toBe("protocol_mismatch");
    expect((await kernel.ask("connect")).error).toMatchObject({ code: "protocol_mismatch" });
  });

  it("holds requests back until the kernel has welcomed, since the first messages may get lost", async () => {
    const { kernel, mount } = startWidget({ isListening: false });
    const { element } = mount();
    element.querySelector<HTMLButtonElement>("button[data-action=connect]")?.click();
    expect(kernel.of("prepare")).toHaveLength(0);
    kernel.isListening = true;
    kernel.welcome();
    await vi.waitFor(() => expect(kernel.of("exchange")).toHaveLength(1));
  });

  it("gives every page a name of its own, also where randomUUID is absent", () => {
    vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
    const names = [startWidget().kernel.page, startWidget().kernel.page];
    expect(names[0]).toMatch(/^p[0-9a-f]{24}$/);
    expect(names[0]).not.toBe(names[1]);
  });
});

describe("requests of the kernel", () => {
  it("are not for this page when they name another", async () => {
    const { kernel, microphone } = startWidget();
    kernel.say({ type: "connect", id: "k:1", page: "another" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(microphone.tracks).toHaveLength(0);
    expect(kernel.of("reply")).toHaveLength(0);
  });

  it("act once when they are repeated, and the reply is given again", async () => {
    const { kernel, channel } = await startCall();
    const fields = { events: ['{"type":"response.create"}'] };
    const first = await kernel.ask("send", fields, "k:same");
    const second = await kernel.ask("send", fields, "k:same");
    expect(second).toEqual(first);
    expect(channel.sent).toHaveLength(1);
  });

  it("act once also when they are repeated before the reply", async () => {
    const { kernel, peer } = startWidget();
    const replies = [kernel.ask("connect", {}, "k:same"), kernel.ask("connect", {}, "k:same")];
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await Promise.all(replies);
    expect(kernel.of("reply")).toHaveLength(1);
  });
});

describe("a kernel that does not answer", () => {
  it("is said to be busy after a second, unless the kernel itself says what it does", async () => {
    fakeTime();
    const { kernel, model, mount } = startWidget();
    const { element } = mount();
    kernel.answers.prepare = "later";
    void kernel.ask("connect");
    await vi.advanceTimersByTimeAsync(900);
    expect(element.textContent).not.toContain("Waiting for the kernel");
    await vi.advanceTimersByTimeAsync(200);
    await vi.waitFor(() => expect(element.textContent).toContain("Waiting for the kernel; is a cell running?"));
    model.setTrait("progress", "Loading the speech models");
    await vi.waitFor(() => expect(element.textContent).toContain("Loading the speech models"));
    expect(element.textContent).not.toContain("Waiting for the kernel");
  });

  it("is not blamed in the moment between the end of its work and its reply", async () => {
    fakeTime();
    const { kernel, model, mount } = startWidget();
    const { element } = mount();
    kernel.answers.prepare = "later";
    void kernel.ask("connect");
    model.setTrait("progress", "Loading the speech models");
    await vi.advanceTimersByTimeAsync(3_000);
    model.setTrait("progress", "");
    await vi.waitFor(() => expect(element.textContent).not.toContain("Loading"));
    expect(element.textContent).not.toContain("Waiting for the kernel");
  });

  it("is no longer waited for when its reply comes", async () => {
    fakeTime();
    const { kernel, mount } = startWidget();
    const { element } = mount();
    kernel.answers.prepare = "later";
    void kernel.ask("connect");
    await vi.advanceTimersByTimeAsync(1_100);
    await vi.waitFor(() => expect(element.textContent).toContain("Waiting for the kernel"));
    kernel.reply(kernel.last("prepare"), { result: { data_channel_label: "x", ice_servers: [] } });
    await vi.waitFor(() => expect(element.textContent).not.toContain("Waiting for the kernel"));
  });
});

describe("a bridge that is closed", () => {
  it("lets nobody wait for an answer", async () => {
    const bridge = new Bridge<CallMessages>(new FakeModel(), decodeCallMessage);
    bridge.open({} as KernelListener<CallMessages>);
    bridge.close();
    const asked = bridge.request(
      { type: "prepare", attempt: "a1" },
      { signal: new AbortController().signal, limitMs: 50 },
    );
    await expect(asked).rejects.toMatchObject({ code: "kernel_died" });
  });
});

describe("the state", () => {
  it("is numbered without a hole and complete each time", async () => {
    const { kernel } = await startCall();
    await kernel.ask("disconnect");
    const numbers = kernel.of("state").map(({ seq }) => Number(seq));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it("swallows no status and no W3C state, but tells of other changes together", async () => {
    const { kernel, peer } = await startCall();
    const before = kernel.states.length;
    peer().become("disconnected");
    peer().become("connected");
    expect(kernel.states.slice(before).map((state) => state.status)).toEqual(["reconnecting", "connected"]);
    const replies = [
      kernel.ask("mute", { muted: true }),
      kernel.ask("mute", { muted: false }),
      kernel.ask("mute", { muted: true }),
    ];
    await Promise.all(replies);
    expect(kernel.states.slice(before + 2).map((state) => state.muted)).toEqual([true]);
  });
});

describe("messages of the kernel that travel as one", () => {
  it("are processed in their order", async () => {
    const { kernel } = startWidget();
    await vi.waitFor(() => kernel.last("hello"));
    const sent = kernel.model.sent.length;
    const { page } = kernel;
    kernel.say({
      type: "bundle",
      messages: [
        { type: "ping", page },
        { type: "nonsense", page },
        { type: "ping", page: "another" },
        { type: "mute", page, id: "k:1", muted: true },
      ],
    });
    await vi.waitFor(() => kernel.last("reply"));
    const types = kernel.model.sent.slice(sent).map(({ type }) => type);
    expect(types.filter((type) => type !== "state" && type !== "history")).toEqual(["pong", "reply"]);
  });

  it("are all processed, even if one fails", () => {
    const model = new FakeModel();
    const bridge = new Bridge<CallMessages>(model, decodeCallMessage);
    const fail = () => {
      throw new Error("of a test");
    };
    bridge.open({
      onAlive() {},
      onAck: fail,
      maxPongDelayMs: () => undefined,
    } as unknown as KernelListener<CallMessages>);
    const { page } = bridge;
    const messages = [
      { type: "ack", page, next: 1 },
      { type: "ping", page },
    ];
    expect(() => model.trigger("msg:custom", { type: "bundle", page, messages })).toThrow("of a test");
    expect(model.sent.at(-1)).toMatchObject({ type: "pong" });
    bridge.close();
  });
});

describe("messages for which nobody waits", () => {
  const SOUND = { type: "sound", attempt: "a1", speaker: "assistant", is_audible: true } as const;

  function opened(maxPongDelayMs?: number) {
    fakeTime();
    const model = new FakeModel();
    const bridge = new Bridge<CallMessages>(model, decodeCallMessage);
    bridge.open({
      onWelcome() {},
      onProtocolMismatch() {},
      onRequest: async () => ({}),
      onNotice() {},
      replySeq: () => 0,
      onAck() {},
      onResend() {},
      onAlive() {},
      maxPongDelayMs: () => maxPongDelayMs,
      onSlowKernel() {},
    });
    model.trigger("msg:custom", { type: "welcome", page: bridge.page, protocol: PROTOCOL });
    model.sent.splice(0);
    model.transmitted.splice(0);
    return { model, bridge };
  }

  it("travel together, after two seconds", async () => {
    const { model, bridge } = opened();
    bridge.sendWithin(2_000, { ...SOUND, at_ms: 1 });
    await vi.advanceTimersByTimeAsync(1_000);
    bridge.sendWithin(2_000, { ...SOUND, at_ms: 2 });
    expect(model.transmitted).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(model.transmitted).toMatchObject([
      { type: "bundle", page: bridge.page, messages: [{ at_ms: 1, page: bridge.page }, { at_ms: 2 }] },
    ]);
    bridge.sendWithin(2_000, { ...SOUND, at_ms: 3 });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(model.transmitted.at(-1)).toMatchObject({ ...SOUND, at_ms: 3 });
    bridge.close();
  });

  it("travel together at the end of the task if they may not wait", async () => {
    const { model, bridge } = opened();
    bridge.sendWithin(100, { ...SOUND, at_ms: 1 });
    bridge.sendWithin(0, { ...SOUND, at_ms: 2 });
    bridge.sendWithin(0, { ...SOUND, at_ms: 3 });
    expect(model.transmitted).toEqual([]);
    await Promise.resolve();
    expect(model.transmitted).toMatchObject([{ type: "bundle", messages: [{ at_ms: 1 }, { at_ms: 2 }, { at_ms: 3 }] }]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(model.transmitted).toHaveLength(1);
    bridge.close();
  });

  it("leave after the shortest of their times", async () => {
    const { model, bridge } = opened();
    bridge.sendWithin(2_000, { ...SOUND, at_ms: 1 });
    bridge.sendWithin(100, { ...SOUND, at_ms: 2 });
    bridge.sendWithin(2_000, { ...SOUND, at_ms: 3 });
    await vi.advanceTimersByTimeAsync(99);
    expect(model.transmitted).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(model.sent.map((message) => message.at_ms)).toEqual([1, 2, 3]);
    bridge.close();
  });

  it("travel with the next message, before it", () => {
    const { model, bridge } = opened();
    bridge.sendWithin(2_000, { ...SOUND, at_ms: 1 });
    bridge.send({ type: "hang_up", attempt: "a1" });
    expect(model.transmitted).toMatchObject([{ type: "bundle", messages: [{ type: "sound" }, { type: "hang_up" }] }]);
    bridge.send({ type: "hang_up", attempt: "a1" });
    expect(model.transmitted.at(-1)).toMatchObject({ type: "hang_up" });
    bridge.close();
  });

  it("are also pongs, where they may wait", async () => {
    const { model, bridge } = opened(100);
    model.trigger("msg:custom", { type: "ping", page: bridge.page });
    expect(model.transmitted).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(model.transmitted).toMatchObject([{ type: "pong" }]);
    bridge.close();
  });

  it("leave before the end, and not after it", async () => {
    const { model, bridge } = opened();
    bridge.sendWithin(2_000, { ...SOUND, at_ms: 1 });
    bridge.close();
    bridge.sendWithin(2_000, { ...SOUND, at_ms: 2 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(model.transmitted).toMatchObject([{ ...SOUND, at_ms: 1 }]);
  });
});

describe("a quiet call", () => {
  it("costs the kernel at most one message in two seconds while nobody in Python waits", async () => {
    const { kernel, peer } = await startCall({ stats_interval: 0.2 });
    kernel.say({ type: "listening", on: false });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const [before, began] = [kernel.model.transmitted.length, performance.now()];
    const sent = () => kernel.model.transmitted.slice(before);
    await vi.waitFor(() => expect(sent().filter(({ type }) => type === "bundle")).toHaveLength(2), 60_000);
    expect(sent().length).toBeLessThanOrEqual(1 + (performance.now() - began) / 2_000);
    peer().channel.receive({ type: "session.updated", session: {} });
    const quiet = kernel.model.sent.length;
    kernel.say({ type: "listening", on: true });
    const now = kernel.model.sent.slice(quiet);
    expect(JSON.stringify(now)).toContain("session.updated");
  });

  it("passes a response on to Python when it has ended", async () => {
    const { kernel, peer } = await startCall();
    kernel.say({ type: "listening", on: false });
    peer().channel.receive({ type: "response.created", response: { id: "resp_1" } });
    const before = kernel.model.sent.length;
    peer().channel.receive({ type: "response.done", response: { id: "resp_1", status: "completed", output: [] } });
    expect(JSON.stringify(kernel.model.sent.slice(before))).toContain("response.done");
  });
});
