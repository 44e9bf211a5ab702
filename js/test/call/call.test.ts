import { describe, expect, it, vi } from "vitest";
import { FakePeer, journal, startCall, startWidget } from "../fakes";

const answered = (peer: () => FakePeer) => vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());

const takeMicrophoneApiAway = () => {
  vi.spyOn(navigator, "mediaDevices", "get").mockReturnValue(undefined as never);
};

describe("making a call", () => {
  it("asks for the microphone and prepares the offer side by side, and gathers only with the microphone open", async () => {
    const { kernel, microphone, peer } = startWidget();
    microphone.isPrompting = true;
    void kernel.ask("connect");
    await vi.waitFor(() => expect(peer().steps).toContain("createOffer"));
    expect(peer().steps).toEqual(["addTransceiver audio sendrecv", "createDataChannel oai-events", "createOffer"]);
    microphone.allow();
    await answered(peer);
    expect(peer().senders).toEqual(microphone.tracks);
    expect(microphone.constraints).toEqual({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
  });

  it("hands the answer to the browser byte for byte", async () => {
    const { kernel, peer } = startWidget();
    const sdp = "v=0\r\ns=-  \r\n\r\n ";
    kernel.answers.exchange = { result: { sdp, call_id: "rtc_1" } };
    void kernel.ask("connect");
    await answered(peer);
    expect(peer().remoteDescription).toEqual({ type: "answer", sdp });
  });

  it("is connected only when the data channel is open, and tells every step", async () => {
    const { kernel, peer } = startWidget();
    await vi.waitFor(() => kernel.last("state"));
    const reply = kernel.ask("connect");
    await answered(peer);
    // In a browser each of these has a task of its own; what changes in one task travels together.
    peer().become("connecting");
    await vi.waitFor(() => expect(kernel.states.at(-1)?.connection_state).toBe("connecting"));
    peer().become("connected");
    expect(kernel.statuses.at(-1)).toBe("connecting");
    peer().channel.become("open");
    expect(kernel.statuses).toEqual(["idle", "connecting", "connected"]);
    expect(kernel.states.map((state) => state.connection_state)).toEqual(
      expect.arrayContaining(["new", "connecting", "connected"]),
    );
    expect((await reply).result).toEqual({ attempt: kernel.last("state").attempt });
  });

  it("makes one call of two connects", async () => {
    const { kernel, peer } = startWidget();
    const replies = [kernel.ask("connect"), kernel.ask("connect")];
    await answered(peer);
    peer().open();
    const [first, second] = await Promise.all(replies);
    expect(first?.result).toEqual(second?.result);
    expect(FakePeer.all).toHaveLength(1);
    expect(kernel.of("prepare")).toHaveLength(1);
  });

  it("uses the label and the ICE servers that the kernel says", async () => {
    const { kernel, peer } = startWidget();
    const servers = [{ urls: "turn:turn.example", username: "u", credential: "c" }];
    kernel.answers.prepare = { result: { data_channel_label: "events", ice_servers: servers } };
    void kernel.ask("connect");
    await answered(peer);
    expect(peer().configuration.iceServers).toEqual(servers);
    expect(peer().channel.label).toBe("events");
  });

  it("sends the offer at once to a server that needs no candidates", async () => {
    const { kernel, peer } = startWidget();
    FakePeer.gathers = false;
    kernel.answers.prepare = { result: { ice_servers: [], needs_candidates: false } };
    void kernel.ask("connect");
    await answered(peer);
    expect(peer().iceGatheringState).toBe("gathering");
  });

  it("waits for the candidates where the kernel does not say otherwise", async () => {
    const { kernel, peer } = startWidget();
    FakePeer.gathers = false;
    void kernel.ask("connect");
    await vi.waitFor(() => expect(peer().steps).toContain("setLocalDescription"));
    expect(kernel.of("exchange")).toEqual([]);
    peer().gathered();
    await answered(peer);
    expect(kernel.of("exchange")).toHaveLength(1);
  });
});

describe("a call that cannot be made", () => {
  it.each([
    ["NotAllowedError", "microphone_denied", "denied"],
    ["NotFoundError", "microphone_not_found", "granted"],
    ["NotReadableError", "microphone_in_use", "granted"],
    ["OverconstrainedError", "microphone_constraints", "granted"],
  ])("says what %s of the microphone means", async (name, code, permission) => {
    const { kernel, microphone } = startWidget();
    microphone.isPrompting = true;
    const reply = kernel.ask("connect");
    await vi.waitFor(() => expect(kernel.of("prepare")).toHaveLength(1));
    microphone.refuse(name);
    expect((await reply).error).toMatchObject({
      code,
      message: expect.stringMatching(/\w/),
      hint: expect.stringMatching(/\w/),
    });
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code } });
    // The browser may take its time to tell.
    await vi.waitFor(() => expect(kernel.states.at(-1)?.microphone_permission).toBe(permission));
    expect(kernel.of("hang_up")).toHaveLength(0); // no server has been asked yet
    expect(journal).toContain("connection.close");
  });

  it("says so when the page has no microphone API", async () => {
    const { kernel } = startWidget({ setUp: takeMicrophoneApiAway });
    expect((await kernel.ask("connect")).error).toMatchObject({ code: "media_unavailable" });
    expect(kernel.states.at(-1)?.microphone_permission).toBe("unavailable");
  });

  it("blames plain http where that is why there is no microphone", async () => {
    const { kernel } = startWidget({ setUp: takeMicrophoneApiAway });
    vi.stubGlobal("isSecureContext", false);
    expect((await kernel.ask("connect")).error).toMatchObject({ code: "insecure_context" });
  });

  it("says so when the browser has no WebRTC, and lets the microphone go", async () => {
    const { kernel, microphone } = startWidget();
    vi.stubGlobal("RTCPeerConnection", undefined);
    expect((await kernel.ask("connect")).error).toMatchObject({ code: "webrtc_unavailable" });
    await vi.waitFor(() => expect(microphone.tracks.map((track) => track.readyState)).toEqual(["ended"]));
  });

  it("shows a failure before it is told to whoever waits", async () => {
    const { kernel, model } = startWidget();
    await vi.waitFor(() => kernel.last("state"));
    kernel.answers.exchange = { error: { code: "server_error", message: "500", hint: "" } };
    await kernel.ask("connect");
    const lately = model.sent.filter(({ type }) => type === "state" || type === "reply");
    expect(lately.map(({ type }) => type).at(-1)).toBe("reply");
    expect(lately.at(-2)?.state).toMatchObject({ status: "error" });
  });

  it("shows the kernel's own error of a failed exchange and cleans up", async () => {
    const { kernel, microphone } = startWidget();
    const error = { code: "invalid_key", message: "The key was refused.", hint: "Set OPENAI_API_KEY." };
    kernel.answers.exchange = { error };
    expect((await kernel.ask("connect")).error).toEqual(error);
    expect(kernel.states.at(-1)).toMatchObject({
      status: "error",
      error,
      connection_state: "closed",
      data_channel_state: "closed",
    });
    expect(microphone.tracks[0]?.readyState).toBe("ended");
    expect(kernel.of("hang_up")).toHaveLength(1);
  });

  it("says so when the browser does not accept the answer", async () => {
    const { kernel } = startWidget();
    FakePeer.refusesAnswers = true;
    const { error } = await kernel.ask("connect");
    expect(error).toMatchObject({ code: "invalid_answer", message: expect.stringContaining("Expect line: v=") });
    expect(kernel.of("hang_up")).toHaveLength(1);
  });

  it.each([
    ["a=ice-ufrag:secret Invalid SDP line.", "a=ice-ufrag:••• Invalid SDP line."],
    ["a=ice-pwd:secret Invalid SDP line.", "a=ice-pwd:••• Invalid SDP line."],
    ["a=fingerprint:sha-256 5E:C2:E7 Bad.", "a=fingerprint:sha-256 ••• Bad."],
    ["5E:C2:E7:00:5E:C2:E7:00 Bad.", "••• Bad."],
    [
      "a=candidate:1 1 udp 7 192.0.2.1 9 typ srflx raddr 10.0.0.1 rport 9 ufrag secret Bad.",
      "a=candidate:1 1 udp 7 ••• 9 typ srflx raddr ••• rport 9 ufrag ••• Bad.",
    ],
    ["Called with SDP without ice-ufrag and ice-pwd.", "Called with SDP without ice-ufrag and ice-pwd."],
  ])("hides what is private where the browser quotes the answer: %s", async (quoted, shown) => {
    const { kernel } = startWidget();
    const refusal = new DOMException(`Failed to parse SessionDescription. ${quoted}`, "OperationError");
    vi.spyOn(FakePeer.prototype, "setRemoteDescription").mockRejectedValue(refusal);
    const { error } = await kernel.ask("connect");
    const message = `The browser does not accept the server's SDP answer: Failed to parse SessionDescription. ${shown}`;
    expect(error).toMatchObject({ code: "invalid_answer", message });
  });

  it("fails when ICE fails, and Python sees the failed state before the closed one", async () => {
    const { kernel, peer } = startWidget();
    const reply = kernel.ask("connect");
    await answered(peer);
    peer().become("connecting");
    peer().become("failed");
    expect((await reply).error).toMatchObject({ code: "connection_failed" });
    const states = kernel.states.map((state) => state.connection_state);
    expect(states.indexOf("failed")).toBeLessThan(states.lastIndexOf("closed"));
    expect(states).toContain("failed");
  });

  it("says that there is no network where the browser has nothing to call from", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { kernel, peer } = startWidget();
    FakePeer.hasNetwork = false;
    const reply = kernel.ask("connect");
    await answered(peer);
    await vi.advanceTimersByTimeAsync(15_100);
    expect((await reply).error).toMatchObject({ code: "no_network" });
  });

  it("gives up on a data channel that does not open", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { kernel, peer } = startWidget();
    const reply = kernel.ask("connect");
    await answered(peer);
    peer().become("connected");
    await vi.advanceTimersByTimeAsync(14_000);
    expect(kernel.statuses.at(-1)).toBe("connecting");
    await vi.advanceTimersByTimeAsync(1_100);
    expect((await reply).error).toMatchObject({ code: "channel_timeout" });
    expect(kernel.of("hang_up")).toHaveLength(1);
  });

  it.each([
    ["prepare", 130_000],
    ["exchange", 45_000],
  ] as const)("does not wait for ever for the kernel to %s", async (step, limit) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { kernel, microphone } = startWidget();
    kernel.answers[step] = "later";
    const reply = kernel.ask("connect");
    await vi.waitFor(() => kernel.last(step));
    await vi.advanceTimersByTimeAsync(limit - 1_000);
    expect(kernel.statuses.at(-1)).toBe("connecting");
    await vi.advanceTimersByTimeAsync(1_100);
    expect((await reply).error).toMatchObject({ code: "kernel_timeout", hint: expect.stringContaining("cell") });
    expect(microphone.tracks[0]?.readyState).toBe("ended");
  });

  it("can be tried again, and the old error is gone", async () => {
    const { kernel, peer } = startWidget();
    kernel.answers.exchange = { error: { code: "server_error", message: "500", hint: "" } };
    await kernel.ask("connect");
    kernel.answers.exchange = { result: { sdp: "v=0\r\n", call_id: "rtc_2" } };
    const reply = kernel.ask("connect");
    await answered(peer);
    peer().open();
    expect((await reply).result).toBeDefined();
    expect(kernel.states.at(-1)).toMatchObject({ status: "connected", error: null });
  });
});

