import { describe, expect, it, vi } from "vitest";
import { now } from "../../src/page";
import { FakePeer, startCall, startWidget } from "../fakes";

const fakeTimers = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
const tick = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const latest = () => {
  const peer = FakePeer.all.at(-1);
  if (!peer) throw new Error("There is no connection");
  return peer;
};
/** Lets the page run until it waits for a timer or a state of its next connection. */
const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await tick(0);
};
const say = (id: string, role: string, text: string) => ({
  type: "conversation.item.added",
  previous_item_id: null,
  item: { id, type: "message", role, status: "completed", content: [{ type: "input_text", text }] },
});

describe("a connection that is lost for a moment", () => {
  it("is given five seconds to heal by itself", async () => {
    const { kernel, peer } = await startCall();
    fakeTimers();
    peer().become("disconnected");
    await tick(4_900);
    peer().become("connected");
    await tick(60_000);
    expect(kernel.statuses).toEqual(["idle", "connecting", "connected", "reconnecting", "connected"]);
    expect(FakePeer.all).toHaveLength(1);
  });

  it("is given as long as Python says", async () => {
    const { peer } = await startCall({ reconnect: { max_attempts: 3, grace: 1 } });
    fakeTimers();
    peer().become("disconnected");
    await tick(1_600);
    expect(FakePeer.all).toHaveLength(2);
  });
});

