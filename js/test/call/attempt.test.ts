import { describe, expect, it, vi } from "vitest";
import { FakePeer, type Message, startWidget } from "../fakes";

const KNOWN = { data_channel_label: "known", ice_servers: [], needs_candidates: false, version: "v1" };

/** The types of the messages that have travelled as one, without reports of the state. */
function typesIn(bundle: Message | undefined): string[] {
  const messages = (bundle?.messages ?? []) as readonly Message[];
  return messages.map(({ type }) => type).filter((type) => type !== "state");
}

/** A kernel connection as JupyterLab has it. */
function jupyterKernel(host: object) {
  const signal = { connect() {}, disconnect() {} };
  return { connectionStatus: "connected", isDisposed: false, statusChanged: signal, disposed: signal, ...host };
}

/** Starts a widget whose kernel has said with its welcome what an offer needs */
async function startKnowing({
  known = KNOWN as Record<string, unknown>,
  permission = "granted",
  settings = {},
  host = {},
} = {}) {
  vi.spyOn(navigator.permissions, "query").mockResolvedValue(
    Object.assign(new EventTarget(), { state: permission }) as unknown as PermissionStatus,
  );
  const started = startWidget({
    setUp(model) {
      Object.assign(model.traits, { settings });
      if ("status" in host) Object.assign(model.widget_manager, { kernel: jupyterKernel(host) });
    },
  });
  started.kernel.known = known;
  started.kernel.answers.prepare = { result: known };
  await vi.waitFor(() => expect(started.kernel.states.at(-1)?.microphone_permission).toBe(permission));
  await vi.waitFor(() => expect(started.kernel.of("history").length).toBeGreaterThan(0));
  // A greeting after the widget has started, since a test changes the kernel only then.
  started.kernel.welcome();
  return started;
}

