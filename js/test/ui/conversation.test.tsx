import { describe, expect, it, vi } from "vitest";
import "../../src/ui/styles/index.css";
import { ResponseTimer } from "../../src/conversation/response_times";
import { EMPTY_CONVERSATION } from "../../src/conversation/transcript";
import { asJson, asMarkdown } from "../../src/conversation/transcript_file";
import { REALTIME } from "../../src/protocols/realtime/protocol";
import { startCall } from "../fakes";

const part = (root: Element, selector: string) => {
  const found = root.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`There is no ${selector}`);
  return found;
};
const userTurn = (id: string, text: string) => ({
  type: "conversation.item.added",
  previous_item_id: null,
  item: { id, type: "message", role: "user", content: [{ type: "input_text", text }] },
});
const delta = (text: string, item_id = "m1") => ({
  type: "response.output_audio_transcript.delta",
  item_id,
  response_id: "r1",
  content_index: 0,
  delta: text,
});
const call = (id: string, args: object) => ({
  type: "response.output_item.done",
  response_id: "r1",
  item: { id, type: "function_call", call_id: `call_${id}`, name: "weather", arguments: JSON.stringify(args) },
});
const output = (id: string, text: string) => ({
  type: "conversation.item.added",
  previous_item_id: id,
  item: { id: `out_${id}`, type: "function_call_output", call_id: `call_${id}`, output: text },
});

describe("a person who begins to speak", () => {
  it("sees that they are heard, until their turn appears", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    channel.receive(userTurn("u1", "Hi"));
    channel.receive({ type: "input_audio_buffer.speech_started", item_id: "u2" });
    await vi.waitFor(() => expect(part(element, ".rtc-listening").textContent).toBe("Listening …"));
    channel.receive({ type: "input_audio_buffer.speech_stopped", item_id: "u2" });
    channel.receive({ type: "input_audio_buffer.committed", item_id: "u2", previous_item_id: "u1" });
    await vi.waitFor(() => expect(element.querySelectorAll(".rtc-turn")).toHaveLength(2));
    expect(element.querySelector(".rtc-listening")).toBeNull();
  });
});

describe("a response", () => {
  it("is Markdown, as elements; what a person writes is not", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    channel.receive(userTurn("u1", "**Hi**"));
    channel.receive(delta("**ICE** finds:\n\n- a path\n- [RFC](https://a.example/) <b>no</b>"));
    await vi.waitFor(() => expect(part(element, "[data-role=assistant] strong").textContent).toBe("ICE"));
    expect([...element.querySelectorAll("li")].map(({ textContent }) => textContent)).toEqual([
      "a path",
      "RFC <b>no</b>",
    ]);
    expect(part(element, "li a").getAttribute("rel")).toContain("noopener");
    expect(part(element, "[data-role=user] .rtc-turn-text").textContent).toBe("**Hi**");
    expect(element.querySelector(".rtc-turn-text b")).toBeNull();
  });

  it("shows what was not heard any more as cut", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    const words = "A data channel carries messages over SCTP and DTLS.";
    const content = [{ type: "output_audio", transcript: words }];
    channel.receive({ type: "response.created", response: { id: "r1" } });
    channel.receive({
      type: "response.output_item.done",
      response_id: "r1",
      item: { id: "m1", type: "message", role: "assistant", status: "completed", content },
    });
    channel.receive({ type: "conversation.item.truncated", item_id: "m1", content_index: 0, audio_end_ms: 1_000 });
    await vi.waitFor(() => expect(part(element, ".rtc-unheard").textContent).toMatch(/DTLS\.$/));
    const heard = part(element, "[data-role=assistant] .rtc-turn-text p").textContent ?? "";
    expect(words.startsWith(heard) && heard.length > 4).toBe(true);
    expect(part(element, ".rtc-turn-note").textContent).toBe("interrupted");
  });

  it("shows how long the person waited for its voice", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    channel.receive({ type: "input_audio_buffer.speech_started" });
    channel.receive({ type: "input_audio_buffer.speech_stopped" });
    channel.receive({ type: "response.created", response: { id: "r1" } });
    channel.receive(delta("Hello"));
    channel.receive({ type: "output_audio_buffer.started", response_id: "r1" });
    await vi.waitFor(() => expect(part(element, ".rtc-waited").textContent).toMatch(/^\d+\.\d s$/));
  });
});