describe("a connection that is lost", () => {
  it("is reported with the time until which it was heard, before the next call and apart from it", async () => {
    const { kernel, peer, attempt } = await startCall();
    fakeTimers();
    const before = now();
    peer().become("disconnected");
    const lost = now();
    await tick(5_500);
    await settle();
    latest().open();
    const ends = (id: unknown) => kernel.of("state").flatMap((state) => (state.attempt === id ? [state] : []));
    const end = Number(ends(attempt).at(-1)?.heard_until_ms);
    expect(end).toBeGreaterThanOrEqual(before);
    expect(end).toBeLessThanOrEqual(lost);
    const next = kernel.last("state").attempt;
    expect(next).not.toBe(attempt);
    expect(new Set(ends(next).map((state) => state.heard_until_ms))).toEqual(new Set([null]));
    const asked = now();
    await kernel.ask("disconnect");
    expect(kernel.last("state").attempt).toBe(next);
    expect(Number(kernel.last("state").heard_until_ms)).toBeGreaterThanOrEqual(asked);
  });

  it("is made anew, with a hang-up for the old call and the microphone opened once more", async () => {
    const { kernel, microphone, peer, attempt } = await startCall();
    fakeTimers();
    const old = peer();
    old.become("disconnected");
    await tick(5_000);
    expect(old.connectionState).toBe("closed");
    expect(microphone.tracks[0]?.readyState).toBe("ended");
    expect(kernel.last("hang_up").attempt).toBe(attempt);
    expect(kernel.statuses.at(-1)).toBe("reconnecting");
    await tick(500);
    await settle();
    latest().open();
    expect(kernel.statuses).toEqual(["idle", "connecting", "connected", "reconnecting", "connected"]);
    expect(kernel.last("state")).toMatchObject({ resumes: true });
    expect(kernel.last("state").attempt).not.toBe(attempt);
    expect(microphone.tracks.map((track) => track.readyState)).toEqual(["ended", "live"]);
  });

  it("is made anew at once when ICE has failed for good", async () => {
    const { peer } = await startCall();
    fakeTimers();
    peer().become("failed");
    await tick(500);
    expect(FakePeer.all).toHaveLength(2);
  });

  it("goes on with the session settings and with what was said, and shows the seam", async () => {
    const { kernel, channel, peer, mount } = await startCall();
    const { element } = mount();
    const update = JSON.stringify({ type: "session.update", session: { instructions: "Be brief." } });
    await kernel.ask("send", { events: [update] });
    channel.receive(say("u1", "user", "What is ICE?"));
    channel.receive(say("m1", "assistant", "A way to find a way."));
    fakeTimers();
    peer().become("failed");
    await tick(500);
    await settle();
    latest().open();
    const told = latest().channel.sent.map((text) => JSON.parse(text));
    expect(told.map(({ type, item }) => item?.content[0].text ?? type)).toEqual([
      "session.update",
      "What is ICE?",
      "A way to find a way.",
    ]);
    expect(told.map(({ item }) => item?.content[0].type)).toEqual([undefined, "input_text", "output_text"]);
    for (const { item } of told.slice(1)) {
      expect(item.id).toMatch(/^carried_.{24}$/);
      // The new call confirms the turns that it was given; they are not new turns.
      latest().channel.receive({ type: "conversation.item.added", previous_item_id: null, item });
    }
    latest().channel.receive(say("u1", "user", "And DTLS?"));
    await settle();
    vi.useRealTimers();
    await vi.waitFor(() => expect(element.querySelectorAll(".rtc-turn")).toHaveLength(3));
    expect(element.querySelector(".rtc-new-call")?.textContent).toBe("Connected again");
  });

  it("repeats a change of the session once in each new call, however often the connection is lost", async () => {
    const { kernel, peer } = await startCall();
    const update = JSON.stringify({ type: "session.update", session: { instructions: "Be brief." } });
    await kernel.ask("send", { events: [update] });
    fakeTimers();
    peer().become("failed");
    for (let call = 2; call <= 4; call++) {
      await tick(5_000);
      await settle();
      latest().open();
      expect(FakePeer.all).toHaveLength(call);
      expect(latest().channel.sent).toEqual([update]);
      await tick(10_000); // healthy again
      latest().become("failed");
    }
  });

  it("goes on without the microphone that was lost with it", async () => {
    const { kernel, microphone, peer } = await startCall();
    fakeTimers();
    const opened = vi.spyOn(navigator.mediaDevices, "getUserMedia");
    opened.mockRejectedValue(new DOMException("gone", "NotFoundError"));
    peer().become("failed");
    await tick(500);
    await settle();
    latest().open();
    await settle();
    expect(kernel.states.at(-1)).toMatchObject({
      status: "connected",
      receive_only: true,
      error: { code: "microphone_not_found" },
    });
    await tick(10_000); // healthy now, and still without a microphone
    await settle();
    expect(kernel.states.at(-1)).toMatchObject({ error: { code: "microphone_not_found" } });
    opened.mockImplementation(microphone.open);
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
    await settle();
    expect(latest().senders.at(-1)).toBe(microphone.tracks[1]);
    expect(kernel.states.at(-1)).toMatchObject({ receive_only: false, error: null });
  });

  it("is told all that the data channel carries; what is too large is left out, and that is said", async () => {
    const { kernel, channel, peer, mount } = await startCall();
    const { element } = mount();
    channel.receive(say("u1", "user", "x".repeat(2_000)));
    channel.receive(say("m1", "assistant", "That was long."));
    fakeTimers();
    for (const lost of [peer, latest]) {
      lost().become("failed");
      await tick(500);
      await settle();
      latest().open();
      const told = latest().channel.sent.map((text) => JSON.parse(text).item.content[0].text);
      expect(told).toEqual(["That was long."]);
      await tick(10_000); // healthy, so the next loss is the first one again
    }
    expect(FakePeer.all).toHaveLength(3);
    expect(kernel.states.at(-1)).toMatchObject({ status: "connected", error: null });
    vi.useRealTimers();
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")?.textContent).toContain("One message"));
    expect(element.querySelector(".rtc-error")?.getAttribute("data-code")).toBe("message_too_large");
  });

  it("leaves a function's output out with its call where one of them is too large", async () => {
    const { channel, kernel, peer } = await startCall();
    const call = (call_id: string) => ({ id: call_id, type: "function_call", call_id, name: "f", arguments: "{}" });
    const output = (call_id: string, text: string) =>
      JSON.stringify({
        type: "conversation.item.create",
        item: { type: "function_call_output", call_id, output: text },
      });
    const calls = [call("c1"), call("c2"), call("c3")];
    channel.receive({ type: "response.done", response: { id: "r1", status: "completed", output: calls } });
    await kernel.ask("send", { events: [output("c1", "x".repeat(830)), output("c2", "Sunny.")] });
    fakeTimers();
    peer().become("failed");
    await tick(500);
    await settle();
    latest().open();
    const told = latest().channel.sent.map((text) => JSON.parse(text).item);
    expect(told.map(({ type, output }) => [type, output])).toEqual([
      ["function_call", undefined],
      ["function_call_output", "Sunny."],
    ]);
  });

  it.each([
    ["until the last sound that came", [2_200]],
    ["until it is noticed where the browser does not say when sound came", []],
  ])("repeats what was heard of a response %s", async (_, ages) => {
    const { channel, peer } = await startCall();
    const spoken = "Ice finds a way through. It tries every pair of addresses.";
    const content = [{ type: "output_audio", transcript: spoken }];
    const output = [{ id: "m1", type: "message", role: "assistant", status: "completed", content }];
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const began = performance.timeOrigin + performance.now();
    channel.receive({ type: "output_audio_buffer.started", response_id: "r1" });
    channel.receive({ type: "response.done", response: { id: "r1", status: "completed", output } });
    await tick(3_000);
    peer().audioSources = ages.map((age) => ({ timestamp: began + age - 1_200 }));
    peer().become("disconnected");
    await tick(7_000);
    await settle();
    latest().open();
    const told = latest().channel.sent.map((text) => JSON.parse(text).item.content[0].text);
    expect(told).toEqual([ages.length > 0 ? "Ice finds a way" : "Ice finds a way through. It tries every pair"]);
  });

  it("is given up after three attempts, with a clear error and nothing left open", async () => {
    const { kernel, microphone, peer } = await startCall();
    fakeTimers();
    peer().become("failed");
    for (const [pause, number] of [
      [500, 2],
      [1_000, 3],
      [2_000, 4],
    ] as const) {
      await tick(pause);
      await settle();
      expect(FakePeer.all).toHaveLength(number);
      await tick(15_000);
    }
    await tick(60_000);
    expect(FakePeer.all).toHaveLength(4);
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code: "reconnect_failed" } });
    expect(microphone.tracks.every((track) => track.readyState === "ended")).toBe(true);
    expect(FakePeer.all.every((one) => one.connectionState === "closed")).toBe(true);
    expect(new Set(kernel.of("hang_up").map(({ attempt }) => attempt)).size).toBe(4);
  });

  it("does not forget its attempts before the new connection was healthy for ten seconds", async () => {
    const { kernel, peer } = await startCall({ reconnect: { max_attempts: 1, grace: 5, backoff: 0 } });
    fakeTimers();
    peer().become("failed");
    await settle();
    latest().open();
    await tick(9_000);
    latest().become("failed");
    await settle();
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code: "reconnect_failed" } });
  });

  it("forgets them afterwards", async () => {
    const { kernel, peer } = await startCall({ reconnect: { max_attempts: 1, grace: 5, backoff: 0 } });
    fakeTimers();
    peer().become("failed");
    await settle();
    latest().open();
    await tick(10_100);
    latest().become("failed");
    await settle();
    expect(kernel.statuses.at(-1)).toBe("reconnecting");
    expect(FakePeer.all).toHaveLength(3);
  });

  it("can be left alone: a disconnect in the pause makes no further call", async () => {
    const { kernel, peer } = await startCall();
    fakeTimers();
    peer().become("failed");
    await kernel.ask("disconnect");
    await tick(60_000);
    expect(FakePeer.all).toHaveLength(1);
    expect(kernel.states.at(-1)).toMatchObject({ status: "idle", error: null });
  });

  it("is not called again where a new call cannot succeed", async () => {
    const { kernel, peer } = await startCall();
    kernel.answers.exchange = { error: { code: "invalid_key", message: "The key was refused.", hint: "" } };
    fakeTimers();
    peer().become("failed");
    await tick(500);
    await settle();
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code: "invalid_key" } });
  });
});

