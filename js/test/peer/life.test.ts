import { describe, expect, it, vi } from "vitest";
import { Deferred } from "../../src/async";
import { MAX_OPEN_PEERS } from "../../src/peer/open_peers";
import { connectedPair, DrivenPeer, negotiate, newPeer } from "./peers";

/** Collects the tracks of all microphones that are opened. */
function spyOnMicrophone(permission: Promise<void> = Promise.resolve()) {
  const tracks: MediaStreamTrack[] = [];
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const spy = vi.spyOn(navigator.mediaDevices, "getUserMedia").mockImplementation(async (constraints) => {
    await permission;
    const stream = await open(constraints);
    tracks.push(...stream.getTracks());
    return stream;
  });
  return { tracks, spy };
}

const states = (tracks: readonly MediaStreamTrack[]) => tracks.map(({ readyState }) => readyState);

describe("a peer connection", () => {
  it("is not made by a widget that is only shown", async () => {
    const construct = vi.fn();
    vi.stubGlobal("RTCPeerConnection", construct);
    const peer = new DrivenPeer();
    peer.mount();
    await peer.until(() => expect(peer.kernel.of("hello")).toHaveLength(1));
    expect(construct).not.toHaveBeenCalled();
  });

  it("is unknown on a page that has not made it, or has made another one since", async () => {
    const peer = new DrivenPeer();
    expect(await peer.fail("create_offer")).toMatchObject({ code: "peer_not_found" });
    await peer.create();
    const first = peer.id;
    await peer.call("close");
    await peer.create();
    expect(peer.id).not.toBe(first);
    peer.id = first;
    expect(await peer.fail("create_offer")).toMatchObject({ code: "peer_not_found" });
  });

  it("stays the same one when Python creates it again, because it has given up the first time", async () => {
    const peer = await newPeer();
    const first = peer.id;
    await peer.create();
    expect(peer.id).toBe(first);
    expect(peer.operations.map(({ op }) => op)).toEqual(["create", "create"]); // called and settled
    expect((await peer.call("create_offer")).type).toBe("offer");
  });

  it("is closed without its name by a kernel that has not waited for it", async () => {
    const peer = await newPeer();
    peer.id = "";
    await peer.call("close");
    expect(peer.pc.connection_state).toBe("closed");
  });

  it("is the ninth and refused, until one of the eight is closed", async () => {
    const peers: DrivenPeer[] = [];
    for (let count = 0; count < MAX_OPEN_PEERS; count++) peers.push(await newPeer());
    const ninth = new DrivenPeer();
    expect(await ninth.fail("create", { configuration: {} })).toMatchObject({ code: "too_many_peers" });
    await peers[3]?.call("close");
    await ninth.create();
    peers[5]?.life.abort();
    await newPeer();
  });
});

