import { describe, expect, it, vi } from "vitest";
import { FakePeer, startWidget } from "../fakes";

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
    const before = kernel.of("state").length;
    microphone.refuse("NotAllowedError");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(kernel.of("state")).toHaveLength(before);
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