describe("a lost connection to a server that renegotiates", () => {
  const startRestartable = async (settings: Record<string, unknown> = {}) => {
    const started = await startCall(settings, { renegotiates: true });
    fakeTimers();
    return started;
  };

  it("finds a new way in the same call", async () => {
    const { kernel, microphone, peer, attempt } = await startRestartable();
    peer().become("failed");
    await settle();
    expect(kernel.last("renegotiate")).toMatchObject({
      attempt,
      sdp: expect.stringMatching(/another offer\r\na=candidate/),
    });
    expect(peer().remoteDescription?.sdp).toBe("v=0\r\nanother answer");
    expect(kernel.statuses.at(-1)).toBe("reconnecting");
    peer().become("connecting");
    peer().become("connected");
    await tick(60_000);
    expect(kernel.statuses).toEqual(["idle", "connecting", "connected", "reconnecting", "connected"]);
    expect(kernel.last("state").attempt).toBe(attempt);
    expect(FakePeer.all).toHaveLength(1);
    expect(microphone.tracks.map((track) => track.readyState)).toEqual(["live"]);
    expect(kernel.of("hang_up")).toHaveLength(0);
  });

  it("does so too when WebRTC has not healed in time", async () => {
    const { kernel, peer } = await startRestartable();
    peer().become("disconnected");
    await tick(4_900);
    expect(kernel.of("renegotiate")).toHaveLength(0);
    await tick(100);
    await settle();
    peer().become("connected");
    await settle();
    expect(kernel.of("renegotiate")).toHaveLength(1);
    expect(kernel.statuses.at(-1)).toBe("connected");
    expect(FakePeer.all).toHaveLength(1);
  });

  it("becomes a new call when no way is found in time", async () => {
    const { kernel, peer, attempt } = await startRestartable();
    peer().become("failed");
    await settle();
    await tick(15_000);
    expect(kernel.last("hang_up").attempt).toBe(attempt);
    await tick(1_000);
    await settle();
    latest().open();
    expect(FakePeer.all).toHaveLength(2);
    expect(kernel.last("state")).toMatchObject({ resumes: true, state: { status: "connected" } });
  });

  it("becomes a new call when the server does not agree", async () => {
    const { kernel, peer } = await startRestartable();
    kernel.answers.renegotiate = { error: { code: "invalid_offer", message: "No such call.", hint: "" } };
    peer().become("failed");
    await settle();
    await tick(1_000);
    await settle();
    expect(FakePeer.all).toHaveLength(2);
  });

  it("counts it among the attempts", async () => {
    const { kernel, peer } = await startRestartable({ reconnect: { max_attempts: 1 } });
    peer().become("failed");
    await settle();
    await tick(15_000);
    expect(FakePeer.all).toHaveLength(1);
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code: "reconnect_failed" } });
  });

  it("asks for the next way only when the server has answered for the last", async () => {
    const { kernel, peer } = await startRestartable();
    kernel.answers.renegotiate = "later";
    peer().become("failed");
    await settle();
    peer().become("connected");
    peer().become("failed");
    await settle();
    expect(kernel.of("renegotiate")).toHaveLength(1);
    kernel.reply(kernel.last("renegotiate"), { result: { sdp: "v=0\r\nfirst" } });
    await settle();
    expect(kernel.of("renegotiate")).toHaveLength(2);
  });

  it("is let go of at once when nobody wants it any more", async () => {
    const { kernel, peer } = await startRestartable();
    kernel.answers.renegotiate = "later";
    peer().become("failed");
    await settle();
    await kernel.ask("disconnect");
    kernel.reply(kernel.last("renegotiate"), { result: { sdp: "v=0\r\ntoo late" } });
    await tick(60_000);
    expect(peer().remoteDescription?.sdp).toBe("v=0\r\nanswer");
    expect(kernel.states.at(-1)).toMatchObject({ status: "idle", error: null });
    expect(kernel.of("hang_up")).toHaveLength(1);
  });
});

