import { describe, expect, it, vi } from "vitest";
import { userEvent } from "vitest/browser";
import "../../src/ui/styles/index.css";
import { startCall, startWidget } from "../fakes";

const button = (root: Element, action: string) => {
  const found = root.querySelector<HTMLButtonElement>(`button[data-action=${action}]`);
  if (!found) throw new Error(`There is no button ${action}`);
  return found;
};
const draft = (root: Element) => {
  const found = root.querySelector("textarea");
  if (!found) throw new Error("There is no text box");
  return found;
};
const label = (root: Element) => root.querySelector(".rtc-connection")?.textContent;
const words = (root: Element, role: string) =>
  [...root.querySelectorAll(`.rtc-transcript [data-role=${role}] .rtc-turn-text`)].map(
    ({ textContent }) => textContent,
  );
const userTurn = (id: string, text: string) => ({
  type: "conversation.item.added",
  previous_item_id: null,
  item: { id, type: "message", role: "user", content: [{ type: "input_text", text }] },
});

describe("the call button", () => {
  it("takes a double click for one click", async () => {
    const { mount, kernel } = startWidget();
    const { element } = mount();
    await userEvent.dblClick(button(element, "connect"));
    await vi.waitFor(() => expect(kernel.statuses.at(-1)).toBe("connecting"));
    await vi.waitFor(() => expect(button(element, "disconnect").textContent).toBe("Cancel"));
  });
});

describe("the connection indicator", () => {
  it("does not flash while a call is made at once, and says so where it takes longer", async () => {
    const { kernel, mount, peer } = startWidget();
    const { element } = mount();
    const shown = new Set<string | undefined>();
    const watching = new MutationObserver(() => shown.add(label(element)));
    watching.observe(element, { subtree: true, characterData: true, childList: true });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    button(element, "connect").click();
    // With fake timers, each look of `waitFor` makes the time advance.
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull(), { interval: 1 });
    // The kernel's traits say so, too, before the call stands.
    kernel.model.setTrait("active_page", kernel.last("state").page);
    kernel.model.setTrait("status", "connecting");
    peer().become("connecting");
    await new Promise((resolve) => requestAnimationFrame(resolve));
    peer().open();
    await vi.waitFor(() => expect(label(element)).toBe("Connected"), { interval: 1 });
    expect([...shown]).not.toContain("Connecting");
    button(element, "disconnect").click();
    await vi.waitFor(() => expect(label(element)).toMatch(/^Call over/));
    kernel.answers.exchange = "later";
    button(element, "connect").click();
    await vi.waitFor(() => expect(kernel.of("exchange")).toHaveLength(2));
    await vi.advanceTimersByTimeAsync(100);
    await vi.waitFor(() => expect(label(element)).toBe("Connecting"));
    watching.disconnect();
  });

  it("says how far the call is, and the states of the W3C while they change", async () => {
    const { mount, peer } = startWidget({
      setUp: (model) => Object.assign(model.traits, { settings: { reconnect: null } }),
    });
    const { element } = mount();
    expect(label(element)).toBe("Ready");
    button(element, "connect").click();
    await vi.waitFor(() => expect(label(element)).toBe("Connecting"));
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().iceConnectionState = "checking";
    peer().become("connecting");
    await vi.waitFor(() => expect(element.querySelector(".rtc-ice")?.textContent).toBe("connecting, ICE checking"));
    peer().open();
    await vi.waitFor(() => expect(label(element)).toBe("Connected"));
    expect(element.querySelector(".rtc-ice")).toBeNull();
    peer().become("disconnected");
    await vi.waitFor(() => expect(label(element)).toBe("Reconnecting"));
    peer().become("failed");
    await vi.waitFor(() => expect(label(element)).toMatch(/^Call over: \d+ s, 0 turns$/));
    button(element, "retry").click();
    await vi.waitFor(() => expect(label(element)).toBe("Connecting"));
    button(element, "disconnect").click();
    await vi.waitFor(() => expect(label(element)).toMatch(/^Call over/));
  });

  it("names the server, also one that the kernel names later", async () => {
    const { model, mount } = startWidget();
    const { element } = mount();
    expect(element.textContent).toContain("Test server");
    model.setTrait("server", "OpenAI");
    await vi.waitFor(() => expect(element.querySelector(".rtc-server")?.textContent).toBe("OpenAI"));
  });

  it("shows who is speaking", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    const speaking = () =>
      [...element.querySelectorAll("[data-speaking]")].map((voice) => voice.getAttribute("data-speaking"));
    channel.receive({ type: "input_audio_buffer.speech_started" });
    await vi.waitFor(() => expect(speaking()).toEqual(["user"]));
    channel.receive({ type: "input_audio_buffer.speech_stopped" });
    channel.receive({ type: "output_audio_buffer.started" });
    await vi.waitFor(() => expect(speaking()).toEqual(["assistant"]));
    channel.receive({ type: "output_audio_buffer.cleared" });
    await vi.waitFor(() => expect(speaking()).toEqual([]));
  });
});

