/** Recordings, clips and statistics with the browser's own audio and WebRTC. */

import { describe, expect, it, vi } from "vitest";
import { fromBase64, toBase64 } from "../../src/comm/pcm";
import { Recorder } from "../../src/media/recorder";
import type { FakeKernel, Message } from "../fakes";
import { startLoopback } from "../loopback_server";

const RATE = 24_000;
const PATIENT = { timeout: 8_000 };

const heardFrom = (kernel: FakeKernel, track: string) => kernel.of("audio").filter((piece) => piece.track === track);
const samplesOf = (pieces: Message[]) => pieces.flatMap(({ data }) => [...fromBase64(String(data))]);
const peak = (samples: readonly number[]) => samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Returns the strongest frequency of a piece of audio, in hertz. */
function strongest(samples: readonly number[]): number {
  let [found, most] = [0, -1];
  for (let hertz = 100; hertz <= 1_000; hertz += 5) {
    const turn = (2 * Math.PI * hertz) / RATE;
    let [real, imaginary] = [0, 0];
    for (const [at, sample] of samples.entries()) {
      real += sample * Math.cos(turn * at);
      imaginary += sample * Math.sin(turn * at);
    }
    const power = real * real + imaginary * imaginary;
    if (power > most) [found, most] = [hertz, power];
  }
  return found;
}

/** Returns the pitch of a tone in hertz: the median over tenths of a second, which lost samples do not shift. */
function pitch(samples: readonly number[]): number {
  const size = RATE / 10;
  const count = Math.floor(samples.length / size);
  const found = Array.from({ length: count }, (_, n) => strongest(samples.slice(n * size, (n + 1) * size)));
  return found.sort((one, other) => one - other)[Math.floor(count / 2)] ?? Number.NaN;
}

function tone(seconds: number, hertz: number): string {
  return toBase64(
    Int16Array.from({ length: seconds * RATE }, (_, at) => 12_000 * Math.sin((2 * Math.PI * hertz * at) / RATE)),
  );
}

/** Returns the level of the audio that the server receives, as [milliseconds, root mean square], every 10 ms. */
function listenAt(server: ReturnType<typeof startLoopback>["server"]) {
  const levels: [number, number][] = [];
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 512 });
  const stream = server.ear.srcObject as MediaStream;
  new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    levels.push([performance.timeOrigin + performance.now(), Math.hypot(...samples) / Math.sqrt(samples.length)]);
  }, 10);
  const loud = () => levels.filter(([, level]) => level > 0.02).map(([at]) => at);
  const stop = () => {
    clearInterval(timer);
    return context.close();
  };
  return { loud, stop };
}

/** Simulates a browser in which some audio contexts cannot use a track as a source. */
function refuseSources(isRefused: (context: BaseAudioContext) => boolean, name: string) {
  const Native = globalThis.MediaStreamAudioSourceNode;
  class Refusing extends Native {
    constructor(context: AudioContext, options: MediaStreamAudioSourceOptions) {
      if (isRefused(context)) throw new DOMException("refused", name);
      super(context, options);
    }
  }
  vi.stubGlobal("MediaStreamAudioSourceNode", Refusing);
}