describe("a call whose needs the kernel has told before", () => {
  it("has its offer set before the kernel has answered, and opens the microphone only then", async () => {
    const { kernel, microphone, peer } = await startKnowing();
    kernel.isListening = false;
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(peer().steps).toContain("setLocalDescription"));
    expect(peer().channel.label).toBe("known");
    expect(microphone.tracks).toHaveLength(0);
    kernel.isListening = true;
    kernel.welcome();
    await vi.waitFor(() => expect(microphone.tracks).toHaveLength(1));
    const exchange = await vi.waitFor(() => kernel.last("exchange"));
    expect(exchange.preparation).toBe("v1");
    kernel.reply(kernel.last("prepare"), { result: KNOWN });
    kernel.reply(exchange, kernel.answers.exchange);
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    expect((await connecting).result).toBeDefined();
    expect(FakePeer.all).toHaveLength(1);
  });

  it("asks the kernel for everything in one message, with its offer", async () => {
    const { kernel } = await startKnowing();
    const before = kernel.model.transmitted.length;
    void kernel.ask("connect");
    await vi.waitFor(() => kernel.last("exchange"));
    expect(typesIn(kernel.model.transmitted[before])).toEqual(["hello", "prepare", "exchange"]);
  });

  it("asks the kernel for what it can where the offer takes long", async () => {
    const { kernel } = await startKnowing();
    vi.spyOn(FakePeer.prototype, "setLocalDescription").mockReturnValue(new Promise(() => {}));
    const before = kernel.model.transmitted.length;
    void kernel.ask("connect");
    await vi.waitFor(() => expect(kernel.model.transmitted.length).toBeGreaterThan(before));
    expect(typesIn(kernel.model.transmitted[before])).toEqual(["hello", "prepare"]);
  });

  it.each([
    { status: "idle", opened: 1, when: "at the click where the host says that the kernel is idle" },
    { status: "busy", opened: 0, when: "not before a busy kernel has answered" },
    {
      status: "idle",
      opened: 0,
      when: "not before the kernel has said what to do where there is no server",
      canCall: false,
    },
  ])("opens a permitted microphone $when", async ({ status, opened, canCall = true }) => {
    const { kernel, microphone } = await startKnowing({ host: { status }, settings: { can_call: canCall } });
    kernel.isListening = false;
    void kernel.ask("connect");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(microphone.tracks).toHaveLength(opened);
  });

  it("sends nothing for which nobody waits until the data channel is open", async () => {
    const { kernel, peer } = await startKnowing();
    kernel.answers.exchange = "later";
    void kernel.ask("connect");
    const exchange = await vi.waitFor(() => kernel.last("exchange"));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const before = kernel.model.transmitted.length;
    kernel.say({ type: "ping" });
    kernel.welcome();
    await vi.advanceTimersByTimeAsync(0);
    expect(kernel.model.transmitted).toHaveLength(before);
    vi.useRealTimers();
    kernel.reply(exchange, { result: { sdp: "v=0\r\nanswer", call_id: "rtc_1" } });
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await vi.waitFor(() => expect(kernel.statuses.at(-1)).toBe("connected"));
    expect(kernel.last("pong").time_ms).toBeTypeOf("number");
  });

  it("closes the microphone again where an idle kernel does not answer", async () => {
    const { kernel, microphone } = await startKnowing({ host: { status: "idle" } });
    kernel.isListening = false;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    void kernel.ask("connect");
    await vi.advanceTimersByTimeAsync(100);
    expect(microphone.tracks.map(({ readyState }) => readyState)).toEqual(["live"]);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(microphone.tracks.map(({ readyState }) => readyState)).toEqual(["ended"]);
    vi.useRealTimers();
    kernel.isListening = true;
    kernel.welcome();
    await vi.waitFor(() => expect(microphone.tracks.map(({ readyState }) => readyState)).toEqual(["ended", "live"]));
  });

  it("ends at once where the microphone is refused before an idle kernel has answered", async () => {
    const { kernel, microphone } = await startKnowing({ host: { status: "idle" } });
    kernel.isListening = false;
    microphone.isPrompting = true;
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(microphone.constraints).toBeDefined());
    microphone.refuse("NotFoundError");
    expect((await connecting).error).toMatchObject({ code: "microphone_not_found" });
  });

  it("is made up to the open channel while the permitted microphone opens, but stands only with it", async () => {
    const { kernel, microphone, peer } = await startKnowing();
    microphone.isPrompting = true;
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    await vi.waitFor(() => expect(microphone.constraints).toBeDefined());
    peer().open();
    peer().channel.receive({ type: "session.created" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(kernel.statuses.at(-1)).toBe("connecting");
    expect(kernel.of("events")).toEqual([]);
    microphone.allow();
    expect((await connecting).result).toBeDefined();
    expect(peer().senders).toEqual(microphone.tracks);
    await vi.waitFor(() => expect(kernel.statuses.at(-1)).toBe("connected"));
    await vi.waitFor(() => expect(JSON.stringify(kernel.of("events"))).toContain("session.created"));
    expect(kernel.of("exchange")).toHaveLength(1);
  });

  it("ends with what the server said where it closes the channel before the microphone opens", async () => {
    const { kernel, microphone, peer } = await startKnowing();
    microphone.isPrompting = true;
    kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    peer().channel.receive({ type: "error", error: { code: "insufficient_quota", message: "Nothing is left." } });
    peer().channel.become("closed");
    await vi.waitFor(() => expect(kernel.states.at(-1)?.error).toMatchObject({ code: "server_hung_up" }));
    await vi.waitFor(() => expect(JSON.stringify(kernel.of("events"))).toContain("insufficient_quota"));
    microphone.allow();
    await vi.waitFor(() => expect(microphone.tracks.map(({ readyState }) => readyState)).toEqual(["ended"]));
    expect(kernel.of("hang_up")).toHaveLength(1);
  });

  it("ends before it stands where the microphone does not open after the channel", async () => {
    const { kernel, microphone, peer } = await startKnowing();
    microphone.isPrompting = true;
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    microphone.refuse("NotReadableError");
    expect((await connecting).error).toMatchObject({ code: "microphone_in_use" });
    expect(kernel.statuses).not.toContain("connected");
    expect(kernel.of("hang_up")).toHaveLength(1);
    expect(peer().connectionState).toBe("closed");
  });

  it("hangs up where a permitted microphone does not open", async () => {
    const { kernel, microphone, peer } = await startKnowing();
    microphone.isPrompting = true;
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(kernel.of("exchange")).toHaveLength(1));
    await vi.waitFor(() => expect(microphone.constraints).toBeDefined());
    microphone.refuse("NotFoundError");
    expect((await connecting).error).toMatchObject({ code: "microphone_not_found" });
    expect(kernel.of("hang_up")).toHaveLength(1);
    expect(peer().connectionState).toBe("closed");
  });

  it("ends with the server's refusal while the microphone opens", async () => {
    const { kernel, microphone } = await startKnowing();
    const error = { code: "invalid_key", message: "The server answered 401.", hint: "Check the key." };
    microphone.isPrompting = true;
    kernel.answers.exchange = { error };
    expect((await kernel.ask("connect")).error).toEqual(error);
    microphone.allow();
    await vi.waitFor(() => expect(microphone.tracks.map(({ readyState }) => readyState)).toEqual(["ended"]));
  });

  it.each([
    { permission: "prompt", resume: false, cause: "the microphone must be permitted" },
    { permission: "granted", resume: true, cause: "it continues another call" },
  ])("exchanges its offer only with the microphone where $cause", async ({ permission, resume }) => {
    const { kernel, microphone } = await startKnowing({ permission });
    microphone.isPrompting = true;
    void kernel.ask("connect", { resume });
    await vi.waitFor(() => expect(microphone.constraints).toBeDefined());
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(kernel.of("exchange")).toHaveLength(0);
    microphone.allow();
    await vi.waitFor(() => expect(kernel.of("exchange")).toHaveLength(1));
  });

  it.each([
    { permission: "prompt", needs: false, cause: "the permission" },
    { permission: "granted", needs: true, cause: "the microphone, for the addresses in the offer" },
  ])("sets its offer only after $cause", async ({ permission, needs }) => {
    const { kernel, microphone, peer } = await startKnowing({
      permission,
      known: { ...KNOWN, needs_candidates: needs },
    });
    microphone.isPrompting = true;
    void kernel.ask("connect");
    await vi.waitFor(() => expect(peer().steps).toContain("createOffer"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(peer().steps).not.toContain("setLocalDescription");
    microphone.allow();
    await vi.waitFor(() => expect(peer().steps).toContain("setLocalDescription"));
  });

  it("makes another offer where the kernel has other needs by now", async () => {
    const { kernel, peer } = await startKnowing();
    const present = { ...KNOWN, data_channel_label: "present", version: "v2" };
    kernel.answers.prepare = "later"; // its reply comes after that to `exchange`
    kernel.answers.exchange = { result: { superseded_by: present } };
    // Listens after the kernel, which answers in a microtask.
    kernel.model.on("sent", ({ type, preparation }: Message) => {
      if (type !== "exchange" || preparation !== null) return;
      kernel.answers.exchange = { result: { sdp: "v=0\r\n", call_id: "rtc_1" } };
      kernel.reply(kernel.last("prepare"), { result: present });
    });
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    expect((await connecting).result).toBeDefined();
    expect(FakePeer.all.map(({ channel }) => channel.label)).toEqual(["known", "present"]);
    expect(FakePeer.all.map(({ connectionState }) => connectionState)).toEqual(["closed", "connected"]);
    expect(kernel.of("exchange").map(({ preparation }) => preparation)).toEqual(["v1", null]);
    expect(kernel.of("hang_up")).toHaveLength(0);
    expect(peer().senders).toHaveLength(1);
  });

  it("makes another offer at once, not only when the candidates of the first are gathered", async () => {
    const { kernel, peer } = await startKnowing({ known: { ...KNOWN, needs_candidates: true } });
    FakePeer.gathers = false;
    kernel.answers.prepare = "later";
    void kernel.ask("connect");
    await vi.waitFor(() => expect(peer().steps).toContain("setLocalDescription"));
    kernel.reply(kernel.last("prepare"), { result: { ...KNOWN, version: "v2" } });
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    expect(FakePeer.all).toHaveLength(2);
    expect(kernel.of("exchange").map(({ preparation }) => preparation)).toEqual([null]);
  });

  it("ends the silent track of an offer that another one replaces", async () => {
    const { kernel, peer } = await startKnowing({ settings: { protocol: "live", microphone: false } });
    const present = { ...KNOWN, data_channel_label: "present", version: "v2" };
    kernel.answers.prepare = "later";
    kernel.answers.exchange = "later";
    void kernel.ask("connect");
    kernel.reply(await vi.waitFor(() => kernel.last("exchange")), { result: { superseded_by: present } });
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(2));
    await vi.waitFor(() => expect(peer().senders).toHaveLength(1));
    const tracks = FakePeer.all.flatMap(({ senders }) => senders as MediaStreamTrack[]);
    expect(tracks.map(({ readyState }) => readyState)).toEqual(["ended", "live"]);
  });

  it("makes another offer also where the page posts it itself", async () => {
    const { kernel, model, peer } = await startKnowing();
    model.setTrait("settings", { exchange: "browser" });
    const present = { ...KNOWN, data_channel_label: "present", version: "v2" };
    kernel.answers.prepare = { result: present };
    const posted = vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("v=0\r\n"));
    void kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    expect(peer().channel.label).toBe("present");
    expect(posted).toHaveBeenCalledTimes(1);
  });

  it("does not fail by ICE servers that the kernel has replaced", async () => {
    const { kernel, peer } = await startKnowing();
    vi.stubGlobal(
      "RTCPeerConnection",
      class extends FakePeer {
        constructor(configuration: RTCConfiguration) {
          super(configuration);
          if (configuration.iceServers?.length === 1) throw new DOMException("no URL", "SyntaxError");
        }
      },
    );
    kernel.known = { ...KNOWN, ice_servers: [{ urls: "nonsense" }] };
    kernel.welcome();
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(2));
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    expect((await connecting).result).toBeDefined();
  });

  it("ends with what the kernel refuses, and hangs up", async () => {
    const { kernel, microphone } = await startKnowing();
    const error = { code: "missing_key", message: "No API key was found.", hint: "Set it." };
    kernel.answers.prepare = { error };
    kernel.answers.exchange = "later";
    expect((await kernel.ask("connect")).error).toEqual(error);
    await vi.waitFor(() => expect(microphone.tracks.map(({ readyState }) => readyState)).not.toContain("live"));
    expect(FakePeer.all.map(({ connectionState }) => connectionState)).toEqual(["closed"]);
  });

  it("ends with what the kernel refuses while the browser prompts, and opens no microphone after that", async () => {
    const { kernel, microphone } = await startKnowing({ permission: "prompt" });
    const error = { code: "missing_key", message: "No API key was found.", hint: "Set it." };
    microphone.isPrompting = true;
    kernel.answers.prepare = { error };
    expect((await kernel.ask("connect")).error).toEqual(error);
    microphone.allow();
    await vi.waitFor(() => expect(microphone.tracks.map(({ readyState }) => readyState)).toEqual(["ended"]));
    expect(kernel.of("exchange")).toHaveLength(0);
  });
});

