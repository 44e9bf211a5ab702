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

  it.each(["pointerenter", "pointerdown", "focus"])("has its offer at %s, before the click", async (event) => {
    const { button, kernel, microphone, peer } = await startShown();
    const before = kernel.model.transmitted.length;
    button.dispatchEvent(new Event(event));
    await vi.waitFor(() => expect(peer().steps).toContain("setLocalDescription"));
    expect(kernel.model.transmitted).toHaveLength(before);
    expect(microphone.tracks).toHaveLength(0);
    button.click();
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    expect(FakePeer.all).toHaveLength(1);
    expect(kernel.states.find(({ status }) => status === "connecting")).toMatchObject({ connection_state: "new" });
    expect(kernel.states.at(-1)).toMatchObject({ signaling_state: "stable" });
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
    const { button } = await startShown(options);
    button.dispatchEvent(new Event("pointerenter"));
    expect(FakePeer.all).toHaveLength(0);
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
    button.click();
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    button.dispatchEvent(new Event("pointerdown"));
    peer().open();
    await vi.waitFor(() => expect(kernel.statuses.at(-1)).toBe("connected"));
    button.dispatchEvent(new Event("pointerdown"));
    expect(FakePeer.all).toHaveLength(1);
  });
});
