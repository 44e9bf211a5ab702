import { describe, expect, it, vi } from "vitest";
import { userEvent } from "vitest/browser";
import "../../src/ui/styles/index.css";
import { InputCheck, SILENT_MS } from "../../src/call/input_check";
import { Interruption } from "../../src/call/interruption";
import { LevelMeter, type Levels, levelOf } from "../../src/media/level_meter";
import { LIVE } from "../../src/protocols/live/protocol";
import { clockTime } from "../../src/ui/meters";
import { startCall } from "../fakes";

const part = (root: Element, selector: string) => {
  const found = root.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`There is no ${selector}`);
  return found;
};
const types = (sent: readonly string[]) => sent.map((text) => JSON.parse(text).type as string);
const SPEAKS = [
  { type: "response.created", response: { id: "r1" } },
  { type: "output_audio_buffer.started", response_id: "r1" },
];
const ENDS = { type: "response.done", response: { id: "r1", status: "cancelled", output: [] } };

/** A call in which the voice speaks. */
async function startVoice(settings: Record<string, unknown> = {}) {
  const started = await startCall(settings);
  const { element } = started.mount();
  for (const event of SPEAKS) started.channel.receive(event);
  await vi.waitFor(() => part(element, "[data-action=stop]"));
  return { ...started, element };
}

describe("Stop", () => {
  it("is there while the voice speaks, and stops it", async () => {
    const { channel, element } = await startVoice();
    part(element, "[data-action=stop]").click();
    await vi.waitFor(() => expect(types(channel.sent)).toEqual(["response.cancel", "output_audio_buffer.clear"]));
    channel.receive(ENDS);
    channel.receive({ type: "output_audio_buffer.cleared", response_id: "r1" });
    await vi.waitFor(() => expect(element.querySelector("[data-action=stop]")).toBeNull());
  });

  it("only silences a response that is complete already", async () => {
    const { channel, element } = await startVoice();
    channel.receive({ ...ENDS, response: { ...ENDS.response, status: "completed" } });
    part(element, "[data-action=stop]").click();
    await vi.waitFor(() => expect(types(channel.sent)).toEqual(["output_audio_buffer.clear"]));
  });

  it("is Escape as well, in any part of the view, and only while the voice speaks", async () => {
    const { channel, element } = await startVoice();
    part(element, "textarea").focus();
    await userEvent.keyboard("{Escape}");
    await vi.waitFor(() => expect(types(channel.sent)).toEqual(["response.cancel", "output_audio_buffer.clear"]));
    channel.receive(ENDS);
    channel.receive({ type: "output_audio_buffer.cleared", response_id: "r1" });
    await vi.waitFor(() => expect(element.querySelector("[data-action=stop]")).toBeNull());
    await userEvent.keyboard("{Escape}");
    expect(channel.sent).toHaveLength(2);
  });
});

describe("a written message while the voice speaks", () => {
  it("interrupts it, and is sent when the response has ended", async () => {
    const { channel, element } = await startVoice();
    await userEvent.type(part(element, "textarea"), "Wait{Enter}");
    await vi.waitFor(() => expect(types(channel.sent)).toEqual(["response.cancel", "output_audio_buffer.clear"]));
    channel.receive(ENDS);
    await vi.waitFor(() =>
      expect(types(channel.sent).slice(2)).toEqual(["conversation.item.create", "response.create"]),
    );
    expect(part(element, "textarea")).toHaveProperty("value", "");
  });

  it("is sent although the server does not confirm the end", async () => {
    const { channel, element } = await startVoice();
    await userEvent.type(part(element, "textarea"), "Wait{Enter}");
    await vi.waitFor(() => expect(types(channel.sent)).toContain("response.create"), { timeout: 10_000 });
  });

  it("is not lost with a call that ends meanwhile", async () => {
    const { channel, element } = await startVoice();
    await userEvent.type(part(element, "textarea"), "Wait{Enter}");
    part(element, "[data-action=disconnect]").click();
    await vi.waitFor(() => expect(part(element, "textarea")).toHaveProperty("value", "Wait"));
    expect(types(channel.sent)).not.toContain("response.create");
  });

  it("waits for the response where the settings say so", async () => {
    const { channel, element } = await startVoice({ text_interrupts: false });
    await userEvent.type(part(element, "textarea"), "And then?{Enter}");
    channel.receive({ ...ENDS, response: { ...ENDS.response, status: "completed" } });
    await vi.waitFor(() => expect(types(channel.sent)).toEqual(["conversation.item.create", "response.create"]));
  });
});