describe("an end that is no loss", () => {
  it("is told apart: the server hung up", async () => {
    const { kernel, channel } = await startCall();
    channel.become("closed");
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code: "server_hung_up" } });
    expect(FakePeer.all).toHaveLength(1);
  });

  it("is told apart: the session has expired", async () => {
    const { kernel, channel } = await startCall({ reconnect: null });
    const message = "Your session hit the maximum duration of 60 minutes.";
    channel.receive({ type: "error", error: { type: "invalid_request_error", code: "session_expired", message } });
    channel.become("closed");
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code: "session_expired", message } });
  });
});

const EXPIRED = {
  type: "error",
  error: { code: "session_expired", message: "Your session hit the maximum duration." },
};
const toldTo = (peer: FakePeer) => peer.channel.sent.map((text) => JSON.parse(text).item?.content[0].text);

describe("a session that expires", () => {
  it("goes on in a new call, whether or not the server closes the old one", async () => {
    const { kernel, channel, peer, attempt } = await startCall({}, { renegotiates: true });
    channel.receive(say("u1", "user", "What is ICE?"));
    fakeTimers();
    const old = peer();
    channel.receive(EXPIRED);
    await settle();
    expect(kernel.statuses.at(-1)).toBe("reconnecting");
    expect(old.connectionState).toBe("closed");
    expect(kernel.last("hang_up").attempt).toBe(attempt);
    expect(kernel.of("renegotiate")).toHaveLength(0);
    await tick(500);
    await settle();
    latest().open();
    expect(kernel.last("state")).toMatchObject({ resumes: true, state: { status: "connected", error: null } });
    expect(toldTo(latest())).toEqual(["What is ICE?"]);
  });

  const startExpiring = async (settings: Record<string, unknown> = {}) => {
    const started = await startCall(settings);
    started.channel.receive(say("u1", "user", "What is ICE?"));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const expires_at = Math.round(Date.now() / 1_000) + 1_800;
    started.channel.receive({ type: "session.created", session: { expires_at } });
    return started;
  };

  it("goes on in a new call a minute before its end, which the server has announced", async () => {
    const { kernel } = await startExpiring();
    await tick(1_738_000);
    expect(FakePeer.all).toHaveLength(1);
    await tick(3_000);
    await settle();
    latest().open();
    expect(FakePeer.all).toHaveLength(2);
    expect(kernel.states.at(-1)).toMatchObject({ status: "connected", error: null });
    expect(toldTo(latest())).toEqual(["What is ICE?"]);
    await tick(1_000_000);
    expect(FakePeer.all).toHaveLength(2);
  });

  it.each([
    ["Python forbids it", { reconnect: null }],
    ["the call ends before the session", { max_duration: 1_790 }],
  ])("is left alone where %s", async (_, settings) => {
    const { kernel } = await startExpiring(settings);
    await tick(1_780_000);
    expect(FakePeer.all).toHaveLength(1);
    expect(kernel.statuses.at(-1)).toBe("connected");
  });
});

