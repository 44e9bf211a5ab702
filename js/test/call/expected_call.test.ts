import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakePeer, startWidget } from "../fakes";

const KNOWN = { data_channel_label: "known", ice_servers: [], needs_candidates: false, version: "v1" };

/** A widget that is displayed and may use the microphone, whose kernel has said what an offer needs. */
async function startShown({ known = KNOWN as Record<string, unknown>, permission = "granted", settings = {} } = {}) {
  vi.spyOn(navigator.permissions, "query").mockResolvedValue(
    Object.assign(new EventTarget(), { state: permission }) as unknown as PermissionStatus,
  );
  const started = startWidget({ setUp: (model) => Object.assign(model.traits, { settings }) });
  started.kernel.known = known;
  started.kernel.answers.prepare = { result: known };
  await vi.waitFor(() => expect(started.kernel.states.at(-1)?.microphone_permission).toBe(permission));
  started.kernel.welcome();
  const { element } = started.mount();
  const button = await vi.waitFor(() => {
    const found = element.querySelector<HTMLButtonElement>("button[data-action=connect]");
    if (!found || found.disabled) throw new Error("No button yet");
    return found;
  });
  return { ...started, button };
}

beforeEach(() => {
  FakePeer.all.length = 0;
});

describe("a call that a person is about to make", () => {
  afterEach(() => vi.useRealTimers());

  it.each(["pointerenter", "pointerdown", "focus"])("has its offer and tells the kernel at %s", async (event) => {
    const { button, kernel, microphone, peer } = await startShown();
    const before = kernel.model.transmitted.length;
    button.dispatchEvent(new Event(event));
    await vi.waitFor(() => expect(peer().steps).toContain("setLocalDescription"));
    expect(kernel.model.transmitted.slice(before).map(({ type }) => type)).toEqual(["expect_call"]);
    expect(microphone.tracks).toHaveLength(0);
    button.click();
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    expect(FakePeer.all).toHaveLength(1);
    peer().open();
    await vi.waitFor(() => expect(kernel.statuses.at(-1)).toBe("connected"));
  });

  it.each([
    { what: "the microphone must be permitted first", options: { permission: "prompt" } },
    { what: "candidates are needed in the offer", options: { known: { ...KNOWN, needs_candidates: true } } },
    {
      what: "ICE servers would be asked",
      options: { known: { ...KNOWN, ice_servers: [{ urls: ["stun:stun.example"] }] } },
    },
    { what: "the page exchanges the offer itself", options: { settings: { exchange: "browser" } } },
  ])("opens nothing before the click where $what", async ({ options }) => {
    const { button, kernel } = await startShown(options);
    button.dispatchEvent(new Event("pointerenter"));
    expect(FakePeer.all).toHaveLength(0);
    expect(kernel.of("expect_call")).toHaveLength(0);
  });

  it("makes another connection where the kernel has other needs by now", async () => {
    const { button, kernel, peer } = await startShown();
    button.dispatchEvent(new Event("pointerenter"));
    kernel.known = { ...KNOWN, data_channel_label: "another", version: "v2" };
    kernel.answers.prepare = { result: kernel.known };
    kernel.welcome();
    button.click();
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(2));
    expect(peer().channel.label).toBe("another");
    expect(FakePeer.all[0]?.connectionState).toBe("closed");
  });

  it("reports the states that its connection has had before the click", async () => {
    const { button, kernel, peer } = await startShown();
    FakePeer.gathers = false;
    button.dispatchEvent(new Event("pointerenter"));
    await vi.waitFor(() => expect(peer().iceGatheringState).toBe("gathering"));
    peer().iceGatheringState = "complete";
    peer().dispatchEvent(new Event("icegatheringstatechange"));
    const before = kernel.states.length;
    button.click();
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await vi.waitFor(() => expect(kernel.statuses.at(-1)).toBe("connected"));
    const states = kernel.states.slice(before).map(({ ice_gathering_state }) => ice_gathering_state);
    expect([...new Set(states)]).toEqual(["new", "gathering", "complete"]);
  });

  it("uses its connection where the kernel has only said the same again", async () => {
    const { button, kernel, peer } = await startShown();
    button.dispatchEvent(new Event("pointerenter"));
    kernel.welcome();
    button.click();
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    expect(FakePeer.all).toHaveLength(1);
  });

  it("makes another connection where Python has changed the settings", async () => {
    const { button, kernel, model, peer } = await startShown();
    button.dispatchEvent(new Event("pointerenter"));
    model.setTrait("settings", { microphone: false });
    button.click();
    await vi.waitFor(() => kernel.last("exchange"));
    expect(FakePeer.all[0]?.connectionState).toBe("closed");
    expect(peer().steps).toContain("addTransceiver audio recvonly");
  });

  it("makes another connection where the offer could not be made", async () => {
    const { button, peer } = await startShown();
    vi.spyOn(FakePeer.prototype, "setLocalDescription").mockRejectedValueOnce(new DOMException("", "OperationError"));
    button.dispatchEvent(new Event("pointerenter"));
    await vi.waitFor(() => expect(peer().connectionState).toBe("closed"));
    button.click();
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    expect(FakePeer.all).toHaveLength(2);
  });

  it("closes its connection when the kernel ends", async () => {
    const { button, model, peer } = await startShown();
    button.dispatchEvent(new Event("pointerenter"));
    expect(peer().connectionState).toBe("new");
    model.trigger("comm_live_update");
    expect(peer().connectionState).toBe("closed");
  });

  it("closes its connection after ten seconds, and makes another one then", async () => {
    const { button, kernel, peer } = await startShown();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    button.dispatchEvent(new Event("pointerenter"));
    button.dispatchEvent(new Event("pointerdown"));
    expect(FakePeer.all).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(peer().connectionState).toBe("closed");
    expect(kernel.of("hang_up")).toHaveLength(0);
    button.dispatchEvent(new Event("pointerenter"));
    expect(FakePeer.all).toHaveLength(2);
  });

  it("closes its connection with the page", async () => {
    const { button, peer } = await startShown();
    button.dispatchEvent(new Event("pointerenter"));
    dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
    expect(peer().connectionState).toBe("closed");
  });

  it("leaves a call alone that there is already", async () => {
    const { button, kernel, peer } = await startShown();
    void kernel.ask("connect");
    // Before the button has changed.
    button.dispatchEvent(new Event("pointerdown"));
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await vi.waitFor(() => expect(kernel.statuses.at(-1)).toBe("connected"));
    expect(FakePeer.all).toHaveLength(1);
  });
});