describe("a call that is up", () => {
  it("is reconnecting while WebRTC may heal itself, and connected again when it has", async () => {
    const { kernel, peer } = await startCall();
    peer().become("disconnected");
    peer().become("connecting");
    peer().become("connected");
    expect(kernel.statuses).toEqual(["idle", "connecting", "connected", "reconnecting", "connected"]);
  });

  it("ends with an error when the connection fails", async () => {
    const { kernel, peer, microphone, attempt } = await startCall({ reconnect: null });
    peer().become("failed");
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code: "connection_failed" } });
    expect(microphone.tracks[0]?.readyState).toBe("ended");
    expect(kernel.last("hang_up").attempt).toBe(attempt);
  });

  it("ends with words about the server when the server closes the data channel", async () => {
    const { kernel, channel, microphone } = await startCall();
    channel.become("closing");
    channel.become("closed");
    expect(kernel.states.at(-1)?.error).toMatchObject({
      code: "server_hung_up",
      message: "The server closed the call.",
    });
    expect(microphone.tracks[0]?.readyState).toBe("ended");
  });

  it("closes the channel, then the connection, then stops the microphone, then hangs up", async () => {
    const { kernel } = await startCall();
    journal.length = 0;
    expect((await kernel.ask("disconnect")).result).toEqual({});
    expect(journal.slice(0, 5)).toEqual(["channel.close", "connection.close", "track.stop", "hang_up", "state"]);
    expect(kernel.states.at(-1)).toMatchObject({ status: "idle", error: null, connection_state: "closed" });
  });

  it("ignores what a closed connection still reports", async () => {
    const { kernel, peer } = await startCall();
    const old = peer();
    await kernel.ask("disconnect");
    const before = kernel.of("state").length;
    old.become("failed");
    old.channel.receive({ type: "late" });
    expect(kernel.of("state")).toHaveLength(before);
    expect(JSON.stringify(kernel.of("events"))).not.toContain("late");
  });

  it("can be made again after it has ended", async () => {
    const { kernel, attempt, peer } = await startCall();
    await kernel.ask("disconnect");
    const reply = kernel.ask("connect");
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(2));
    await answered(peer);
    peer().open();
    expect(((await reply).result as { attempt: string }).attempt).not.toBe(attempt);
  });
});

