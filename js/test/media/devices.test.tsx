import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { FakePeer, FakeTrack, journal, startCall, startWidget } from "../fakes";

const device = (kind: MediaDeviceKind, deviceId: string, label: string) =>
  ({ kind, deviceId, label, groupId: "" }) as MediaDeviceInfo;
const DESK = device("audioinput", "d1", "Desk microphone");
const HEADSET = device("audioinput", "d2", "Headset");
const SPEAKER = device("audiooutput", "s1", "Desk speaker");

let plugged: MediaDeviceInfo[] = [];
beforeEach(() => {
  localStorage.clear();
  plugged = [DESK, HEADSET, SPEAKER];
  vi.spyOn(navigator.mediaDevices, "enumerateDevices").mockImplementation(async () => plugged);
});
const select = (root: Element, kind: string) => {
  const found = root.querySelector<HTMLSelectElement>(`select[data-device=${kind}]`);
  if (!found) throw new Error(`There is no menu for the ${kind}`);
  return found;
};
const names = (root: Element, kind: string) => [...select(root, kind).options].map(({ text }) => text);
const openMenus = async (root: Element) => {
  root.querySelector<HTMLButtonElement>("[data-action=devices]")?.click();
  await vi.waitFor(() => select(root, "microphone"));
};

describe("the device menus", () => {
  it("name the devices, and follow what is plugged in and out", async () => {
    const { element } = startWidget().mount();
    await openMenus(element);
    await vi.waitFor(() =>
      expect(names(element, "microphone")).toEqual(["System default", "Desk microphone", "Headset"]),
    );
    expect(names(element, "speaker")).toEqual(["System default", "Desk speaker"]);
    plugged = [DESK, SPEAKER];
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
    await vi.waitFor(() => expect(names(element, "microphone")).toEqual(["System default", "Desk microphone"]));
  });

  it("name a device once, however often Chromium lists it, and so it is found by a part of its name", async () => {
    const stands = (id: string) => device("audioinput", id, `${id} - Jabra Link`);
    plugged = [stands("default"), stands("communications"), device("audioinput", "d3", "Jabra Link"), SPEAKER];
    const { kernel, mount } = await startCall();
    const { element } = mount();
    await openMenus(element);
    await vi.waitFor(() => expect(names(element, "microphone")).toEqual(["System default", "Jabra Link"]));
    const reply = await kernel.ask("use_device", { device_kind: "microphone", device: "jabra" });
    expect(reply.error).toBeUndefined();
    expect((await kernel.ask("devices")).result).toMatchObject({ devices: [{ id: "d3", chosen: true }, { id: "s1" }] });
  });

  it("know the device that is in use also where it was opened as the system's default", async () => {
    plugged = [device("audioinput", "default", "Standard - Headset"), DESK, HEADSET];
    const { kernel } = startWidget();
    const track = new FakeTrack("default", "Standard - Headset");
    vi.spyOn(navigator.mediaDevices, "getUserMedia").mockResolvedValue({
      getTracks: () => [track],
      getAudioTracks: () => [track],
    } as unknown as MediaStream);
    void kernel.ask("connect");
    await vi.waitFor(() => expect(kernel.of("exchange")).toHaveLength(1));
    const { result } = await kernel.ask("devices");
    const { devices } = result as { devices: { name: string; in_use: boolean }[] };
    expect(devices.map(({ name, in_use }) => [name, in_use])).toEqual([
      ["Desk microphone", false],
      ["Headset", true],
    ]);
  });

  it("keep the system's default where nothing else is listed", async () => {
    plugged = [device("audioinput", "default", "Default")];
    const { kernel } = startWidget();
    expect((await kernel.ask("devices")).result).toMatchObject({ devices: [{ id: "default" }] });
  });

  it("name a remembered one that is not plugged in", async () => {
    localStorage.setItem("rtc_widget.microphone", JSON.stringify({ id: "d9", name: "Stage microphone" }));
    const { element } = startWidget().mount();
    await openMenus(element);
    await vi.waitFor(() =>
      expect(names(element, "microphone")).toEqual([
        "System default",
        "Stage microphone (not plugged in)",
        "Desk microphone",
        "Headset",
      ]),
    );
    expect(select(element, "microphone").value).toBe("d9");
  });

  it("show no nameless entries before the permission", async () => {
    plugged = [device("audioinput", "", ""), device("audiooutput", "", "")];
    const { element } = startWidget().mount();
    await openMenus(element);
    expect(names(element, "microphone")).toEqual(["System default"]);
  });
});