describe("the waiting time", () => {
  const times = (facts: readonly (readonly [number, Parameters<ResponseTimer["apply"]>[0]])[]) => {
    const timer = new ResponseTimer();
    for (const [atMs, fact] of facts) timer.apply(fact, "a1", atMs);
    return [...timer.times];
  };
  const speaking = (speaker: "user" | "assistant", isSpeaking = true) =>
    ({ type: "speaking", speaker, isSpeaking }) as const;
  const started = (id: string) => ({ type: "response_started", id }) as const;
  const ended = (id: string, callsFunctions = false) => ({ type: "response_ended", id, callsFunctions }) as const;

  it("goes from the end of the turn to the first sound", () => {
    expect(
      times([
        [0, speaking("user")],
        [900, speaking("user", false)],
        [1_000, started("r1")],
        [1_400, speaking("assistant")],
      ]),
    ).toEqual([["a1/r1", 500]]);
  });

  it("includes the functions that the model calls first", () => {
    expect(
      times([
        [900, speaking("user", false)],
        [1_000, started("r1")],
        [1_100, ended("r1", true)],
        [2_000, started("r2")],
        [2_400, speaking("assistant")],
      ]),
    ).toEqual([["a1/r2", 1_500]]);
  });

  it("is unknown of a response that nobody has asked for", () => {
    expect(
      times([
        [0, started("r1")],
        [100, speaking("assistant")],
      ]),
    ).toEqual([]);
  });
});

describe("a function call", () => {
  it("runs, and has a result, a time, and its JSON", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    channel.receive(call("f1", { city: "Bern", days: 2 }));
    const row = () => part(element, ".rtc-tool");
    await vi.waitFor(() => expect(row().dataset.toolState).toBe("running"));
    expect(part(element, ".rtc-tool-call").textContent).toBe('weather(city="Bern", days=2)');
    expect(element.querySelector(".rtc-tool-json")).toBeNull();
    channel.receive(output("f1", '{"sky": "clear"}'));
    await vi.waitFor(() => expect(row().dataset.toolState).toBe("done"));
    expect(part(element, ".rtc-tool-result").textContent).toBe('→ {"sky": "clear"}');
    expect(part(element, ".rtc-tool .rtc-waited").textContent).toMatch(/^\d+\.\d s$/);
    row().setAttribute("open", "");
    await vi.waitFor(() => expect(element.querySelectorAll(".rtc-tool-json")).toHaveLength(2));
    expect(element.querySelectorAll(".rtc-tool-json")[1]?.textContent).toBe('{\n  "sky": "clear"\n}');
  });

  it("shows its error, or that the call ended before it", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    channel.receive(call("f1", {}));
    channel.receive(call("f2", {}));
    channel.receive(output("f1", '{"error": "No such city."}'));
    await vi.waitFor(() =>
      expect(part(element, "[data-tool-state=failed] .rtc-tool-result").textContent).toBe("→ No such city."),
    );
    part(element, "[data-action=disconnect]").click();
    await vi.waitFor(() =>
      expect(part(element, "[data-tool-state=lost] .rtc-tool-result").textContent).toBe("no result"),
    );
  });
});

describe("a function call of a response that is cancelled", () => {
  it("does not run", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    channel.receive(call("f1", {}));
    await vi.waitFor(() => part(element, "[data-tool-state=running]"));
    channel.receive({ type: "response.done", response: { id: "r1", status: "cancelled", output: [{ id: "f1" }] } });
    await vi.waitFor(() => expect(part(element, ".rtc-tool-result").textContent).toBe("cancelled"));
    expect(part(element, ".rtc-tool").dataset.toolState).toBe("cancelled");
  });
});