describe("the transcript", () => {
  it("shows which response the voice did not speak", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    const notes = () => [...element.querySelectorAll(".rtc-turn-note")].map((note) => note.textContent);
    const content = [{ type: "output_audio", transcript: "你好" }];
    const item = { id: "m1", type: "message", role: "assistant", status: "completed", content };
    channel.receive({ type: "response.done", response: { id: "r1", status: "completed", output: [item] } });
    await vi.waitFor(() => expect(element.querySelector(".rtc-turn-text")?.textContent).toBe("你好"));
    expect(notes()).toEqual([]);
    channel.receive({ type: "output_audio_buffer.stopped", response_id: "r1" });
    await vi.waitFor(() => expect(notes()).toEqual(["not spoken"]));
    channel.receive({ type: "output_audio_buffer.started", response_id: "r1" });
    await vi.waitFor(() => expect(notes()).toEqual([]));
  });
});

describe("the buttons", () => {
  it("connect, cancel and disconnect", async () => {
    const { mount, peer, microphone, kernel } = startWidget();
    const { element } = mount();
    microphone.isPrompting = true;
    button(element, "connect").click();
    await vi.waitFor(() => expect(button(element, "disconnect").textContent).toBe("Cancel"));
    button(element, "disconnect").click();
    await vi.waitFor(() => expect(button(element, "connect").textContent).toBe("Connect"));
    expect(kernel.states.at(-1)).toMatchObject({ status: "idle", error: null });
    expect(element.querySelector(".rtc-error")).toBeNull();
    microphone.isPrompting = false;
    button(element, "connect").click();
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await vi.waitFor(() => expect(button(element, "disconnect").textContent).toBe("Disconnect"));
  });

  it("mute, and say so to screen readers", async () => {
    const { mount, microphone } = await startCall();
    const { element } = mount();
    expect(button(element, "mute").getAttribute("aria-pressed")).toBe("false");
    button(element, "mute").click();
    await vi.waitFor(() => expect(button(element, "mute").getAttribute("aria-pressed")).toBe("true"));
    expect(microphone.tracks[0]?.enabled).toBe(false);
  });

  it("offer a click when the browser wants one before it plays", async () => {
    const play = vi
      .spyOn(HTMLMediaElement.prototype, "play")
      .mockRejectedValue(new DOMException("click", "NotAllowedError"));
    const { mount, peer } = await startCall();
    const { element } = mount();
    const track = Object.assign(new Event("track"), { track: {}, streams: [new MediaStream()] });
    peer().dispatchEvent(track);
    await vi.waitFor(() => expect(button(element, "resume-audio").textContent).toBe("Click to play audio"));
    play.mockResolvedValue();
    button(element, "resume-audio").click();
    await vi.waitFor(() => expect(element.querySelector("[data-action=resume-audio]")).toBeNull());
  });
});

describe("the text box", () => {
  it("sends with Enter: the item, then the request for an answer", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    await userEvent.type(draft(element), "What is ICE?{Enter}");
    await vi.waitFor(() => expect(channel.sent).toHaveLength(2));
    expect(channel.sent.map((text) => JSON.parse(text))).toEqual([
      {
        type: "conversation.item.create",
        item: { type: "message", role: "user", content: [{ type: "input_text", text: "What is ICE?" }] },
      },
      { type: "response.create" },
    ]);
    await vi.waitFor(() => expect(draft(element).value).toBe(""));
  });

  it("shows what was sent when the server has taken it, and once", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    await userEvent.type(draft(element), "Hello{Enter}");
    expect(words(element, "user")).toEqual([]);
    channel.receive(userTurn("u1", "Hello"));
    channel.receive({ ...userTurn("u1", "Hello"), type: "conversation.item.done" });
    await vi.waitFor(() => expect(words(element, "user")).toEqual(["Hello"]));
  });

  it("makes a new line with Shift+Enter", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    await userEvent.type(draft(element), "one{Shift>}{Enter}{/Shift}two");
    expect(draft(element).value).toBe("one\ntwo");
    expect(channel.sent).toEqual([]);
  });

  it("keeps what cannot be sent, and says why", async () => {
    const { mount } = startWidget();
    const { element } = mount();
    await userEvent.type(draft(element), "Hello?{Enter}");
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")?.textContent).toContain("nothing was sent"));
    expect(draft(element).value).toBe("Hello?");
    expect(button(element, "send").disabled).toBe(true);
  });

  it("keeps what is too large to be sent", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    await userEvent.fill(draft(element), "x".repeat(2_000));
    button(element, "send").click();
    await vi.waitFor(() => expect(element.querySelector("[data-code=message_too_large]")).not.toBeNull());
    expect(draft(element).value).toHaveLength(2_000);
    expect(channel.sent).toEqual([]);
    // The error disappears when the call has ended.
    button(element, "disconnect").click();
    await vi.waitFor(() => expect(label(element)).toMatch(/^Call over/));
    expect(element.querySelector(".rtc-error")).toBeNull();
  });

  it("says when it can send, also while the call is on its way back", async () => {
    const { mount, peer } = await startCall();
    const { element } = mount();
    expect(draft(element).placeholder).toBe("Write a message");
    peer().channel.readyState = "connecting";
    peer().become("disconnected");
    await vi.waitFor(() => expect(draft(element).placeholder).toContain("when the call is reconnected"));
    button(element, "disconnect").click();
    await vi.waitFor(() => expect(draft(element).placeholder).toBe("Connect to send a message"));
    button(element, "connect").click();
    await vi.waitFor(() => expect(draft(element).placeholder).toContain("when the call is connected"));
  });
});

