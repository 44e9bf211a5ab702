import { describe, expect, it, vi } from "vitest";
import { startCall, startWidget } from "../fakes";

const UPDATE = '{"type":"session.update","session":{"instructions":"Be brief."}}';
const CHANGE = '{"type":"session.update","session":{"voice":"marin"}}';

async function call(exchange: Record<string, unknown>, prepare: Record<string, unknown> = {}, protocol = "realtime") {
  const started = startWidget({ setUp: (model) => Object.assign(model.traits, { settings: { protocol } }) });
  started.kernel.answers.prepare = { result: { data_channel_label: "x", ice_servers: [], ...prepare } };
  started.kernel.answers.exchange = { result: { sdp: "v=0\r\nanswer", call_id: "c", ...exchange } };
  const connecting = started.kernel.ask("connect");
  await vi.waitFor(() => expect(started.peer().remoteDescription).not.toBeNull());
  return { ...started, connecting };
}

describe("what a server must get first", () => {
  it("is sent as soon as the channel is open, and logged", async () => {
    const { kernel, peer, connecting } = await call({ first_messages: [UPDATE, "hello"] });
    expect(peer().channel.sent).toEqual([]);
    peer().open();
    await connecting;
    expect(peer().channel.sent).toEqual([UPDATE, "hello"]);
    await vi.waitFor(() => expect(JSON.stringify(kernel.of("events"))).toContain("Be brief."));
  });

  it("comes before what another call is repeated, and is not repeated itself", async () => {
    const { kernel, peer, connecting, model } = await call({ first_messages: [UPDATE] });
    model.setTrait("settings", {
      reconnect: { max_attempts: 3, grace: 0, backoff: 0, max_backoff: 0, attempt_timeout: 9 },
    });
    peer().open();
    await connecting;
    await kernel.ask("send", { events: [CHANGE] });
    const first = peer();
    first.become("failed");
    await vi.waitFor(() => expect(peer()).not.toBe(first));
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await vi.waitFor(() => expect(peer().channel.sent).toEqual([UPDATE, CHANGE]));
  });

  it("comes with the client secret where the page posts the offer", async () => {
    vi.stubGlobal("fetch", async () => new Response("v=0\r\nanswer", { status: 201 }));
    const { kernel, peer } = startWidget({
      setUp: (model) => Object.assign(model.traits, { settings: { exchange: "browser" } }),
    });
    kernel.clientSecret = { result: { url: "https://api.example/calls", secret: "ek_1", first_messages: [UPDATE] } };
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await connecting;
    expect(peer().channel.sent).toEqual([UPDATE]);
  });
});

describe("a keep-alive message", () => {
  it("is repeated until the call ends, and not logged", async () => {
    const { kernel, peer, connecting } = await call({ keep_alive: { message: "ping", seconds: 0.1 } });
    peer().open();
    await connecting;
    const { channel } = peer();
    await vi.waitFor(() => expect(channel.sent.length).toBeGreaterThan(2));
    await kernel.ask("disconnect");
    const count = channel.sent.length;
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(channel.sent).toEqual(Array(count).fill("ping"));
    expect(JSON.stringify(kernel.of("events"))).not.toContain("ping");
  });
});

describe("a server without a data channel", () => {
  it("is connected with the connection, and carries audio only", async () => {
    const { kernel, peer, connecting } = await call({}, { data_channel_label: null }, "events");
    expect(peer().channels).toEqual([]);
    peer().become("connected");
    expect((await connecting).result).toBeDefined();
    expect(kernel.states.at(-1)).toMatchObject({ status: "connected", data_channel_state: "closed" });
    expect((await kernel.ask("send", { events: ["{}"] })).error).toMatchObject({ code: "not_connected" });
    peer().become("closed");
    await vi.waitFor(() => expect(kernel.states.at(-1)).toMatchObject({ status: "error" }));
  });
});

describe("a signaling without a wire protocol", () => {
  it("has no text box and no transcript, and lists its events", async () => {
    const { kernel, peer, connecting, mount } = await call({}, {}, "events");
    const { element } = mount();
    peer().open();
    await connecting;
    expect(element.querySelector(".rtc-composer")).toBeNull();
    expect(element.querySelector(".rtc-transcript")).toBeNull();
    peer().channel.receive({ type: "bot-ready", label: "rtvi-ai" });
    await vi.waitFor(() => expect(JSON.stringify(kernel.of("events"))).toContain("bot-ready"));
  });

  it("has both with one", async () => {
    const { mount } = await startCall();
    const { element } = mount();
    expect(element.querySelector(".rtc-composer")).not.toBeNull();
    expect(element.querySelector(".rtc-transcript")).not.toBeNull();
  });
});