describe("the header", () => {
  it("counts the time of the call, and shows the round trip to the server", async () => {
    const { element, peer } = await (async () => {
      const started = await startCall({ stats_interval: 0.1 });
      return { ...started, ...started.mount() };
    })();
    expect(part(element, ".rtc-timer").textContent).toMatch(/^0:0\d$/);
    const pair = { type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.0423 };
    peer().pairs = [["P1", pair]];
    await vi.waitFor(() => expect(part(element, ".rtc-round-trip").textContent).toBe("42 ms"));
    part(element, "[data-action=disconnect]").click();
    await vi.waitFor(() => expect(element.querySelector(".rtc-timer, .rtc-round-trip")).toBeNull());
  });

  it.each([
    [7.9, "0:07"],
    [754, "12:34"],
    [3_723, "1:02:03"],
  ])("shows %f seconds as %s", (seconds, words) => {
    expect(clockTime(seconds)).toBe(words);
  });
});

describe("the level meter", () => {
  it("shows silence as 0, full scale as 1, and 30 dB below it in the middle", () => {
    expect(levelOf(new Float32Array(64))).toBe(0);
    expect(levelOf(new Float32Array(64).fill(1))).toBe(1);
    expect(levelOf(new Float32Array(64).fill(10 ** (-30 / 20)))).toBeCloseTo(0.5);
  });

  it("measures both sides while somebody listens, and runs no longer", async () => {
    const contexts = vi.spyOn(AudioContext.prototype, "close");
    const context = new AudioContext();
    const toneOf = (gain: number) => {
      const output = new MediaStreamAudioDestinationNode(context);
      const tone = new OscillatorNode(context);
      tone.connect(new GainNode(context, { gain })).connect(output);
      tone.start();
      return output.stream.getAudioTracks()[0] ?? null;
    };
    const meter = new LevelMeter();
    let latest: Levels | undefined;
    meter.setTracks({ user: toneOf(0.5), assistant: toneOf(0) });
    const stop = meter.listen((levels) => {
      latest = levels;
    });
    await vi.waitFor(() => expect(latest?.user).toBeGreaterThan(0.7));
    expect(latest?.assistant).toBeLessThan(0.1);
    expect(contexts).not.toHaveBeenCalled();
    stop();
    expect(contexts).toHaveBeenCalledOnce();
    await context.close();
  });
});

describe("a person of whom nothing is heard", () => {
  const asked = (turn: "closed" | "open" | "held", levels: readonly number[]) => {
    const check = new InputCheck();
    return levels.map((level, second) => check.take(level, second * 1_000, turn));
  };
  const SECONDS = SILENT_MS / 1_000;
  const silence = Array<number>(SECONDS + 1).fill(0);

  it("is asked about the microphone after eight seconds", () => {
    expect(asked("open", silence).lastIndexOf(false)).toBe(SECONDS - 1);
    expect(asked("held", silence).at(-1)).toBe(true);
  });

  it("is not asked while the assistant speaks, nor when the microphone has been heard", () => {
    expect(asked("closed", silence)).not.toContain(true);
    expect(asked("open", [0.5, ...silence])).not.toContain(true);
  });

  it("is asked while the button is held, although the microphone was heard before", () => {
    expect(asked("held", [0.5, ...silence]).at(-1)).toBe(true);
  });

  it("is not asked any more as soon as there is a sound", () => {
    expect(asked("open", [...silence, 0.5]).slice(-2)).toEqual([true, false]);
  });
});

describe("a voice that no event stops", () => {
  it("is silenced on the page, and only while it is heard", () => {
    const silence = vi.fn();
    const send = vi.fn();
    const interruption = new Interruption(LIVE, send, silence);
    interruption.interrupt();
    expect(silence).not.toHaveBeenCalled();
    interruption.apply({ type: "speaking", speaker: "assistant", isSpeaking: true });
    interruption.interrupt();
    expect(silence).toHaveBeenCalledOnce();
    expect(send).not.toHaveBeenCalled();
  });
});