describe("the transcript", () => {
  it("shows hostile words as words", async () => {
    const { channel, model, mount } = await startCall();
    const { element } = mount();
    const hostile = '<img src=x onerror="document.title=`owned`"><script>document.title="owned"</script>&amp;';
    channel.receive(userTurn("u1", hostile));
    channel.receive({ type: "error", error: { message: hostile } });
    model.setTrait("server", hostile);
    model.setTrait("progress", hostile);
    await vi.waitFor(() => expect(words(element, "user")).toEqual([hostile]));
    await vi.waitFor(() => expect(element.querySelector(".rtc-error-message")?.textContent).toBe(hostile));
    expect(element.querySelectorAll("img, script")).toHaveLength(0);
    expect(document.title).not.toBe("owned");
  });

  it("streams an answer and marks its interruption", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    const delta = {
      type: "response.output_audio_transcript.delta",
      item_id: "m1",
      response_id: "r1",
      content_index: 0,
    };
    channel.receive({ ...delta, delta: "A data " });
    await vi.waitFor(() => expect(words(element, "assistant")).toEqual(["A data "]));
    channel.receive({ ...delta, delta: "channel" });
    const details = { type: "cancelled", reason: "turn_detected" };
    channel.receive({
      type: "response.done",
      response: { id: "r1", status: "cancelled", status_details: details, output: [] },
    });
    await vi.waitFor(() => expect(words(element, "assistant")).toEqual(["A data channel"]));
    expect(element.querySelector("[data-turn-status=interrupted] .rtc-turn-note")?.textContent).toBe("interrupted");
  });

  it("follows the conversation, unless one has scrolled up to read", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    const log = element.querySelector(".rtc-transcript") as HTMLElement;
    const rest = () => log.scrollHeight - log.scrollTop - log.clientHeight;
    for (let n = 0; n < 30; n++) channel.receive(userTurn(`u${n}`, `line ${n}`));
    await vi.waitFor(() => expect(words(element, "user")).toHaveLength(30));
    await vi.waitFor(() => expect(rest()).toBeLessThan(2));
    log.scrollTop = 0;
    await vi.waitFor(() => expect(rest()).toBeGreaterThan(100));
    await new Promise(requestAnimationFrame);
    channel.receive(userTurn("new", "one more"));
    await vi.waitFor(() => expect(words(element, "user")).toHaveLength(31));
    expect(log.scrollTop).toBe(0);
  });
});