describe("what changes in one task", () => {
  it("waits for the next message while the call is being made, for a tenth of a second at most", async () => {
    const { kernel, peer } = startWidget();
    void kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = kernel.model.transmitted.length;
    peer().become("connecting");
    await new Promise((resolve) => setTimeout(resolve, 20));
    peer().open();
    await vi.waitFor(() => expect(kernel.states.at(-1)?.status).toBe("connected"));
    expect(kernel.model.transmitted.slice(before)[0]).toMatchObject({
      type: "bundle",
      messages: [{ state: { connection_state: "connecting", status: "connecting" } }, { state: {} }],
    });
  });

  it("is reported to the kernel once", async () => {
    const { kernel, peer } = startWidget();
    void kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = kernel.of("state").length;
    peer().iceConnectionState = "checking";
    peer().dispatchEvent(new Event("iceconnectionstatechange"));
    peer().become("connecting");
    await vi.waitFor(() => expect(kernel.states.at(-1)?.connection_state).toBe("connecting"));
    expect(kernel.states.slice(before)).toMatchObject([{ ice_connection_state: "checking" }]);
  });

  it("is reported before a reply to the kernel", async () => {
    const { kernel } = startWidget();
    await vi.waitFor(() => kernel.last("state"));
    const reply = await kernel.ask("mute", { muted: true });
    const report = kernel.last("state");
    expect(report).toMatchObject({ seq: reply.seq, state: { muted: true } });
    expect(kernel.model.sent.indexOf(report)).toBeLessThan(kernel.model.sent.indexOf(reply));
  });
});