describe("a recording", () => {
  it("holds what comes from the other side, and what is sent, beside each other on one clock", async () => {
    const { kernel } = startLoopback({ record: true });
    await kernel.ask("connect");
    await vi.waitFor(() => {
      expect(heardFrom(kernel, "assistant").length).toBeGreaterThan(6);
      expect(heardFrom(kernel, "user").length).toBeGreaterThan(1); // the fake microphone beeps once a second
    }, PATIENT);
    const assistant = heardFrom(kernel, "assistant");
    expect(assistant.every(({ rate }) => rate === RATE)).toBe(true);
    // The server's tone is the oscillator's own 440 Hz.
    const whole = samplesOf(assistant.slice(3));
    expect(pitch(whole)).toBeGreaterThan(430);
    expect(pitch(whole)).toBeLessThan(450);
    // The pieces have no gaps between them, on the page's clock.
    const [first, last] = [assistant[2], assistant.at(-1)];
    const between = samplesOf(assistant.slice(2, -1)).length / RATE;
    expect(Math.abs((Number(last?.at_ms) - Number(first?.at_ms)) / 1_000 - between)).toBeLessThan(0.03);
    const nowMs = performance.timeOrigin + performance.now();
    expect(nowMs - Number(last?.at_ms)).toBeLessThan(30_000); // the same time base, however late it is read
    // Audio of both sides from the same moment has the same time.
    const times = new Set(assistant.map(({ at_ms }) => at_ms));
    expect(heardFrom(kernel, "user").some(({ at_ms }) => times.has(at_ms))).toBe(true);
    expect(kernel.of("audio").every(({ lost }) => lost === 0)).toBe(true);
  });

  it("begins and ends when Python says so, in the middle of a call", async () => {
    const { kernel, model } = startLoopback();
    await kernel.ask("connect");
    await pause(500);
    expect(kernel.of("audio")).toHaveLength(0);
    model.setTrait("settings", { record: true });
    await vi.waitFor(() => expect(heardFrom(kernel, "assistant").length).toBeGreaterThan(2), PATIENT);
    model.setTrait("settings", { record: false });
    expect((await kernel.ask("flush_audio")).result).toEqual({});
    const count = kernel.of("audio").length;
    await pause(500);
    expect(kernel.of("audio")).toHaveLength(count);
  });

  it("has everything up to a flush", async () => {
    const { kernel } = startLoopback({ record: true });
    await kernel.ask("connect");
    await vi.waitFor(() => expect(heardFrom(kernel, "assistant").length).toBeGreaterThan(2), PATIENT);
    // A piece that leaves by itself is whole. The time of a flush rarely is that of the end of a piece.
    const lengths = () => kernel.of("audio").map(({ data }) => fromBase64(String(data)).length);
    const whole = lengths()[2] ?? 0;
    await vi.waitFor(async () => {
      await pause(30);
      await kernel.ask("flush_audio");
      expect(lengths().at(-1)).toBeLessThan(whole);
    }, PATIENT);
  });

  it("is silent where the microphone is muted", async () => {
    const { kernel } = startLoopback({ record: true });
    await kernel.ask("connect");
    await kernel.ask("mute", { muted: true });
    await kernel.ask("flush_audio");
    const before = heardFrom(kernel, "user").length;
    await pause(2_500); // more than one beep
    await kernel.ask("flush_audio");
    expect(peak(samplesOf(heardFrom(kernel, "user").slice(before)))).toBe(0);
    expect(peak(samplesOf(heardFrom(kernel, "assistant").slice(-3)))).toBeGreaterThan(1_000);
  });

  it("says why when the host lets the page load no worklet, and the call goes on", async () => {
    vi.spyOn(AudioWorklet.prototype, "addModule").mockRejectedValue(new DOMException("blocked by CSP", "AbortError"));
    const { kernel } = startLoopback({ record: true });
    await kernel.ask("connect");
    expect((await kernel.ask("flush_audio")).error).toMatchObject({ code: "recording_unavailable" });
    expect(kernel.states.at(-1)?.status).toBe("connected");
    await kernel.ask("disconnect");
    expect((await kernel.ask("flush_audio")).error).toMatchObject({ code: "recording_unavailable" });
  });

  it("is made at the browser's own rate where the browser hears no track of another", async () => {
    refuseSources((context) => context.sampleRate === RATE, "NotSupportedError");
    const { kernel } = startLoopback({ record: true });
    await kernel.ask("connect");
    await vi.waitFor(() => expect(heardFrom(kernel, "assistant").length).toBeGreaterThan(2), PATIENT);
    expect(kernel.last("audio").rate).not.toBe(RATE);
    expect((await kernel.ask("flush_audio")).result).toEqual({});
  });

  it("says why when the browser lets no track be heard", async () => {
    refuseSources(() => true, "NotSupportedError");
    const told: unknown[] = [];
    const recorder = new Recorder(
      () => {},
      ({ code }) => told.push(code),
    );
    recorder.setOn(true);
    recorder.begin("a1");
    const context = new AudioContext();
    recorder.setTrack("user", new MediaStreamAudioDestinationNode(context).stream.getAudioTracks()[0] ?? null);
    await vi.waitFor(() => expect(told).toEqual(["recording_unavailable"]), PATIENT);
    recorder.end();
    await recorder.flush();
    await context.close();
  });

  it("ends with the call: nothing goes on listening", async () => {
    const closed = vi.spyOn(AudioContext.prototype, "close");
    const { kernel } = startLoopback({ record: true });
    await kernel.ask("connect");
    await vi.waitFor(() => expect(heardFrom(kernel, "assistant").length).toBeGreaterThan(1), PATIENT);
    await kernel.ask("disconnect");
    // The graph that records, and the one that measures.
    await vi.waitFor(() => expect(new Set(closed.mock.contexts).size).toBe(2), PATIENT);
    const count = kernel.of("audio").length;
    await pause(500);
    expect(kernel.of("audio")).toHaveLength(count);
  });
});