describe("the error area", () => {
  it("says what to do, can be dismissed, and can try again", async () => {
    const { kernel, mount } = startWidget();
    const { element } = mount();
    kernel.answers.exchange = {
      error: { code: "invalid_key", message: "The key was refused.", hint: "Set OPENAI_API_KEY." },
    };
    button(element, "connect").click();
    await vi.waitFor(() => expect(element.querySelector("[role=alert] .rtc-error")).not.toBeNull());
    expect(element.querySelector(".rtc-error-message")?.textContent).toBe("The key was refused.");
    expect(element.querySelector(".rtc-error-hint")?.textContent).toBe("Set OPENAI_API_KEY.");
    button(element, "dismiss").click();
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")).toBeNull());
    button(element, "connect").click();
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")).not.toBeNull());
    button(element, "retry").click();
    await vi.waitFor(() => expect(kernel.of("exchange")).toHaveLength(3));
  });

  it.each(["dismiss", "retry"])("hands the focus on when %s has made it vanish", async (action) => {
    const { kernel, mount } = startWidget();
    const { element } = mount();
    kernel.answers.exchange = { error: { code: "invalid_key", message: "The key was refused.", hint: "" } };
    await kernel.ask("connect");
    await vi.waitFor(() => expect(button(element, action)).toBeTruthy());
    kernel.answers.exchange = "later";
    button(element, action).focus();
    await userEvent.keyboard("{Enter}");
    await vi.waitFor(() => expect(element.querySelector(`[data-action=${action}]`)).toBeNull());
    expect((document.activeElement as HTMLElement | null)?.dataset.action).toMatch(/^(connect|disconnect)$/);
  });

  it("shows what Python wanted to send and the page could not", async () => {
    const { kernel, mount } = await startCall();
    const { element } = mount();
    const events = [JSON.stringify({ type: "test", text: "x".repeat(2_000) })];
    expect((await kernel.ask("send", { events })).error).toMatchObject({ code: "message_too_large" });
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")?.textContent).toContain("more than the 1000"));
    expect(element.querySelector("[data-ends-call=true]")).toBeNull();
  });

  it("is busy while an answer streams, and no longer when it is complete", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    const log = element.querySelector("[role=log]");
    channel.receive({ type: "response.output_text.delta", item_id: "m1", response_id: "r1", delta: "A" });
    await vi.waitFor(() => expect(log?.getAttribute("aria-busy")).toBe("true"));
    channel.receive({ type: "response.done", response: { id: "r1", status: "completed", output: [] } });
    await vi.waitFor(() => expect(log?.getAttribute("aria-busy")).toBe("false"));
  });

  it("shows an error of the server as a note, and the call goes on", async () => {
    const { channel, kernel, mount } = await startCall();
    const { element } = mount();
    channel.receive({
      type: "error",
      error: { type: "invalid_request_error", code: "unknown", message: "No such thing." },
    });
    await vi.waitFor(() => expect(element.querySelector(".rtc-error-message")?.textContent).toBe("No such thing."));
    expect(element.querySelector("[data-action=retry]")).toBeNull();
    expect(kernel.states.at(-1)?.status).toBe("connected");
  });

  it("shows why an answer failed, which only response.done tells", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    const status_details = { type: "failed", error: { code: "insufficient_quota", message: "No credit is left." } };
    channel.receive({ type: "response.done", response: { id: "r1", status: "failed", status_details, output: [] } });
    await vi.waitFor(() => expect(element.querySelector(".rtc-error-message")?.textContent).toBe("No credit is left."));
  });
});

describe("the card", () => {
  it("keeps the notebook's own shortcuts away from every element that can have the focus", async () => {
    const { channel, kernel, mount } = await startCall();
    const { element } = mount();
    channel.receive({ type: "error", error: { code: "invalid_value", message: "No such thing." } });
    void kernel.ask("approve", { call_id: "c1", name: "pay", arguments: { amount: 3 }, seconds: 60 });
    button(element, "devices").click();
    for (const details of element.querySelectorAll("details")) details.open = true;
    await vi.waitFor(() => expect(element.querySelector(".rtc-event")).not.toBeNull());
    element.querySelector<HTMLElement>(".rtc-event")?.click();
    await vi.waitFor(() => expect(element.querySelector(".rtc-event-text")).not.toBeNull());
    for (const action of ["dismiss", "allow"]) await vi.waitFor(() => button(element, action));
    const focused = [...element.querySelectorAll<HTMLElement>("*")].filter((one) => {
      one.focus();
      return document.activeElement === one;
    });
    const kinds = new Set(focused.map(({ tagName }) => tagName));
    expect([...kinds].sort()).toEqual(["BUTTON", "DIV", "INPUT", "SECTION", "SELECT", "SUMMARY", "TEXTAREA"]);
    for (const one of focused) expect(one.getAttribute("data-lm-suppress-shortcuts"), one.outerHTML).toBe("true");
  });

  it("keeps the focus when a click goes beside its controls", async () => {
    const { element } = startWidget().mount();
    await userEvent.click(element.querySelector(".rtc-connection") ?? element);
    expect(document.activeElement).toBe(element.querySelector(".rtc-widget"));
  });

  it.each([320, 1200])("fits a width of %i pixels", (width) => {
    const { element } = startWidget().mount();
    element.style.width = `${width}px`;
    expect(element.scrollWidth).toBeLessThanOrEqual(width);
    for (const control of element.querySelectorAll<HTMLElement>("button, textarea")) {
      expect(control.getBoundingClientRect().right).toBeLessThanOrEqual(element.getBoundingClientRect().left + width);
    }
  });

  it("can be worked by keyboard alone", async () => {
    const { mount, kernel } = startWidget();
    const { element } = mount();
    await userEvent.tab();
    expect(document.activeElement).toBe(button(element, "devices"));
    await userEvent.tab();
    expect(document.activeElement).toBe(button(element, "mute"));
    await userEvent.tab();
    expect(document.activeElement).toBe(button(element, "connect"));
    await userEvent.keyboard("{Enter}");
    await vi.waitFor(() => expect(kernel.of("prepare")).toHaveLength(1));
  });
});