describe("a signaling whose ICE servers the browser does not take", () => {
  class Refusing extends FakePeer {
    constructor(configuration: RTCConfiguration) {
      super(configuration);
      throw new DOMException("Failed to construct 'RTCPeerConnection': no URL", "SyntaxError");
    }
  }

  it.each([
    { iceServers: [{ urls: "nonsense" }], code: "invalid_ice_servers", words: "ICE servers" },
    { iceServers: [], code: "webrtc_unavailable", words: "no WebRTC" },
  ])("is named as the cause where it has any ($code)", async ({ iceServers, code, words }) => {
    const { kernel, microphone } = startWidget();
    vi.stubGlobal("RTCPeerConnection", Refusing);
    kernel.answers.prepare = { result: { data_channel_label: "oai-events", ice_servers: iceServers } };
    const { error } = await kernel.ask("connect");
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(JSON.stringify(error)).not.toContain("construct");
    await vi.waitFor(() => expect(microphone.tracks[0]?.readyState).toBe("ended"));
  });
});

describe("a server on the kernel's machine that the browser cannot reach", () => {
  it.each([
    { beside_kernel: true, words: "kernel's machine", hint: "docs/remote.md" },
    { beside_kernel: false, words: "connection to the server failed", hint: "docs/remote.md" },
  ])("is told in words (beside the kernel: $beside_kernel)", async ({ beside_kernel, words, hint }) => {
    const { kernel, peer } = startWidget();
    kernel.answers.prepare = { result: { data_channel_label: "oai-events", ice_servers: [], beside_kernel } };
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().become("failed");
    const { error } = await connecting;
    expect(error).toMatchObject({
      code: "connection_failed",
      message: expect.stringContaining(words),
      hint: expect.stringContaining(hint),
    });
  });

  it("is not the cause of a connection that has stood", async () => {
    const { kernel, peer, model } = startWidget();
    model.setTrait("settings", { reconnect: null });
    kernel.answers.prepare = { result: { data_channel_label: "oai-events", ice_servers: [], beside_kernel: true } };
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().iceConnectionState = "connected";
    peer().open();
    await connecting;
    peer().become("failed");
    const { error } = kernel.states.at(-1) as { error: { message: string } };
    expect(error.message).toBe("The connection to the server failed.");
  });
});