/** The microphone permission, which the user may change at any time. */
class FakePermission extends EventTarget {
  readonly name = "microphone";
  onchange = null;
  state: PermissionState;
  constructor(state: PermissionState) {
    super();
    this.state = state;
  }
  become(state: PermissionState): void {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}
const permissionOf = (state: PermissionState) => new FakePermission(state);

/** Unplugs the only microphone during a call. */
const unplug = ({ tracks }: { tracks: readonly FakeTrack[] }) => {
  const opened = vi
    .spyOn(navigator.mediaDevices, "getUserMedia")
    .mockRejectedValue(new DOMException("gone", "NotFoundError"));
  tracks[0]?.stop();
  tracks[0]?.dispatchEvent(new Event("ended"));
  return opened;
};

describe("another microphone during a call", () => {
  it("is opened first, then put in place, then the old one stops; there is no new offer", async () => {
    const { kernel, microphone, peer } = await startCall();
    const offers = peer().steps.filter((step) => step === "createOffer").length;
    journal.length = 0;
    const reply = await kernel.ask("use_device", { device_kind: "microphone", device: "Headset" });
    expect(microphone.constraints).toMatchObject({ audio: { deviceId: { exact: "d2" } } });
    expect(peer().senders).toEqual(microphone.tracks);
    expect(microphone.tracks.map(({ readyState }) => readyState)).toEqual(["ended", "live"]);
    expect(peer().steps.filter((step) => step === "createOffer")).toHaveLength(offers);
    expect(
      (reply.result as { devices: { id: string; chosen: boolean }[] }).devices.find(({ chosen }) => chosen)?.id,
    ).toBe("d2");
  });

  it("stays muted", async () => {
    const { kernel, microphone } = await startCall();
    await kernel.ask("mute", { muted: true });
    await kernel.ask("use_device", { device_kind: "microphone", device: "d1" });
    expect(microphone.tracks.at(-1)).toMatchObject({ enabled: false, readyState: "live" });
  });

  it("leaves the old one in place when it cannot be opened", async () => {
    const { kernel, microphone } = await startCall();
    microphone.isPrompting = true;
    const reply = kernel.ask("use_device", { device_kind: "microphone", device: "Headset" });
    await vi.waitFor(() => expect(microphone.constraints).toMatchObject({ audio: { deviceId: { exact: "d2" } } }));
    await vi.waitFor(() => microphone.refuse("NotReadableError"));
    expect((await reply).error).toMatchObject({ code: "microphone_in_use" });
    expect(microphone.tracks.map(({ readyState }) => readyState)).toEqual(["live"]);
  });

  it("is refused by name when there is none, or more than one", async () => {
    const { kernel } = await startCall();
    const none = await kernel.ask("use_device", { device_kind: "microphone", device: "Stage" });
    expect(none.error).toMatchObject({ code: "device_not_found", message: expect.stringContaining('"Headset"') });
    const many = await kernel.ask("use_device", { device_kind: "microphone", device: "e" });
    expect(many.error).toMatchObject({ message: expect.stringContaining("more than one") });
  });

  it("takes the place of one that is unplugged", async () => {
    const { microphone, peer } = await startCall();
    const [first] = microphone.tracks;
    first?.stop();
    first?.dispatchEvent(new Event("ended"));
    await vi.waitFor(() => expect(peer().senders).toHaveLength(2));
    expect(microphone.tracks.at(-1)?.readyState).toBe("live");
  });

  it("is missed, in page and kernel, where the only one is unplugged; the call goes on", async () => {
    const { kernel, microphone, mount } = await startCall();
    const { element } = mount();
    vi.spyOn(navigator.mediaDevices, "getUserMedia").mockRejectedValue(new DOMException("gone", "NotFoundError"));
    microphone.tracks[0]?.stop();
    microphone.tracks[0]?.dispatchEvent(new Event("ended"));
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")?.textContent).toContain("No microphone"));
    expect(element.querySelector(".rtc-error")?.getAttribute("data-ends-call")).toBe("false");
    expect(kernel.states.at(-1)).toMatchObject({ status: "connected", error: { code: "microphone_not_found" } });
  });

  it("is no longer claimed then: the dead one is off the line, and the mute button has nothing to mute", async () => {
    const { kernel, peer, microphone, mount } = await startCall();
    const { element } = mount();
    unplug(microphone);
    await vi.waitFor(() => expect(peer().senders).toHaveLength(2));
    const silence = peer().senders[1] as MediaStreamTrack;
    expect([silence.readyState, silence === (microphone.tracks[0] as unknown)]).toEqual(["live", false]);
    await vi.waitFor(() => expect(kernel.states.at(-1)).toMatchObject({ status: "connected", receive_only: true }));
    expect(element.textContent).toContain("No microphone");
    expect(element.querySelector<HTMLButtonElement>("[data-action=mute]")?.disabled).toBe(true);
  });

  it("is heard as soon as one is plugged in again, and the note goes", async () => {
    const { kernel, peer, microphone, mount } = await startCall();
    const { element } = mount();
    const opened = unplug(microphone);
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")).not.toBeNull());
    const change = () => navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
    change(); // of the unplugging itself
    await vi.waitFor(() => expect(opened).toHaveBeenCalledTimes(2));
    opened.mockImplementation(microphone.open);
    change();
    await vi.waitFor(() => expect(peer().senders.at(-1)).toBe(microphone.tracks[1]));
    expect(microphone.tracks[1]?.readyState).toBe("live");
    await vi.waitFor(() => expect(kernel.states.at(-1)).toMatchObject({ receive_only: false, error: null }));
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")).toBeNull());
    change();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(microphone.tracks).toHaveLength(2); // what is there is not opened anew with each device that comes
  });

  it("is no more opened after the call", async () => {
    const { kernel, microphone } = await startCall();
    const opened = unplug(microphone);
    await vi.waitFor(() => expect(kernel.states.at(-1)).toMatchObject({ receive_only: true }));
    await kernel.ask("disconnect");
    const calls = opened.mock.calls.length;
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(opened).toHaveBeenCalledTimes(calls);
  });
});

describe("a choice", () => {
  it("is remembered by the browser, and what is opened in its stead does not overwrite it", async () => {
    const first = startWidget();
    await vi.waitFor(() => first.kernel.last("state"));
    await first.kernel.ask("use_device", { device_kind: "microphone", device: "Headset" });

    const later = startWidget();
    plugged = [DESK];
    const asked: unknown[] = [];
    vi.spyOn(navigator.mediaDevices, "getUserMedia").mockImplementation(async (constraints) => {
      asked.push(((constraints?.audio ?? {}) as MediaTrackConstraints).deviceId);
      if (asked.length === 1) throw new DOMException("gone", "OverconstrainedError");
      const track = new FakeTrack("d1");
      return { getTracks: () => [track], getAudioTracks: () => [track] } as unknown as MediaStream;
    });
    void later.kernel.ask("connect");
    await vi.waitFor(() => expect(asked).toEqual([{ exact: "d2" }, undefined]));
    expect(JSON.parse(localStorage.getItem("rtc_widget.microphone") ?? "")).toEqual({ id: "d2", name: "Headset" });
  });
});

describe("the loudspeaker", () => {
  const REMEMBERED = JSON.stringify({ id: "s1", name: "Desk speaker" });
  const sink = () => vi.spyOn(HTMLMediaElement.prototype, "setSinkId").mockResolvedValue(undefined);
  const speak = (peer: FakePeer) => {
    const stream = new MediaStream();
    peer.dispatchEvent(Object.assign(new Event("track"), { track: new FakeTrack(), streams: [stream] }));
    return stream;
  };
  const audio = () => document.querySelector("audio");

  it("that Python names is used, and remembered by the browser", async () => {
    const setSinkId = sink();
    const { kernel } = await startCall();
    const reply = await kernel.ask("use_device", { device_kind: "speaker", device: "Desk speaker" });
    expect(setSinkId.mock.calls).toEqual([["s1"]]);
    expect(reply.result).toMatchObject({ devices: [{}, {}, { id: "s1", chosen: true }] });
    expect(localStorage.getItem("rtc_widget.speaker")).toBe(REMEMBERED);
    await kernel.ask("use_device", { device_kind: "speaker", device: null });
    expect(setSinkId.mock.calls.at(-1)).toEqual([""]);
    expect(localStorage.getItem("rtc_widget.speaker")).toBeNull();
  });

  it("that was remembered is used when a voice comes", async () => {
    localStorage.setItem("rtc_widget.speaker", REMEMBERED);
    const setSinkId = sink();
    const { peer } = await startCall();
    expect(setSinkId).not.toHaveBeenCalled();
    const stream = speak(peer());
    await vi.waitFor(() => expect(audio()?.srcObject).toBe(stream));
    expect(setSinkId.mock.calls).toEqual([["s1"]]);
  });

  it("that was remembered and is gone leaves the voice on the system's own, and stays remembered", async () => {
    localStorage.setItem("rtc_widget.speaker", REMEMBERED);
    sink().mockRejectedValue(new DOMException("gone", "NotFoundError"));
    const { peer } = await startCall();
    const stream = speak(peer());
    await vi.waitFor(() => expect(audio()?.srcObject).toBe(stream));
    expect(localStorage.getItem("rtc_widget.speaker")).toBe(REMEMBERED);
  });

  it("that cannot be used is refused in words, and not remembered", async () => {
    sink().mockRejectedValue(new DOMException("gone", "NotFoundError"));
    const { kernel } = await startCall();
    const { error } = await kernel.ask("use_device", { device_kind: "speaker", device: "Desk speaker" });
    expect(error).toMatchObject({ code: "speaker_not_selectable", hint: expect.stringContaining("plugged in") });
    expect(localStorage.getItem("rtc_widget.speaker")).toBeNull();
  });

  it("cannot be chosen where the browser lets no page choose, and that is said", async () => {
    const known = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "setSinkId");
    Object.defineProperty(HTMLMediaElement.prototype, "setSinkId", { value: undefined, configurable: true });
    onTestFinished(() => void Object.defineProperty(HTMLMediaElement.prototype, "setSinkId", known ?? {}));
    const { kernel, mount } = await startCall();
    const { element } = mount();
    await openMenus(element);
    expect(select(element, "speaker").disabled).toBe(true);
    const named = await kernel.ask("use_device", { device_kind: "speaker", device: "Desk speaker" });
    expect(named.error).toMatchObject({ code: "speaker_not_selectable", message: expect.stringContaining("browser") });
    const systems = await kernel.ask("use_device", { device_kind: "speaker", device: null });
    expect(systems.result).toBeDefined();
  });
});