describe("the transcript's box", () => {
  const startLong = async () => {
    const started = await startCall();
    const { element } = started.mount();
    for (let n = 0; n < 30; n++) started.channel.receive(userTurn(`u${n}`, `line ${n}`));
    const box = part(element, ".rtc-transcript");
    await vi.waitFor(() => expect(element.querySelectorAll(".rtc-turn")).toHaveLength(30));
    await vi.waitFor(() => expect(box.scrollHeight - box.scrollTop - box.clientHeight).toBeLessThan(2));
    return { ...started, element, box };
  };

  it("counts what is new while one reads above, and goes to it", async () => {
    const { channel, element, box } = await startLong();
    box.scrollTop = 0;
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    channel.receive(userTurn("n1", "one"));
    channel.receive(userTurn("n2", "two"));
    await vi.waitFor(() => expect(part(element, "[data-action=to-end]").textContent).toBe("↓ 2 new"));
    expect(box.scrollTop).toBe(0);
    part(element, "[data-action=to-end]").click();
    await vi.waitFor(() => expect(box.scrollHeight - box.scrollTop - box.clientHeight).toBeLessThan(2));
    await vi.waitFor(() => expect(element.querySelector("[data-action=to-end]")).toBeNull());
  });

  it("is not measured for each word of a long response, and renders it once a frame", async () => {
    const { channel, element, box } = await startLong();
    const heights = Object.getOwnPropertyDescriptor(Element.prototype, "scrollHeight");
    let reads = 0;
    Object.defineProperty(box, "scrollHeight", {
      configurable: true,
      get: () => {
        reads += 1;
        return heights?.get?.call(box);
      },
    });
    const frames = vi.spyOn(globalThis, "requestAnimationFrame");
    for (let word = 0; word < 2_000; word++) channel.receive(delta(`word${word} `));
    expect(reads).toBe(0);
    expect(frames.mock.calls.length).toBeLessThan(20);
    await vi.waitFor(() =>
      expect(part(element, "[data-role=assistant] .rtc-turn-text").textContent).toContain("word1999"),
    );
    await vi.waitFor(() => expect(box.scrollHeight - box.scrollTop - box.clientHeight).toBeLessThan(2));
  });

  it("can be made larger than it grows by itself", async () => {
    const { box } = await startLong();
    expect(box.clientHeight).toBeLessThanOrEqual(360);
    expect(getComputedStyle(box).resize).toBe("vertical");
    box.style.height = "500px";
    expect(box.getBoundingClientRect().height).toBe(500);
  });

  it("reads from right to left where the words do", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    channel.receive(delta("مرحبا بالعالم\n\n- قائمة"));
    await vi.waitFor(() => expect(element.querySelector("[data-role=assistant] li")).not.toBeNull());
    for (const one of element.querySelectorAll("[data-role=assistant] :is(p, li)")) {
      expect(getComputedStyle(one).direction).toBe("rtl");
    }
  });
});

describe("the transcript as a file", () => {
  const conversation = [
    userTurn("u1", "Weather?"),
    call("f1", { city: "Bern" }),
    output("f1", "```clear```"),
    delta("It is clear."),
    { type: "response.done", response: { id: "r1", status: "cancelled", output: [] } },
  ].reduce((before, event) => REALTIME.reduce(before, event, "a1", 1_000), EMPTY_CONVERSATION);

  it("is Markdown that a person can read", () => {
    const text = asMarkdown(conversation);
    expect(text).toContain("**You:** Weather?");
    expect(text).toContain('````\nweather({"city":"Bern"})\n→ ```clear```\n````');
    expect(text).toContain("**Assistant:** It is clear. *(cancelled)*");
  });

  it("is JSON that a program can read", () => {
    expect(JSON.parse(asJson(conversation))).toEqual([
      { call: "a1", role: "user", text: "Weather?", heard: "Weather?", status: "completed" },
      { call: "a1", function: "weather", arguments: '{"city":"Bern"}', output: "```clear```" },
      { call: "a1", role: "assistant", text: "It is clear.", heard: "It is clear.", status: "cancelled" },
    ]);
  });

  it("is copied and downloaded by buttons, which appear with the first turn", async () => {
    const copied = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    const { channel, mount } = await startCall();
    const { element } = mount();
    expect(element.querySelector("[data-action=copy]")).toBeNull();
    channel.receive(userTurn("u1", "Hi"));
    await vi.waitFor(() => part(element, "[data-action=copy]"));
    part(element, "[data-action=copy]").click();
    await vi.waitFor(() => expect(part(element, ".rtc-transcript-tools [role=status]").textContent).toBe("Copied."));
    expect(copied).toHaveBeenCalledWith("**You:** Hi\n");
    const names: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      names.push(this.download);
    });
    part(element, "[data-action=download-markdown]").click();
    part(element, "[data-action=download-json]").click();
    expect(names.map((name) => name.replace(/-[\d-]+/, "-"))).toEqual(["voice-chat-.md", "voice-chat-.json"]);
  });
});