describe("a call that is ended while it is being made", () => {
  it("stops a microphone that is permitted too late", async () => {
    const { kernel, microphone } = startWidget();
    microphone.isPrompting = true;
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(1));
    await kernel.ask("disconnect");
    expect((await connecting).error).toMatchObject({ code: "cancelled" });
    microphone.allow();
    await vi.waitFor(() => expect(microphone.tracks).toHaveLength(1));
    await vi.waitFor(() => expect(microphone.tracks[0]?.readyState).toBe("ended"));
    expect(kernel.states.at(-1)).toMatchObject({ status: "idle", error: null });
    expect(kernel.of("exchange")).toHaveLength(0);
    expect(kernel.of("hang_up")).toHaveLength(0);
  });

  it("lets a refusal of the microphone that comes too late change nothing", async () => {
    const { kernel, microphone } = startWidget();
    microphone.isPrompting = true;
    void kernel.ask("connect");
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(1));
    await kernel.ask("disconnect");
    microphone.refuse("NotAllowedError");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(kernel.states.at(-1)).toMatchObject({ status: "idle", error: null });
    expect(kernel.states.at(-1)?.microphone_permission).not.toBe("denied");
  });

  it("makes no connection when it ends before the kernel has prepared", async () => {
    const { kernel, microphone } = startWidget();
    kernel.answers.prepare = "later";
    const connecting = kernel.ask("connect");
    const request = await vi.waitFor(() => kernel.last("prepare"));
    await kernel.ask("disconnect");
    kernel.reply(request, { result: { data_channel_label: "oai-events", ice_servers: [] } });
    expect((await connecting).error).toMatchObject({ code: "cancelled" });
    expect(FakePeer.all).toHaveLength(0);
    await vi.waitFor(() => expect(microphone.tracks[0]?.readyState).toBe("ended"));
  });

  it("makes no connection when it ends in the moment in which the kernel has prepared", async () => {
    const { kernel } = startWidget();
    const preparation = kernel.answers.prepare;
    kernel.answers.prepare = "later";
    const connecting = kernel.ask("connect");
    const request = await vi.waitFor(() => kernel.last("prepare"));
    kernel.reply(request, preparation);
    void kernel.ask("disconnect");
    expect((await connecting).error).toMatchObject({ code: "cancelled" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(FakePeer.all).toHaveLength(0);
  });

  it("hangs up at once, and again when the answer comes too late", async () => {
    const { kernel, peer } = startWidget();
    kernel.answers.exchange = "later";
    const connecting = kernel.ask("connect");
    const request = await vi.waitFor(() => kernel.last("exchange"));
    await kernel.ask("disconnect");
    expect((await connecting).error).toMatchObject({ code: "cancelled" });
    expect(kernel.of("hang_up")).toHaveLength(1);
    const before = kernel.of("state").length;

    kernel.reply(request, { result: { sdp: "v=0\r\n", call_id: "rtc_late" } });
    expect(kernel.of("hang_up").map(({ attempt }) => attempt)).toEqual([request.attempt, request.attempt]);
    expect(kernel.of("state")).toHaveLength(before);
    expect(peer().remoteDescription).toBeNull();
  });

  it("hangs up again also when the answer comes after the time limit", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { kernel } = startWidget();
    kernel.answers.exchange = "later";
    const connecting = kernel.ask("connect");
    const request = await vi.waitFor(() => kernel.last("exchange"));
    await vi.advanceTimersByTimeAsync(45_100);
    expect((await connecting).error).toMatchObject({ code: "kernel_timeout" });
    kernel.reply(request, { result: { sdp: "v=0\r\n", call_id: "rtc_late" } });
    expect(kernel.of("hang_up")).toHaveLength(2);
  });

  it("waits for an answer no longer than that after the kernel has prepared, where the offer was early", async () => {
    const { kernel } = await startKnowing();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    kernel.answers.prepare = "later";
    kernel.answers.exchange = "later";
    const connecting = kernel.ask("connect");
    const request = await vi.waitFor(() => kernel.last("exchange"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(kernel.of("hang_up")).toHaveLength(0);
    kernel.reply(kernel.last("prepare"), { result: KNOWN });
    await vi.advanceTimersByTimeAsync(45_100);
    expect(kernel.of("hang_up")).toHaveLength(1);
    expect((await connecting).error).toMatchObject({ code: "kernel_timeout" });
    kernel.reply(request, { result: { sdp: "v=0\r\n", call_id: "rtc_late" } });
    expect(kernel.of("hang_up")).toHaveLength(2);
  });

  it("ends while it waits for the data channel, and everything is closed", async () => {
    const { kernel, microphone, peer } = startWidget();
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    await kernel.ask("disconnect");
    expect((await connecting).error).toMatchObject({ code: "cancelled" });
    expect(peer().connectionState).toBe("closed");
    expect(peer().channel.readyState).toBe("closed");
    expect(microphone.tracks[0]?.readyState).toBe("ended");
    expect(kernel.of("hang_up")).toHaveLength(1);
  });

  it("does not stand in the way of the next one", async () => {
    const { kernel, microphone, peer } = startWidget();
    microphone.isPrompting = true;
    const first = kernel.ask("connect");
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(1));
    await kernel.ask("disconnect");
    const second = kernel.ask("connect");
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(2));
    microphone.allow();
    microphone.allow();
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    expect((await first).error).toMatchObject({ code: "cancelled" });
    expect((await second).result).toBeDefined();
    expect(microphone.tracks.map((track) => track.readyState)).toEqual(["ended", "live"]);
  });
});