describe("a clip that is said", () => {
  it("is heard by the server for as long as it lasts, in place of the microphone", async () => {
    const { kernel, server } = startLoopback({ microphone: "clips" });
    const getUserMedia = vi.spyOn(navigator.mediaDevices, "getUserMedia");
    kernel.clips.c1 = { rate: RATE, parts: [tone(0.5, 700), tone(0.5, 700)] };
    await kernel.ask("connect");
    const ear = listenAt(server);
    const { result } = await kernel.ask("play_clip", { clip: "c1" });
    await vi.waitFor(() => expect((ear.loud().at(-1) ?? 0) - (ear.loud()[0] ?? 0)).toBeGreaterThan(600), PATIENT);
    await ear.stop();
    const { start_ms: start, end_ms: end } = result as { start_ms: number; end_ms: number };
    expect(end - start).toBeCloseTo(1_000, 0);
    const loud = ear.loud();
    // The network and the server's jitter buffer add a delay, which a busy machine makes longer.
    expect((loud[0] ?? 0) - start).toBeGreaterThan(-30);
    expect((loud.at(-1) ?? 0) - (loud[0] ?? 0)).toBeGreaterThan(600);
    expect(getUserMedia).not.toHaveBeenCalled();
  });

  it("is followed by a second of silence, then by the microphone", async () => {
    const { kernel, server } = startLoopback();
    kernel.clips.c1 = { rate: RATE, parts: [tone(0.3, 700)] };
    await kernel.ask("connect");
    const ear = listenAt(server);
    await vi.waitFor(() => expect(ear.loud().length).toBeGreaterThan(0), PATIENT); // a beep
    const replaceTrack = vi.spyOn(RTCRtpSender.prototype, "replaceTrack");
    const { result } = await kernel.ask("play_clip", { clip: "c1" });
    await vi.waitFor(() => expect(replaceTrack).toHaveBeenCalledTimes(2), PATIENT);
    const backMs = performance.timeOrigin + performance.now();
    expect(backMs - Number((result as { end_ms: number }).end_ms)).toBeGreaterThan(900);
    await vi.waitFor(() => expect(ear.loud().at(-1)).toBeGreaterThan(backMs), PATIENT);
    await ear.stop();
  });

  it("waits for the one before it", async () => {
    const { kernel } = startLoopback({ microphone: "clips" });
    kernel.clips.c1 = { rate: RATE, parts: [tone(0.4, 700)] };
    await kernel.ask("connect");
    const [one, other] = await Promise.all([
      kernel.ask("play_clip", { clip: "c1" }),
      kernel.ask("play_clip", { clip: "c1" }),
    ]);
    expect(Number((other.result as Message).start_ms)).toBeGreaterThanOrEqual(
      Number((one.result as Message).end_ms) - 20,
    );
  });

  it("can be cut off", async () => {
    const { kernel } = startLoopback({ microphone: "clips" });
    kernel.clips.c1 = { rate: RATE, parts: [tone(30, 700)] };
    await kernel.ask("connect");
    const saying = kernel.ask("play_clip", { clip: "c1" });
    await pause(300);
    await kernel.ask("cancel_clip", { clip: "c1" });
    expect((await saying).error).toMatchObject({ code: "clip_interrupted", message: "The clip was cut off." });
  });

  it("is told when the call ends before it does", async () => {
    const { kernel } = startLoopback({ microphone: "clips" });
    kernel.clips.c1 = { rate: RATE, parts: [tone(30, 700)] };
    await kernel.ask("connect");
    const saying = kernel.ask("play_clip", { clip: "c1" });
    await pause(300);
    await kernel.ask("disconnect");
    expect((await saying).error).toMatchObject({ code: "clip_interrupted" });
  });

  it("needs a call, and a kernel that has it", async () => {
    const { kernel } = startLoopback({ microphone: "clips" });
    expect((await kernel.ask("play_clip", { clip: "c1" })).error).toMatchObject({ code: "not_connected" });
    await kernel.ask("connect");
    expect((await kernel.ask("play_clip", { clip: "c1" })).error).toMatchObject({ code: "clip_not_found" });
  });
});