describe("a call without a microphone", () => {
  it("sends nothing, asks for no permission, and says so", async () => {
    const { kernel, microphone, peer, mount } = startWidget();
    const { element } = mount();
    await vi.waitFor(() => kernel.last("state"));
    const reply = kernel.ask("connect", { microphone: false });
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    expect((await reply).result).toBeDefined();
    expect(peer().senders).toEqual([]);
    expect(microphone.tracks).toHaveLength(0);
    expect(kernel.states.at(-1)).toMatchObject({ status: "connected", receive_only: true });
    await vi.waitFor(() => expect(element.textContent).toContain("No microphone"));
    expect(element.querySelector<HTMLButtonElement>("[data-action=mute]")?.disabled).toBe(true);
  });

  it("is offered after a refusal, with help for this browser", async () => {
    const { kernel, microphone, mount } = startWidget();
    const { element } = mount();
    microphone.isPrompting = true;
    const reply = kernel.ask("connect");
    await vi.waitFor(() => microphone.refuse("NotAllowedError"));
    expect((await reply).error).toMatchObject({
      code: "microphone_denied",
      hint: expect.stringContaining("In Chrome"),
    });
    await vi.waitFor(() =>
      expect(element.querySelector(".rtc-help")?.getAttribute("href")).toContain("support.google.com"),
    );
    element.querySelector<HTMLButtonElement>(".rtc-error [data-action=listen]")?.click();
    await vi.waitFor(() => expect(FakePeer.all.at(-1)?.remoteDescription).not.toBeNull());
    expect(FakePeer.all.at(-1)?.senders).toEqual([]);
  });

  it("is what Python's microphone=False means", async () => {
    const { peer, microphone } = await startCall({ microphone: false });
    expect(peer().steps).toContain("addTransceiver audio recvonly");
    expect(peer().senders).toEqual([]);
    expect(microphone.tracks).toHaveLength(0);
  });

  it.each([
    { settings: {}, words: "Connect again to speak" },
    { settings: { microphone: false }, words: "Python made" },
  ])("says what a microphone chosen during it is good for ($words)", async ({ settings, words }) => {
    const started = startWidget({ setUp: (model) => Object.assign(model.traits, { settings }) });
    const { kernel, microphone, peer, mount } = started;
    const { element } = mount();
    await vi.waitFor(() => kernel.last("state"));
    const reply = kernel.ask("connect", { microphone: false });
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await reply;
    await openMenus(element);
    await vi.waitFor(() => expect(names(element, "microphone")).toContain("Headset"));
    const menu = select(element, "microphone");
    menu.value = "d2";
    menu.dispatchEvent(new Event("change"));
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")?.textContent).toContain(words));
    expect(element.querySelector(".rtc-error")?.getAttribute("data-ends-call")).toBe("false");
    expect(microphone.tracks).toHaveLength(0);
  });

  it("has a line to say clips on where Python's microphone is 'clips'", async () => {
    const { kernel, peer, microphone } = await startCall({ microphone: "clips" });
    expect(peer().steps).toContain("addTransceiver audio sendrecv");
    expect(microphone.tracks).toHaveLength(0);
    expect(kernel.states.at(-1)).toMatchObject({ receive_only: true });
  });
});

