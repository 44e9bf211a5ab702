/** A server in the same page, for tests with the browser's own WebRTC; only the kernel is a test double. */

import { afterEach, expect, vi } from "vitest";
import widget from "../src/index";
import { FakeKernel, FakeModel, type Message } from "./fakes";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A server in the same page: answers the offer, sends a tone, and has the other end of the data channel. */
export class LoopbackServer {
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
    // Chromium decodes only audio that is played.
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
    return this.#answer();
  }

  /** Answers another offer of the same call. */
  async answerAgain(sdp: string): Promise<string> {
    await this.connection.setRemoteDescription({ type: "offer", sdp });
    return this.#answer();
  }

  async #answer(): Promise<string> {
    const before = this.connection.localDescription?.sdp;
    await this.connection.setLocalDescription();
    // The gathering state stays `complete` from the first gathering until the next one starts.
    await vi.waitFor(() => expect(this.connection.localDescription?.sdp).not.toBe(before), { timeout: 5_000 });
    await vi.waitFor(() => expect(this.connection.iceGatheringState).toBe("complete"), { timeout: 5_000 });
    return this.connection.localDescription?.sdp ?? "";
  }

  close(): void {
    this.connection.close();
    void this.#audio.close();
  }
}

/** Starts a widget whose calls a loopback server answers. */
export function startLoopback(settings: Record<string, unknown> = {}) {
  const server = new LoopbackServer();
  const model = new FakeModel();
  Object.assign(model.traits, { settings });
  const kernel = new FakeKernel(model);
  kernel.answers.exchange = kernel.answers.renegotiate = "later";
  model.on("sent", async (message: Message) => {
    const sdp = String(message.sdp);
    if (message.type === "exchange") {
      kernel.reply(message, { result: { sdp: await server.answer(sdp), call_id: "loopback" } });
    }
    if (message.type === "renegotiate") kernel.reply(message, { result: { sdp: await server.answerAgain(sdp) } });
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