describe("a clip as the microphone", () => {
  it("is heard once the call stands; the browser is asked for no microphone", async () => {
    const { kernel, server } = startLoopback({ microphone: { clip: "c9" }, record: true });
    const getUserMedia = vi.spyOn(navigator.mediaDevices, "getUserMedia");
    kernel.clips.c9 = { rate: RATE, parts: [tone(1, 600)] };
    await kernel.ask("connect");
    const ear = listenAt(server);
    const span = () => (ear.loud().at(-1) ?? 0) - (ear.loud()[0] ?? 0);
    await vi.waitFor(() => expect(span()).toBeGreaterThan(700), PATIENT);
    await pause(1_300); // the clip is over
    await ear.stop();
    await kernel.ask("flush_audio");
    expect(getUserMedia).not.toHaveBeenCalled();
    expect(kernel.states.at(-1)).toMatchObject({ receive_only: false, microphone_permission: "granted" });
    // The recording has the sent audio, followed by silence.
    const user = samplesOf(heardFrom(kernel, "user"));
    expect(user.filter((sample) => Math.abs(sample) > 100).length / RATE).toBeGreaterThan(0.7);
    expect(heardFrom(kernel, "user").length).toBeLessThan(9);
  });

  it("that cannot be spoken is told of, and the call goes on without a voice", async () => {
    const { kernel, server } = startLoopback({ microphone: { clip: "c9" } });
    kernel.clips.c9 = { rate: RATE, parts: [""] };
    await kernel.ask("connect");
    await vi.waitFor(() => expect(kernel.states.at(-1)?.error).toMatchObject({ code: "clip_failed" }), PATIENT);
    expect(kernel.states.at(-1)).toMatchObject({ status: "connected" });
    await kernel.ask("send", { events: ['{"type":"response.create"}'] });
    await vi.waitFor(() => expect(server.received).toEqual(['{"type":"response.create"}']), PATIENT);
    kernel.clips.c1 = { rate: RATE, parts: [tone(0.2, 700)] };
    expect((await kernel.ask("play_clip", { clip: "c1" })).result).toBeDefined();
    kernel.clips.c2 = { rate: 7, parts: [tone(0.2, 700)] };
    expect((await kernel.ask("play_clip", { clip: "c2" })).error).toMatchObject({ code: "clip_failed" });
  });

  it("that the kernel does not have is why there is no call", async () => {
    const { kernel } = startLoopback({ microphone: { clip: "c9" } });
    expect((await kernel.ask("connect")).error).toMatchObject({ code: "clip_not_found" });
  });
});

describe("the statistics of a real call", () => {
  it("come with the reports of the W3C", async () => {
    const { kernel } = startLoopback({ stats_interval: 0.2 });
    const { result } = await kernel.ask("connect");
    await vi.waitFor(() => expect(kernel.of("stats").length).toBeGreaterThan(5), PATIENT);
    const { reports, attempt, time_ms } = kernel.last("stats");
    expect(attempt).toBe((result as Message).attempt);
    expect(Math.abs(performance.timeOrigin + performance.now() - Number(time_ms))).toBeLessThan(30_000);
    const types = (reports as Message[]).map(({ type }) => type);
    for (const type of ["inbound-rtp", "outbound-rtp", "candidate-pair", "transport", "codec", "media-source"]) {
      expect(types).toContain(type);
    }
  });
});