describe("the microphone", () => {
  it("is asked for with the given constraints, and released by close", async () => {
    const { tracks, spy } = spyOnMicrophone();
    const peer = await newPeer();
    const media = { kind: "microphone", constraints: { echo_cancellation: false } };
    expect(await peer.call("add_track", { media })).toEqual({ sender: "sender:1", transceiver: "transceiver:1" });
    expect(spy.mock.calls[0]?.[0]?.audio).toMatchObject({ echoCancellation: false, noiseSuppression: true });
    expect(states(tracks)).toEqual(["live"]);
    await peer.call("close");
    expect(states(tracks)).toEqual(["ended"]);
    expect(peer.pc).toMatchObject({ signaling_state: "closed", connection_state: "closed" });
    expect(peer.objects["track:1"]?.ready_state).toBe("ended");
  });

  it("is released when no sender uses it any more", async () => {
    const { tracks } = spyOnMicrophone();
    const peer = await newPeer();
    await peer.call("add_track", { media: { kind: "microphone" } });
    await peer.call("replace_track", { sender: "sender:1", media: { kind: "silence" } });
    expect(states(tracks)).toEqual(["ended"]);
    await peer.call("replace_track", { sender: "sender:1", media: { kind: "microphone" } });
    await peer.call("remove_track", { sender: "sender:1" });
    expect(states(tracks)).toEqual(["ended", "ended"]);
    await peer.call("add_transceiver", { kind: "audio", media: { kind: "microphone" } });
    await peer.call("stop_transceiver", { transceiver: "transceiver:2" });
    expect(states(tracks)).toEqual(["ended", "ended", "ended"]);
  });

  it("is released when the other side stops its transceiver", async () => {
    const { tracks } = spyOnMicrophone();
    const peer = await newPeer();
    const other = await newPeer();
    await peer.call("add_track", { media: { kind: "microphone" } });
    await negotiate(peer, other);
    expect(states(tracks)).toEqual(["live"]);
    await other.call("stop_transceiver", { transceiver: "transceiver:1" });
    await negotiate(other, peer);
    expect(peer.pc.transceivers).toEqual([]);
    expect(states(tracks)).toEqual(["ended"]);
  });

  it("is released when a rollback removes its transceiver", async () => {
    const { tracks } = spyOnMicrophone();
    const peer = await newPeer();
    const other = await newPeer();
    await other.call("add_transceiver", { kind: "audio" });
    await peer.call("set_remote_description", { description: await other.call("create_offer") });
    await peer.call("replace_track", { sender: "sender:1", media: { kind: "microphone" } });
    expect(states(tracks)).toEqual(["live"]);
    await peer.call("set_remote_description", { description: { type: "rollback" } });
    expect(peer.pc.transceivers).toEqual([]);
    expect(states(tracks)).toEqual(["ended"]);
  });

  it("is released when the permission comes after close, and the operation is refused", async () => {
    const permission = new Deferred<void>();
    const { tracks } = spyOnMicrophone(permission.promise);
    const peer = await newPeer();
    const adding = peer.ask("add_track", { media: { kind: "microphone" } });
    await peer.until(() => expect(peer.operations.at(-1)).toMatchObject({ op: "add_track", phase: "called" }));
    await peer.call("close");
    expect((await adding).error).toMatchObject({ code: "InvalidStateError" });
    permission.resolve();
    await peer.until(() => expect(states(tracks)).toEqual(["ended"]));
  });

  it.each([
    ["add_track", {}],
    ["add_transceiver", { kind: "audio" }],
  ])("is released when the permission comes after Python has given up %s, and nothing is added", async (op, args) => {
    const permission = new Deferred<void>();
    const { tracks } = spyOnMicrophone(permission.promise);
    const peer = await newPeer();
    const reply = await peer.askAndCancel(op, { ...args, media: { kind: "microphone" } }, () =>
      peer.until(() => expect(peer.operations.at(-1)).toMatchObject({ op, phase: "called" })),
    );
    expect(reply.error).toMatchObject({ code: "OperationError" });
    permission.resolve();
    await peer.until(() => expect(states(tracks)).toEqual(["ended"]));
    await peer.call("create_offer");
    expect(peer.pc.transceivers).toEqual([]);
  });

  it("is released, and its sender with it, when Python has given up before it had the reply", async () => {
    const { tracks } = spyOnMicrophone();
    const peer = await newPeer();
    await peer.askAndCancel("add_track", { media: { kind: "microphone" } }, () =>
      peer.until(() => expect(peer.operations.at(-1)).toMatchObject({ op: "add_track", phase: "settled" })),
    );
    expect(states(tracks)).toEqual(["ended"]);
    await peer.call("create_offer");
    expect(peer.objects["sender:1"]?.track).toBeNull();
  });

  it("stays open when another request is given up", async () => {
    const { tracks } = spyOnMicrophone();
    const peer = await newPeer();
    await peer.call("add_track", { media: { kind: "microphone" } });
    await peer.askAndCancel("create_offer", {}, async () => {});
    expect(states(tracks)).toEqual(["live"]);
  });

  it("is not opened for a closed connection", async () => {
    const { spy } = spyOnMicrophone();
    const peer = await newPeer();
    await peer.call("close");
    expect(await peer.fail("add_track", { media: { kind: "microphone" } })).toMatchObject({
      code: "InvalidStateError",
      message: "The RTCPeerConnection's signalingState is 'closed'.",
    });
    expect(spy).not.toHaveBeenCalled();
  });

  it("is refused with the browser's own name and words", async () => {
    vi.spyOn(navigator.mediaDevices, "getUserMedia").mockRejectedValue(
      new DOMException("Permission denied", "NotAllowedError"),
    );
    const peer = await newPeer();
    expect(await peer.fail("add_track", { media: { kind: "microphone" } })).toEqual({
      code: "NotAllowedError",
      message: "Permission denied",
      hint: "",
    });
  });
});

