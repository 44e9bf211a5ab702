import { describe, expect, it, vi } from "vitest";
import widget from "../src/index";
import { FakeModel, FakePeer, startCall, startWidget } from "./fakes";

const leave = () => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
const comeBack = () => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));

describe("initialize", () => {
  it("opens nothing and waits for nothing", () => {
    const getUserMedia = vi.spyOn(navigator.mediaDevices, "getUserMedia");
    const { kernel } = startWidget({ isListening: false });
    expect(kernel.model.sent.map(({ type }) => type)).toEqual(["hello"]);
    expect(FakePeer.all).toHaveLength(0);
    expect(getUserMedia).not.toHaveBeenCalled();
  });

  it("keeps the models of one page apart", async () => {
    const one = await startCall();
    const other = startWidget();
    await vi.waitFor(() => other.kernel.last("state"));
    expect(other.kernel.states.at(-1)?.status).toBe("idle");
    expect(one.kernel.states.at(-1)?.status).toBe("connected");
    expect(widget()).not.toBe(widget());
  });
});

describe("two views of one widget", () => {
  it("show one call", async () => {
    const { kernel, mount, peer, microphone } = startWidget();
    const [left, right] = [mount(), mount()];
    left.element.querySelector<HTMLButtonElement>("[data-action=connect]")?.click();
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await vi.waitFor(() => {
      for (const { element } of [left, right]) {
        expect(element.querySelector(".rtc-widget")?.getAttribute("data-status")).toBe("connected");
      }
    });
    expect(FakePeer.all).toHaveLength(1);
    expect(microphone.tracks).toHaveLength(1);
    left.unmount();
    right.unmount();
    expect(left.element.childElementCount).toBe(0);
    expect(kernel.states.at(-1)?.status).toBe("connected"); // the call belongs to the model, not to a view
  });
});