const answered = async (count: number) => {
  await vi.waitFor(() => expect(FakePeer.all).toHaveLength(count));
  await vi.waitFor(() => expect(latest().remoteDescription).not.toBeNull());
};

describe("a conversation that is taken up again", () => {
  const endings: readonly [string, (started: Awaited<ReturnType<typeof startCall>>) => Promise<unknown>][] = [
    ["a disconnect", ({ kernel }) => kernel.ask("disconnect")],
    ["an expired session", async ({ channel }) => channel.receive(EXPIRED)],
    ["an end by the server", async ({ channel }) => channel.become("closed")],
  ];

  it.each(endings)("after %s has its session settings and what was said", async (_, end) => {
    const started = await startCall({ reconnect: null });
    const { kernel, channel } = started;
    const update = JSON.stringify({ type: "session.update", session: { instructions: "Be brief." } });
    await kernel.ask("send", { events: [update] });
    channel.receive(say("u1", "user", "What is ICE?"));
    await end(started);
    channel.become("closed");
    const reply = kernel.ask("connect", { resume: true });
    await answered(2);
    latest().open();
    expect((await reply).error).toBeUndefined();
    expect(latest().channel.sent[0]).toBe(update);
    expect(toldTo(latest())).toEqual([undefined, "What is ICE?"]);
    expect(kernel.last("state")).toMatchObject({ resumes: true, state: { status: "connected", error: null } });
  });

  it("is one call, however often that is asked for, and a disconnect meanwhile loses nothing", async () => {
    const { kernel, channel } = await startCall();
    channel.receive(say("u1", "user", "What is ICE?"));
    await kernel.ask("disconnect");
    const replies = [kernel.ask("connect", { resume: true }), kernel.ask("connect")];
    await answered(2);
    await kernel.ask("disconnect");
    for (const reply of replies) expect((await reply).error).toMatchObject({ code: "cancelled" });
    const again = kernel.ask("connect", { resume: true });
    await answered(3);
    latest().open();
    await again;
    expect(toldTo(latest())).toEqual(["What is ICE?"]);
  });

  it("is offered in the page after an error, once there was a call", async () => {
    const { kernel, channel, mount } = await startCall({ reconnect: null });
    const { element } = mount();
    const button = () => element.querySelector<HTMLButtonElement>('[data-action="resume"]');
    expect(button()).toBeNull();
    channel.receive(say("u1", "user", "What is ICE?"));
    channel.receive(EXPIRED);
    channel.become("closed");
    await vi.waitFor(() => expect(button()?.textContent).toBe("Continue"));
    button()?.click();
    button()?.click(); // the second click of a double click
    await answered(2);
    latest().open();
    await vi.waitFor(() => expect(kernel.states.at(-1)).toMatchObject({ status: "connected", error: null }));
    expect(toldTo(latest())).toEqual(["What is ICE?"]);
    expect(FakePeer.all).toHaveLength(2);
  });

  it("is not offered where no call was made", async () => {
    const { kernel, mount } = startWidget();
    const { element } = mount();
    kernel.answers.exchange = { error: { code: "invalid_key", message: "The key was refused.", hint: "" } };
    await vi.waitFor(() => kernel.last("state"));
    await kernel.ask("connect");
    await vi.waitFor(() => expect(element.querySelector('[data-action="retry"]')).not.toBeNull());
    expect(element.querySelector('[data-action="resume"]')).toBeNull();
  });

  it("is a new one where that is not asked for", async () => {
    const { kernel, channel } = await startCall();
    channel.receive(say("u1", "user", "What is ICE?"));
    await kernel.ask("disconnect");
    const reply = kernel.ask("connect");
    await answered(2);
    latest().open();
    await reply;
    expect(latest().channel.sent).toEqual([]);
    expect(kernel.last("state")).toMatchObject({ resumes: false });
  });
});
