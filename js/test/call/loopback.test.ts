/** Tests with the browser's own WebRTC and its fake microphone; only the kernel is a test double. */

import { describe, expect, it, vi } from "vitest";
import { Peer } from "../../src/call/peer";
import { now } from "../../src/page";
import type { Message } from "../fakes";
import { startLoopback } from "../loopback_server";

describe("a real call", () => {
  it("connects, carries voice and events both ways, and leaves nothing open", async () => {
    const { server, kernel } = startLoopback();
    const getUserMedia = vi.spyOn(navigator.mediaDevices, "getUserMedia");
    expect((await kernel.ask("connect")).result).toBeDefined();

    expect(kernel.statuses.at(-1)).toBe("connected");
    expect(kernel.last("exchange").sdp).toMatch(/^a=candidate:/m);
    expect(kernel.last("exchange").sdp).toMatch(/^a=sendrecv/m);

    await vi.waitFor(() => expect(JSON.stringify(kernel.of("events"))).toContain("session.created"), {
      timeout: 5_000,
    });
    await kernel.ask("send", { events: ['{"type":"response.create"}'] });
    await vi.waitFor(() => expect(server.received).toEqual(['{"type":"response.create"}']), { timeout: 5_000 });

    await vi.waitFor(
      async () => {
        const reports = [...(await server.connection.getStats()).values()];
        const inbound = reports.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
        expect(inbound?.totalAudioEnergy ?? 0).toBeGreaterThan(0); // the fake microphone beeps
      },
      { timeout: 5_000 },
    );
    const audio = document.querySelector("audio");
    await vi.waitFor(() => expect(audio?.currentTime ?? 0).toBeGreaterThan(0), { timeout: 5_000 });

    const stream = await getUserMedia.mock.results[0]?.value;
    await kernel.ask("disconnect");
    expect(stream.getTracks().map((track: MediaStreamTrack) => track.readyState)).toEqual(["ended"]);
    expect(audio?.srcObject).toBeNull();
    expect(kernel.of("hang_up")).toHaveLength(1);
    expect(kernel.states.at(-1)).toMatchObject({
      status: "idle",
      connection_state: "closed",
      data_channel_state: "closed",
    });
  });

  it("knows when the last sound came, on the time base of the events", async () => {
    const accept = vi.spyOn(Peer.prototype, "accept");
    const { kernel } = startLoopback();
    await kernel.ask("connect");
    const peer = accept.mock.contexts[0];
    if (!(peer instanceof Peer)) throw new Error("There is no peer");
    await vi.waitFor(() => expect(peer.lastAudioMs).toBeDefined(), { timeout: 5_000 });
    const before = now();
    // New sound, not only the first.
    await vi.waitFor(() => expect(peer.lastAudioMs).toBeGreaterThan(before), { timeout: 5_000 });
  });

  it("says that the server closed the call when it does", async () => {
    const { server, kernel } = startLoopback();
    await kernel.ask("connect");
    server.connection.close();
    await vi.waitFor(
      () =>
        expect(kernel.states.at(-1)?.error).toMatchObject({
          code: "server_hung_up",
          message: "The server closed the call.",
        }),
      { timeout: 5_000 },
    );
  });

  it("finds a new way when it is told that the old one has failed", async () => {
    const connections = watchConnections();
    const { server, kernel, model } = startLoopback();
    kernel.answers.prepare = {
      result: { data_channel_label: "oai-events", ice_servers: [], renegotiates: true },
    };
    await kernel.ask("connect");
    const [connection] = connections;
    // A page cannot cut its own connection, so the test reports the state `failed`; the browser does the rest.
    model.on("sent", ({ type }: Message) => {
      if (type === "renegotiate") Reflect.deleteProperty(connection ?? {}, "connectionState");
    });
    Object.defineProperty(connection, "connectionState", { configurable: true, value: "failed" });
    connection?.dispatchEvent(new Event("connectionstatechange"));
    expect(kernel.statuses.at(-1)).toBe("reconnecting");
    await vi.waitFor(() => expect(kernel.of("renegotiate")).toHaveLength(1), { timeout: 5_000 });
    await vi.waitFor(() => expect(kernel.statuses.at(-1)).toBe("connected"), { timeout: 5_000 });
    const [first, second] = [kernel.last("exchange"), kernel.last("renegotiate")].map(({ sdp }) => String(sdp));
    expect(ufragOf(second)).not.toBe(ufragOf(first));
    expect(second).toMatch(/^a=candidate:/m);
    await vi.waitFor(async () => expect(await ufragInUse(connection)).toBe(ufragOf(second)), { timeout: 5_000 });

    await kernel.ask("send", { events: ['{"type":"response.create"}'] });
    await vi.waitFor(() => expect(server.received).toEqual(['{"type":"response.create"}']), { timeout: 5_000 });
    expect(connections).toHaveLength(1);
    expect(kernel.of("hang_up")).toHaveLength(0);
  });

  it("says what the browser dislikes about an answer that is none", async () => {
    const { kernel, server } = startLoopback();
    vi.spyOn(server, "answer").mockResolvedValue("<html>502 Bad Gateway</html>");
    expect((await kernel.ask("connect")).error).toMatchObject({ code: "invalid_answer" });
  });
});

/** Records the connections that the widget creates from now on; the server creates its own without a configuration. */
function watchConnections(): RTCPeerConnection[] {
  const made: RTCPeerConnection[] = [];
  const Native = RTCPeerConnection;
  class Watched extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      if (configuration) made.push(this);
    }
  }
  vi.stubGlobal("RTCPeerConnection", Watched);
  return made;
}

function ufragOf(sdp: string | undefined): string | undefined {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp ?? "")?.[1];
}

/** Returns the ICE username fragment of the selected candidate pair. */
async function ufragInUse(connection: RTCPeerConnection | undefined): Promise<unknown> {
  const reports = [...((await connection?.getStats())?.values() ?? [])];
  const transport = reports.find(({ type }) => type === "transport");
  const pair = reports.find(({ id }) => id === transport?.selectedCandidatePairId);
  return reports.find(({ id }) => id === pair?.localCandidateId)?.usernameFragment;
}