describe("sending", () => {
  it("sends the texts as they are and records them as sent", async () => {
    const { kernel, channel } = await startCall();
    const texts = ['{"type":"response.create"}', '{ "type": "session.update" }'];
    expect((await kernel.ask("send", { events: texts })).result).toEqual({});
    expect(channel.sent).toEqual(texts);
    await vi.waitFor(() => {
      const events = kernel.of("events").flatMap(({ events }) => events as [string, number, string][]);
      expect(events.map(([direction, , text]) => [direction, text])).toEqual(texts.map((text) => ["sent", text]));
    });
  });

  it("is refused while there is no connection", async () => {
    const { kernel } = startWidget();
    expect((await kernel.ask("send", { events: ["{}"] })).error).toMatchObject({ code: "not_connected" });
  });

  it("is refused whole when one message is too large, counted in UTF-8 bytes", async () => {
    const { kernel, channel } = await startCall();
    const reply = await kernel.ask("send", { events: ["{}", JSON.stringify("ü".repeat(600))] });
    expect(reply.error).toMatchObject({ code: "message_too_large", message: expect.stringContaining("1202 bytes") });
    expect(channel.sent).toEqual([]);
  });
});

describe("a flood of events", () => {
  it("is refused, event by event, while the channel holds what has not left, and the call goes on", async () => {
    const { kernel, channel } = await startCall();
    channel.bufferedAmount = 8 * 1024 * 1024 - 3;
    expect((await kernel.ask("send", { events: ["{}"] })).error).toBeUndefined();
    const refused = await kernel.ask("send", { events: ["{}", "{}"] });
    expect(refused.error).toMatchObject({
      code: "send_queue_full",
      message: expect.stringContaining("8388605 bytes wait"),
    });
    expect(channel.sent).toEqual(["{}"]);
    expect(kernel.states.at(-1)).toMatchObject({ status: "connected" });
    channel.bufferedAmount = 0;
    expect((await kernel.ask("send", { events: ["{}", "{}"] })).error).toBeUndefined();
  });
});

describe("muting", () => {
  it("silences the track without stopping it", async () => {
    const { kernel, microphone } = await startCall();
    await kernel.ask("mute", { muted: true });
    expect(microphone.tracks[0]).toMatchObject({ enabled: false, readyState: "live" });
    expect(kernel.states.at(-1)?.muted).toBe(true);
    await kernel.ask("mute", { muted: false });
    expect(microphone.tracks[0]?.enabled).toBe(true);
  });

  it("holds for a microphone that is opened later", async () => {
    const { kernel, microphone, peer } = startWidget();
    await kernel.ask("mute", { muted: true });
    void kernel.ask("connect");
    await answered(peer);
    expect(microphone.tracks[0]?.enabled).toBe(false);
    expect(kernel.states.at(-1)?.muted).toBe(true);
  });
});
