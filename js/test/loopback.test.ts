/** The same widget with nothing faked but the kernel: the browser's own WebRTC, and its fake microphone. */

import { afterEach, describe, expect, it, vi } from "vitest";
import widget from "../src/index";
import { FakeKernel, FakeModel, type Message } from "./fakes";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A server in the same page: answers the offer, sends a tone back, and holds the other end of the data channel. */
class LoopbackServer {
  readonly connection = new RTCPeerConnection();
  readonly received: string[] = [];
  channel: RTCDataChannel | undefined;
  readonly ear = new Audio();
  readonly #audio = new AudioContext();

  constructor() {
    this.connection.ondatachannel = ({ channel }) => {
      this.channel = channel;
      channel.onmessage = ({ data }) => this.received.push(String(data));
      channel.onopen = () => channel.send(JSON.stringify({ type: "session.created", session: {} }));
    };
    // Chromium decodes only what is played.
    this.connection.ontrack = ({ track }) => {
      this.ear.srcObject = new MediaStream([track]);
      void this.ear.play();
    };
  }

  async answer(sdp: string): Promise<string> {
    await this.connection.setRemoteDescription({ type: "offer", sdp });
    const speaker = this.#audio.createMediaStreamDestination();
    const tone = this.#audio.createOscillator();
    tone.connect(speaker);
    tone.start();
    for (const track of speaker.stream.getTracks()) this.connection.addTrack(track, speaker.stream);
    await this.connection.setLocalDescription();
    await vi.waitFor(() => expect(this.connection.iceGatheringState).toBe("complete"), { timeout: 5_000 });
    return this.connection.localDescription?.sdp ?? "";
  }

  close(): void {
    this.connection.close();
    void this.#audio.close();
  }
}

function start() {
  const server = new LoopbackServer();
  const model = new FakeModel();
  const kernel = new FakeKernel(model);
  kernel.answers.exchange = "later";
  model.on("sent", async (message: Message) => {
    if (message.type !== "exchange") return;
    kernel.reply(message, { result: { sdp: await server.answer(String(message.sdp)), call_id: "loopback" } });
  });
  const life = new AbortController();
  const { initialize } = widget();
  initialize({ model, signal: life.signal } as unknown as Parameters<typeof initialize>[0]);
  ends.push(
    () => life.abort(),
    () => server.close(),
  );
  return { server, kernel, model };
}

describe("a real call", () => {
  it("connects, carries voice and events both ways, and leaves nothing open", async () => {
    const { server, kernel } = start();
    const getUserMedia = vi.spyOn(navigator.mediaDevices, "getUserMedia");
    expect((await kernel.ask("connect")).result).toBeDefined();

    expect(kernel.statuses.at(-1)).toBe("connected");
    expect(kernel.last("exchange").sdp).toMatch(/^a=candidate:/m);
    expect(kernel.last("exchange").sdp).toMatch(/^a=sendrecv/m);

    await vi.waitFor(() => expect(JSON.stringify(kernel.of("events"))).toContain("session.created"));
    await kernel.ask("send", { events: ['{"type":"response.create"}'] });
    await vi.waitFor(() => expect(server.received).toEqual(['{"type":"response.create"}']));

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

  it("says that the server closed the call when it does", async () => {
    const { server, kernel } = start();
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

  it("says what the browser dislikes about an answer that is none", async () => {
    const { kernel, server } = start();
    vi.spyOn(server, "answer").mockResolvedValue("<html>502 Bad Gateway</html>");
    expect((await kernel.ask("connect")).error).toMatchObject({ code: "answer_invalid" });
  });
});