describe("before a call", () => {
  it("is said what the microphone is for and where the voice goes", () => {
    const { element } = startWidget().mount();
    const words = element.querySelector(".rtc-privacy")?.textContent;
    expect(words).toContain("only during a call");
    expect(words).toContain("Test server");
  });
});

describe("where there is nobody to call", () => {
  const startWithNobody = () => {
    const settings = { can_call: false };
    const started = startWidget({
      setUp: (model) => Object.assign(model.traits, { settings, progress: "Set a key." }),
    });
    const error = { code: "missing_key", message: "There is no voice server to call.", hint: "Set a key." };
    started.kernel.answers.prepare = { error };
    return started;
  };

  it("nothing is promised of the microphone, and no button offers a call", () => {
    const { element } = startWithNobody().mount();
    expect(element.querySelector(".rtc-privacy")).toBeNull();
    expect(element.querySelector("[data-action=listen]")).toBeNull();
    expect(element.querySelector<HTMLButtonElement>("[data-action=connect]")?.disabled).toBe(true);
    expect(element.querySelector(".rtc-progress")?.textContent).toBe("Set a key.");
  });

  it("Python's connect hears so, and no microphone is opened for it", async () => {
    const { kernel, microphone } = startWithNobody();
    expect((await kernel.ask("connect")).error).toMatchObject({ code: "missing_key" });
    expect(microphone.constraints).toBeUndefined();
  });
});