describe("a clip of the kernel", () => {
  it("is fetched, and heard by the other side once both are connected", async () => {
    const samples = Int16Array.from({ length: 24_000 }, (_, index) => 8_000 * Math.sin(index / 8));
    const data = btoa(String.fromCharCode(...new Uint8Array(samples.buffer).subarray(0, 48_000)));
    const { answerer } = await connectedPair((peer) => {
      peer.kernel.clips.c1 = { rate: 24_000, parts: [data] };
      return peer.call("add_track", { media: { kind: "clip", clip: "c1" } });
    });
    const energy = async () => {
      const { reports } = await answerer.call("get_stats", { of: "receiver:1" });
      const inbound = (reports as Record<string, unknown>[]).find(({ type }) => type === "inbound-rtp");
      return Number(inbound?.totalAudioEnergy ?? 0);
    };
    await expect.poll(energy, { timeout: 20_000 }).toBeGreaterThan(0.001);
  });

  it("that the kernel has no more is refused, and leaves no sender behind", async () => {
    const peer = await newPeer();
    expect(await peer.fail("add_track", { media: { kind: "clip", clip: "gone" } })).toMatchObject({
      code: "clip_not_found",
    });
    expect(peer.pc.senders).toEqual([]);
  });
});

describe("the end", () => {
  it("comes with the page, which says goodbye after the last events", async () => {
    const { tracks } = spyOnMicrophone();
    const peer = await newPeer();
    await peer.call("add_track", { media: { kind: "microphone" } });
    dispatchEvent(new PageTransitionEvent("pagehide"));
    expect(states(tracks)).toEqual(["ended"]);
    expect(peer.kernel.model.sent.at(-1)?.type).toBe("goodbye");
    expect(peer.operations.at(-1)).toEqual({ call: 3, op: "close", phase: "settled" });
    expect(peer.pc.connection_state).toBe("closed");
  });

  it("comes with the widget", async () => {
    const { offerer, answerer } = await connectedPair();
    // The last candidates may still be added.
    await offerer.until(() => expect(offerer.model.listenerCount("sent")).toBe(2));
    offerer.life.abort();
    expect(offerer.model.sent.at(-1)?.type).toBe("goodbye");
    expect(offerer.model.listenerCount()).toBe(2); // those of the test doubles
    await answerer.until(() => expect(answerer.objects["dtls:1"]?.state).toBe("closed"));
  });

  it("comes with the kernel, and the view says so", async () => {
    const { tracks } = spyOnMicrophone();
    const peer = await newPeer();
    const { element } = peer.mount();
    await peer.call("add_track", { media: { kind: "microphone" } });
    peer.model.trigger("comm_live_update");
    expect(states(tracks)).toEqual(["ended"]);
    await peer.until(() => expect(element.textContent).toContain("The kernel restarted or died"));
  });

  it("comes when no view has shown it for a while, and says why", async () => {
    const peer = await newPeer({}, { view_timeout: 0.05 });
    const { unmount } = peer.mount();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(peer.pc.connection_state).toBe("new");
    unmount();
    await peer.until(() => expect(peer.pc.connection_state).toBe("closed"));
    expect(peer.operations.at(-2)).toEqual({ call: 2, op: "close", phase: "called", reason: "no_view" });
  });

  it("does not come where there never was a view", async () => {
    const peer = await newPeer({}, { view_timeout: 0.01 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await peer.call("create_offer")).type).toBe("offer");
  });
});