describe("the end of a call that nobody asked for", () => {
  it("comes when the kernel restarts: the microphone stops and nothing is sent to the dead kernel", async () => {
    const { model, microphone, peer, mount } = await startCall();
    const { element } = mount();
    const sent = model.sent.length;
    model.isDead = true;
    model.trigger("comm_live_update");
    expect(microphone.tracks[0]?.readyState).toBe("ended");
    expect(peer().connectionState).toBe("closed");
    await vi.waitFor(() => expect(element.querySelector(".rtc-widget")?.getAttribute("data-status")).toBe("error"));
    expect(element.textContent?.match(/kernel restarted or died/g)).toHaveLength(1); // said once, and no word of starting one
    expect(element.textContent).toContain("Run the widget's cell again");
    expect(element.querySelector<HTMLButtonElement>("[data-action=connect]")?.disabled).toBe(true);
    expect(model.sent).toHaveLength(sent);
  });

  it.each([
    ["server_hung_up", (call: Awaited<ReturnType<typeof startCall>>) => call.channel.become("closed")],
    ["call_too_long", (call: Awaited<ReturnType<typeof startCall>>) => vi.waitFor(() => call.kernel.last("hang_up"))],
  ])("is told by its deepest cause alone: %s, then the kernel is gone", async (code, end) => {
    const call = await startCall(code === "call_too_long" ? { max_duration: 0.5 } : {});
    const { element } = call.mount();
    const error = () => element.querySelector(".rtc-error");
    await end(call);
    await vi.waitFor(() => expect(error()?.getAttribute("data-code")).toBe(code));
    call.model.trigger("comm_live_update");
    await vi.waitFor(() => expect(error()?.getAttribute("data-code")).toBe("kernel_died"));
    expect(element.textContent?.match(/kernel restarted or died|lost its kernel/g)).toHaveLength(1);
    expect(element.textContent).not.toContain("so the call ended"); // it had ended before
    // What comes later is shallower.
    element.querySelector<HTMLButtonElement>("[data-action=dismiss]")?.click();
    await vi.waitFor(() => expect(error()).toBeNull());
    expect(element.textContent).toContain("lost its kernel");
  });

  it("is told as taken over by another page also where the server has closed the old call first", async () => {
    const { kernel, channel } = await startCall();
    channel.become("closed");
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code: "server_hung_up" } });
    await kernel.ask("release_call");
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code: "call_taken_over" } });
  });

  it("is the only thing told when the kernel goes: no note of the server stays beside it", async () => {
    const { channel, model, mount } = await startCall();
    const { element } = mount();
    channel.receive({ type: "error", error: { code: "invalid_value", message: "No such thing." } });
    await vi.waitFor(() => expect(element.textContent).toContain("No such thing."));
    model.trigger("comm_live_update");
    await vi.waitFor(() => expect(element.querySelectorAll("[data-code=kernel_died]")).toHaveLength(1));
    expect(element.textContent).not.toContain("No such thing.");
  });

  it("comes when the widget is closed: the kernel is told to hang up, and all listeners go", async () => {
    const { kernel, model, microphone, peer, life, attempt } = await startCall();
    const audio = document.querySelectorAll("audio").length;
    life.abort();
    expect(microphone.tracks[0]?.readyState).toBe("ended");
    expect(peer().connectionState).toBe("closed");
    expect(kernel.states.at(-1)).toMatchObject({ status: "idle", connection_state: "closed" });
    expect(kernel.last("hang_up").attempt).toBe(attempt);
    expect(model.sent.at(-1)?.type).toBe("goodbye");
    const sent = model.sent.length;
    expect(document.querySelectorAll("audio")).toHaveLength(audio - 1);
    expect(model.listenerCount()).toBe(2); // the two of the fake kernel itself
    leave();
    expect(model.sent).toHaveLength(sent);
  });

  it("comes all the same when the widget is closed and nobody hears of it any more", async () => {
    const { model, microphone, peer, life } = await startCall();
    model.isDead = true;
    life.abort();
    expect(microphone.tracks[0]?.readyState).toBe("ended");
    expect(peer().connectionState).toBe("closed");
    expect(model.listenerCount()).toBe(2);
  });

  it("comes also from a host that has no signal but calls what initialize returns", async () => {
    const model = new FakeModel();
    const { initialize } = widget();
    const end = initialize({ model } as unknown as Parameters<typeof initialize>[0]);
    expect(model.listenerCount()).toBeGreaterThan(0);
    end();
    expect(model.listenerCount()).toBe(0);
    expect(document.querySelectorAll("audio")).toHaveLength(0);
  });

  it("comes when the page goes away, while it still can hang up", async () => {
    const { kernel, model, microphone, attempt } = await startCall();
    leave();
    expect(microphone.tracks[0]?.readyState).toBe("ended");
    expect(kernel.last("hang_up").attempt).toBe(attempt);
    const sent = model.sent.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(model.sent).toHaveLength(sent);
  });

  it("lets a page that comes back from the browser's cache greet again", async () => {
    const { kernel } = await startCall();
    const greetings = kernel.of("hello").length;
    leave();
    comeBack();
    expect(kernel.of("hello")).toHaveLength(greetings + 1);
    await vi.waitFor(() => expect(kernel.states.at(-1)).toMatchObject({ status: "idle" }));
    expect((await kernel.ask("disconnect")).result).toEqual({});
  });
});

describe("what comes over the data channel", () => {
  it("reaches the kernel as it was, also what is no JSON or no text", async () => {
    const { kernel, channel, attempt } = await startCall();
    channel.receive('{"type":"session.created"}');
    channel.receive("not json");
    channel.receive(new ArrayBuffer(7));
    channel.receive('"a string"');
    await vi.waitFor(() => expect(kernel.of("events").flatMap(({ events }) => events)).toHaveLength(4));
    const events = kernel.of("events").flatMap(({ events }) => events as [string, number, string][]);
    expect(events.map(([direction, , text]) => [direction, text])).toEqual([
      ["received", '{"type":"session.created"}'],
      ["received", "not json"],
      ["received", '{"type":"rtc_widget.binary","bytes":7}'],
      ["received", '"a string"'],
    ]);
    expect(kernel.of("events").every((batch) => batch.attempt === attempt)).toBe(true);
    expect(kernel.states.at(-1)?.status).toBe("connected");
  });

  it("is sent again when the kernel has missed some", async () => {
    const { kernel, channel } = await startCall();
    channel.receive({ type: "one" });
    kernel.say({ type: "resend", first: 0 });
    expect(kernel.of("events").map(({ first }) => first)).toEqual([0, 0]);
    kernel.say({ type: "ack", next: 1 });
    kernel.say({ type: "resend", first: 0 });
    expect(kernel.of("events")).toHaveLength(2);
  });
});