describe("while the browser asks for the microphone", () => {
  const ALLOW = "Allow the microphone in the browser's prompt.";
  const startAsking = async (state: PermissionState) => {
    vi.spyOn(navigator.permissions, "query").mockResolvedValue(permissionOf(state));
    const started = startWidget();
    await vi.waitFor(() => expect(started.kernel.states.at(-1)).toMatchObject({ microphone_permission: state }));
    started.microphone.isPrompting = true;
    const { element } = started.mount();
    const reply = started.kernel.ask("connect");
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(1));
    const activity = () => element.querySelector(".rtc-progress")?.textContent;
    return { ...started, activity, reply };
  };

  it("the person is told to look there, until there is an answer", async () => {
    const { microphone, activity } = await startAsking("prompt");
    await vi.waitFor(() => expect(activity()).toBe(ALLOW));
    microphone.allow();
    await vi.waitFor(() => expect(activity()).toBe(""));
  });

  it("the words go with a call that is given up", async () => {
    const { kernel, activity } = await startAsking("prompt");
    await vi.waitFor(() => expect(activity()).toBe(ALLOW));
    await kernel.ask("disconnect");
    await vi.waitFor(() => expect(activity()).toBe(""));
  });

  it("nothing is said where it is allowed already", async () => {
    const { activity } = await startAsking("granted");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(activity()).toBe("");
  });
});

