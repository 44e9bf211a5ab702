import { describe, expect, it, vi } from "vitest";
import { startCall, startWidget } from "./fakes";

/** A stream that sounds as long as its gain is up, as a received one does. */
function soundingStream() {
  const context = new AudioContext();
  const output = new MediaStreamAudioDestinationNode(context);
  const gain = new GainNode(context, { gain: 0 });
  const tone = new OscillatorNode(context, { frequency: 440 });
  tone.connect(gain).connect(output);
  tone.start();
  return {
    stream: output.stream,
    setSounding: (isOn: boolean) => gain.gain.setValueAtTime(isOn ? 0.2 : 0, 0),
    context,
  };
}

describe("a server that does not report its audio", () => {
  it("is heard by the page, which tells the kernel", async () => {
    const { kernel, peer, channel, attempt, mount } = await startCall();
    const { element } = mount();
    const { stream, setSounding, context } = soundingStream();
    await context.resume();
    const [track] = stream.getAudioTracks();
    peer().dispatchEvent(Object.assign(new Event("track"), { track, streams: [stream] }));
    channel.receive({ type: "response.created", response: { id: "r1" } });
    setSounding(true);
    await vi.waitFor(() => kernel.last("sound"), { timeout: 10_000 });
    expect(kernel.last("sound")).toMatchObject({ attempt, speaker: "assistant", is_audible: true });
    expect(Math.abs(Number(kernel.last("sound").at_ms) - Date.now())).toBeLessThan(10_000);
    const response = kernel.model.sent.findIndex(({ type, events }) => type === "events" && `${events}`.includes("r1"));
    const sound = kernel.model.sent.findIndex(({ type }) => type === "sound");
    expect(response).toBeGreaterThan(-1);
    expect(response).toBeLessThan(sound); // the kernel knows what is heard
    await vi.waitFor(() => expect(element.querySelector("[data-speaking=assistant]")).toBeTruthy());
    setSounding(false);
    await vi.waitFor(() => expect(kernel.last("sound").is_audible).toBe(false), { timeout: 10_000 });
    expect(kernel.of("events").some(({ events }) => `${events}`.includes("output_audio_buffer"))).toBe(false);
    await context.close();
  });

  it("is played and measured from the open channel on, although its track came before", async () => {
    const { kernel, peer } = startWidget();
    await vi.waitFor(() => kernel.last("state"));
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    const { stream, setSounding, context } = soundingStream();
    await context.resume();
    let opened = 0;
    class CountedContext extends AudioContext {
      constructor(options?: AudioContextOptions) {
        super(options);
        opened += 1;
      }
    }
    vi.stubGlobal("AudioContext", CountedContext);
    const [track] = stream.getAudioTracks();
    peer().dispatchEvent(Object.assign(new Event("track"), { track, streams: [stream] }));
    const play = vi.spyOn(HTMLMediaElement.prototype, "play");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(opened).toBe(0);
    expect(play).not.toHaveBeenCalled();
    peer().open();
    await connecting;
    expect(opened).toBeGreaterThan(0);
    expect(play).toHaveBeenCalledTimes(1);
    setSounding(true);
    await vi.waitFor(() => kernel.last("sound"), { timeout: 10_000 });
    expect(kernel.last("sound")).toMatchObject({ speaker: "assistant", is_audible: true });
    vi.unstubAllGlobals();
    await context.close();
  });
});