describe("the permission for the microphone", () => {
  it("is followed while the person changes it in the browser's own settings", async () => {
    const permission = permissionOf("prompt");
    vi.spyOn(navigator.permissions, "query").mockResolvedValue(permission);
    const { kernel, life } = startWidget();
    await vi.waitFor(() => expect(kernel.states.at(-1)).toMatchObject({ microphone_permission: "prompt" }));
    for (const state of ["denied", "granted"] as const) {
      permission.become(state);
      await vi.waitFor(() => expect(kernel.states.at(-1)).toMatchObject({ microphone_permission: state }));
    }
    life.abort();
    const told = kernel.of("state").length;
    permission.become("denied");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(kernel.of("state")).toHaveLength(told);
  });
});

describe("what was said before the page was there", () => {
  it("is asked of the kernel, piece by piece, and shown as ended", async () => {
    const started = startWidget({ isListening: false });
    const { kernel, model, mount } = started;
    const { element } = mount();
    const item = (id: string, role: string, text: string) => [
      "received",
      1_795_286_400_000,
      JSON.stringify({ type: "conversation.item.added", item: { id, type: "message", role, content: [{ text }] } }),
    ];
    model.on("sent", (message: { type: string; id?: string; first?: number }) => {
      if (message.type !== "history") return;
      const isFirst = message.first === 0;
      const call = {
        attempt: "a0",
        resumes: false,
        events: [isFirst ? item("u", "user", "Hi") : item("m", "assistant", "Hello")],
      };
      kernel.reply(message as never, {
        result: { calls: [call], first: isFirst ? 0 : 1, next: isFirst ? 1 : 2, more: isFirst },
      });
    });
    kernel.welcome();
    await vi.waitFor(() =>
      expect([...element.querySelectorAll(".rtc-turn-text")].map(({ textContent }) => textContent)).toEqual([
        "Hi",
        "Hello",
      ]),
    );
    expect(element.querySelector(".rtc-new-call")?.textContent).toBe("Call ended");
  });
});
