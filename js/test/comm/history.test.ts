import { describe, expect, it, vi } from "vitest";
import { type FakeKernel, type FakeModel, FakePeer, type Message, startCall, startWidget } from "../fakes";

const THEIRS = {
  active_page: "p_other",
  status: "connected",
  connection_state: "connected",
  ice_connection_state: "completed",
  data_channel_state: "open",
};
const NOBODY = { active_page: null, status: "idle", connection_state: "closed", data_channel_state: "closed" };
type Wire = readonly [direction: string, time: number, text: string];

const wire = (event: object, direction = "received"): Wire => [direction, 1_795_286_400_000, JSON.stringify(event)];
const said = (id: string, role: string, text: string) =>
  wire({
    type: "conversation.item.added",
    previous_item_id: null,
    item: { id, type: "message", role, status: "completed", content: [{ type: "input_text", text }] },
  });
const piece = (events: readonly Wire[], first: number, next: number, more = false, attempt = "a_other") => ({
  result: { calls: events.length > 0 ? [{ attempt, resumes: false, events }] : [], first, next, more },
});

/** Gives the kernel this record of another page's call. */
function remembering(kernel: FakeKernel, record: Wire[]) {
  kernel.history = ({ first, before, brief }: Message) => {
    const end = (before as number | null) ?? record.length;
    const events = record.slice(first as number, end);
    return piece(brief ? events.filter(([, , text]) => !text.includes(".delta")) : events, first as number, end);
  };
}

function tell(model: FakeModel, traits: Record<string, unknown>) {
  Object.assign(model.traits, traits);
  for (const name of Object.keys(traits)) model.trigger(`change:${name}`);
}

function startFollowing(record: Wire[] = []) {
  const started = startWidget({ isListening: false });
  remembering(started.kernel, record);
  tell(started.model, THEIRS);
  started.kernel.isListening = true;
  started.kernel.welcome();
  const { element } = started.mount();
  const button = (action: string) => element.querySelector<HTMLButtonElement>(`[data-action=${action}]`);
  const card = () => element.querySelector(".rtc-widget");
  return { ...started, element, button, card, record };
}

describe("a page that follows another page's call", () => {
  it("shows its states and says where the call is", async () => {
    const { model, card, button, element } = startFollowing();
    await vi.waitFor(() => expect(card()?.getAttribute("data-status")).toBe("connected"));
    expect(card()?.getAttribute("data-ice-connection-state")).toBe("completed");
    expect(element.textContent).toContain("The call is in another window");
    expect([button("connect"), button("disconnect"), button("mute")]).toEqual([null, null, null]);
    tell(model, { status: "reconnecting", connection_state: "disconnected" });
    await vi.waitFor(() => expect(card()?.getAttribute("data-status")).toBe("reconnecting"));
    tell(model, NOBODY);
    await vi.waitFor(() => expect(button("connect")).not.toBeNull());
    expect(element.textContent).not.toContain("another window");
  });

  it("shows the transcript as it grows, word by word, and asks for nothing twice", async () => {
    const { kernel, element, record } = startFollowing([said("u1", "user", "What is ICE?")]);
    await vi.waitFor(() => expect(element.textContent).toContain("What is ICE?"));
    const delta = (text: string) =>
      wire({ type: "response.output_text.delta", item_id: "m1", response_id: "r1", delta: text });
    record.push(delta("A way"));
    kernel.say({ type: "log_grew", next: 2 });
    await vi.waitFor(() => expect(element.textContent).toContain("A way"));
    record.push(delta(" to find"), delta(" a way"));
    kernel.say({ type: "log_grew", next: 4 });
    await vi.waitFor(() => expect(element.textContent).toContain("A way to find a way"));
    expect(kernel.of("history").map(({ first, brief }) => [first, brief])).toEqual([
      [0, true],
      [1, false],
      [2, false],
    ]);
  });

  it("catches up when the kernel's word of an event was lost", async () => {
    const { kernel, element, record } = startFollowing();
    await vi.waitFor(() => expect(kernel.of("history")).toHaveLength(1));
    record.push(said("u1", "user", "One"));
    record.push(said("u2", "user", "Two"));
    kernel.say({ type: "log_grew", next: 2 });
    await vi.waitFor(() => expect(element.textContent).toMatch(/One.*Two/s));
  });

  it("asks again when a reply of the kernel was lost", async () => {
    const { kernel, element, record } = startFollowing();
    await vi.waitFor(() => expect(kernel.of("history")).toHaveLength(1));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    kernel.isListening = false;
    record.push(said("u1", "user", "What is ICE?"));
    kernel.say({ type: "log_grew", next: 1 });
    await vi.advanceTimersByTimeAsync(19_000);
    kernel.isListening = true;
    await vi.advanceTimersByTimeAsync(2_000);
    await vi.waitFor(() => expect(element.textContent).toContain("What is ICE?"));
  });

  it("asks a silent kernel ever less often, and at once when it speaks", async () => {
    const { kernel, element, record } = startFollowing();
    await vi.waitFor(() => expect(kernel.of("history")).toHaveLength(1));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    kernel.isListening = false;
    record.push(said("u1", "user", "What is ICE?"));
    kernel.say({ type: "log_grew", next: 1 });
    // Each request waits for 20 s, and pauses of 1, 2, 4, 8, 16, 32 and twice 60 s follow.
    await vi.advanceTimersByTimeAsync(20_000 * 8 + 63_000 + 120_000 - 500);
    expect(kernel.of("history")).toHaveLength(9);
    await vi.advanceTimersByTimeAsync(20_000 + 1_000);
    expect(kernel.of("history")).toHaveLength(10);
    kernel.isListening = true;
    kernel.say({ type: "log_grew", next: 1 });
    await vi.waitFor(() => expect(element.textContent).toContain("What is ICE?"));
    expect(kernel.of("history")).toHaveLength(11);
  });

  it("does not ask in circles where the kernel has nothing after all", async () => {
    const { kernel } = startFollowing();
    await vi.waitFor(() => expect(kernel.of("history")).toHaveLength(1));
    kernel.say({ type: "log_grew", next: 5 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(kernel.of("history")).toHaveLength(2);
  });

  it("shows no call any more when the kernel is gone", async () => {
    const { model, kernel, card, button, element, record } = startFollowing();
    await vi.waitFor(() => expect(card()?.getAttribute("data-status")).toBe("connected"));
    record.push(wire({ type: "output_audio_buffer.started" }));
    kernel.say({ type: "log_grew", next: 1 });
    await vi.waitFor(() => expect(element.querySelector(".rtc-speaking")).not.toBeNull());
    model.trigger("comm_live_update");
    await vi.waitFor(() => expect(card()?.getAttribute("data-status")).toBe("idle"));
    expect(element.querySelector(".rtc-connection")?.textContent).toBe("Kernel gone");
    expect(element.querySelector(".rtc-speaking")).toBeNull();
    expect(element.textContent).not.toContain("another window");
    expect(button("take-over")).toBeNull();
    expect(button("connect")?.disabled).toBe(true);
  });

  it("does not take what a saved notebook holds for a call", async () => {
    const { model, kernel, mount } = startWidget({ isListening: false });
    tell(model, THEIRS);
    const { element } = mount();
    const card = element.querySelector(".rtc-widget");
    expect(card?.getAttribute("data-status")).toBe("idle");
    expect(element.querySelector("[data-action=take-over]")).toBeNull();
    kernel.welcome();
    await vi.waitFor(() => expect(card?.getAttribute("data-status")).toBe("connected"));
  });

  it("sends nothing", async () => {
    const { element, button } = startFollowing();
    await vi.waitFor(() => expect(button("take-over")).not.toBeNull());
    expect(element.querySelector("textarea")?.placeholder).toBe("Take over to send a message");
    expect(button("send")?.disabled).toBe(true);
  });

  it("says so when the page with the call has vanished, and can call", async () => {
    const { model, element, button } = startFollowing();
    const error = { code: "page_not_found", message: "The page that held the call is gone.", hint: "Connect again." };
    tell(model, { ...NOBODY, status: "error", error });
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")?.textContent).toContain("held the call is gone"));
    expect(button("retry")).not.toBeNull();
    button("dismiss")?.click();
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")).toBeNull());
  });
});

describe("taking a call over", () => {
  it("makes a new call that knows the settings and what was said", async () => {
    const update = { type: "session.update", session: { instructions: "Be brief." } };
    const { kernel, button, card, element, peer, microphone } = startFollowing([
      wire(update, "sent"),
      said("u1", "user", "What is ICE?"),
      said("m1", "assistant", "A way to find a way."),
    ]);
    await vi.waitFor(() => expect(button("take-over")).not.toBeNull());
    const shown = new Set<string | null | undefined>();
    const watching = new MutationObserver(() => shown.add(card()?.getAttribute("data-status")));
    watching.observe(element, { subtree: true, attributes: true });
    button("take-over")?.click();
    await vi.waitFor(() => expect(card()?.getAttribute("data-status")).toBe("connecting"));
    watching.disconnect();
    expect([...shown].filter((status) => status !== "connected")).toEqual(["connecting"]);
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await vi.waitFor(() => expect(kernel.statuses.at(-1)).toBe("connected"));
    expect(kernel.last("state")).toMatchObject({ resumes: true });
    expect(microphone.tracks).toHaveLength(1);
    const told = peer().channel.sent.map((text) => JSON.parse(text));
    expect(told.map(({ type, item }) => item?.content[0].text ?? type)).toEqual([
      "session.update",
      "What is ICE?",
      "A way to find a way.",
    ]);
  });

  it("puts what came late of an earlier call in its place, and keeps the settings of the latest", async () => {
    const update = (instructions: string) => wire({ type: "session.update", session: { instructions } }, "sent");
    const call = (attempt: string, ...events: Wire[]) => ({ attempt, resumes: false, events });
    const { kernel, button, peer, element } = startFollowing([wire({ type: "session.created", session: {} })]);
    await vi.waitFor(() => expect(button("take-over")).not.toBeNull());
    const calls = [
      call("a1", said("u1", "user", "First question")),
      call("b1", update("Be brief."), said("u1", "user", "Second question")),
      call("a1", said("m1", "assistant", "Late answer"), update("Be long.")),
      call("b1", said("m1", "assistant", "Second answer")),
    ];
    kernel.history = { result: { calls, first: 1, next: 7, more: false } };
    kernel.say({ type: "log_grew", next: 7 });
    await vi.waitFor(() => expect(element.textContent).toContain("Second answer"));
    const texts = [...element.querySelectorAll(".rtc-turn, .rtc-new-call")].map((one) => one.textContent);
    const words = ["First question", "Late answer", "New call", "Second question", "Second answer"];
    expect(texts).toEqual(words.map((text) => expect.stringContaining(text)));
    button("take-over")?.click();
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await vi.waitFor(() => expect(kernel.statuses.at(-1)).toBe("connected"));
    expect(peer().channel.sent.filter((text) => text.includes("session.update"))).toEqual([
      JSON.stringify({ type: "session.update", session: { instructions: "Be brief." } }),
    ]);
  });

  it("does not show as speaking who spoke in the call before", async () => {
    const { kernel, button, peer, element } = startFollowing([wire({ type: "session.created", session: {} })]);
    await vi.waitFor(() => expect(button("take-over")).not.toBeNull());
    kernel.history = () => piece([wire({ type: "output_audio_buffer.started" })], 1, 2);
    kernel.say({ type: "log_grew", next: 2 });
    await vi.waitFor(() => expect(element.querySelector(".rtc-speaking")).not.toBeNull());
    button("take-over")?.click();
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await vi.waitFor(() => expect(kernel.statuses.at(-1)).toBe("connected"));
    await vi.waitFor(() => expect(element.querySelector(".rtc-speaking")).toBeNull());
  });

  it("leaves the other page its call when this one gets no microphone", async () => {
    const { button, card, element, microphone } = startFollowing();
    microphone.isPrompting = true;
    await vi.waitFor(() => expect(button("take-over")).not.toBeNull());
    button("take-over")?.click();
    await vi.waitFor(() => expect(card()?.getAttribute("data-status")).toBe("connecting"));
    microphone.refuse("NotAllowedError");
    await vi.waitFor(() =>
      expect(element.querySelector(".rtc-error")?.getAttribute("data-code")).toBe("microphone_denied"),
    );
    expect(card()?.getAttribute("data-status")).toBe("connected");
    expect(button("take-over")).not.toBeNull();
  });
});

/** A response of 20 s that was spoken until the call ended, after 3 s. */
const LONG = Array.from({ length: 100 }, (_, number) => `word${number}`).join(" ");
const HEARD = LONG.split(" ").slice(0, 16).join(" ");
const SPOKEN = [
  wire({ type: "output_audio_buffer.started", response_id: "r1" }),
  wire({
    type: "response.done",
    response: {
      id: "r1",
      status: "completed",
      output: [
        {
          id: "m1",
          type: "message",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_audio", transcript: LONG }],
        },
      ],
      usage: { output_token_details: { audio_tokens: 400 } },
    },
  }),
];
const ended = (events: readonly Wire[], first: number) => ({
  result: {
    calls: [{ attempt: "a_other", resumes: false, heard_until_ms: 1_795_286_403_000, events }],
    first,
    next: 2,
    more: false,
  },
});
const carried = (sent: readonly string[]) =>
  sent.flatMap((text) => JSON.parse(text).item?.content.map((part: { text: string }) => part.text) ?? []);

describe("a response that the end of another page's call has cut", () => {
  it("is carried as far as it was heard by a page that is loaded later", async () => {
    const { kernel, mount, peer } = startWidget({ isListening: false });
    kernel.history = ended(SPOKEN, 0);
    kernel.isListening = true;
    kernel.welcome();
    const { element } = mount();
    await vi.waitFor(() => expect(element.textContent).toContain("word99"));
    const connecting = kernel.ask("connect", { microphone: null, resume: true });
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await connecting;
    expect(carried(peer().channel.sent)).toEqual([HEARD]);
  });

  it("is carried as far as it was heard by a page that takes the call over", async () => {
    const { kernel, button, peer, element } = startFollowing([...SPOKEN]);
    await vi.waitFor(() => expect(element.textContent).toContain("word99"));
    button("take-over")?.click();
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    // The other page ends its call only now; there are no more events.
    kernel.history = ended([], 2);
    const asked = kernel.of("history").length;
    kernel.say({ type: "log_grew", next: 2 });
    await vi.waitFor(() => expect(kernel.of("history")).toHaveLength(asked + 1));
    await new Promise((resolve) => setTimeout(resolve));
    peer().open();
    await vi.waitFor(() => expect(kernel.statuses.at(-1)).toBe("connected"));
    expect(carried(peer().channel.sent)).toEqual([HEARD]);
  });
});

describe("continuing a call right after the page was loaded again", () => {
  /** A page whose kernel has sent only the older half of the history. */
  async function startWithHalfOfTheHistory() {
    const started = startWidget({ isListening: false });
    const { kernel, peer } = started;
    kernel.history = ({ first }: Message) =>
      first === 0 ? piece([said("u1", "user", "The oldest question")], 0, 1, true) : "later";
    kernel.isListening = true;
    kernel.welcome();
    await vi.waitFor(() => expect(kernel.of("history")).toHaveLength(2));
    const texts = () => peer().channel.sent.map((text) => JSON.parse(text).item.content[0].text);
    const sendTheRest = () =>
      kernel.reply(kernel.last("history"), piece([said("u2", "user", "The newest question")], 1, 2));
    return { ...started, texts, sendTheRest };
  }

  it("waits until the whole history is there", async () => {
    const { kernel, peer, texts, sendTheRest } = await startWithHalfOfTheHistory();
    const connecting = kernel.ask("connect", { resume: true });
    await vi.waitFor(() => expect(FakePeer.all).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(kernel.of("exchange")).toEqual([]);
    sendTheRest();
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    await connecting;
    expect(texts()).toEqual(["The oldest question", "The newest question"]);
  });

  it("continues with what there is when the rest does not come", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { kernel, peer, texts } = await startWithHalfOfTheHistory();
    void kernel.ask("connect", { resume: true });
    await vi.advanceTimersByTimeAsync(5_100);
    expect(peer().remoteDescription).not.toBeNull();
    peer().open();
    expect(texts()).toEqual(["The oldest question"]);
  });

  it("does not wait for the history of a call that continues nothing", async () => {
    const { kernel, peer, texts } = await startWithHalfOfTheHistory();
    void kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().open();
    expect(texts()).toEqual([]);
  });
});

describe("a page whose call is taken over", () => {
  it("stops its microphone, hangs up, says so, and follows", async () => {
    const { model, kernel, microphone, peer, mount, attempt } = await startCall();
    const { element } = mount();
    remembering(kernel, []);
    expect((await kernel.ask("release_call")).result).toEqual({});
    expect(microphone.tracks[0]?.readyState).toBe("ended");
    expect(peer().connectionState).toBe("closed");
    expect(kernel.last("hang_up").attempt).toBe(attempt);
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code: "call_taken_over" } });
    tell(model, THEIRS);
    await vi.waitFor(() => expect(element.querySelector("[data-action=take-over]")).not.toBeNull());
    expect(element.querySelector(".rtc-error")?.textContent).toContain("Another page took the call over");
    expect(element.querySelector("[data-action=retry]")).toBeNull();
    // The error disappears also when the other page's call has ended.
    tell(model, NOBODY);
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")).toBeNull());
    expect(element.querySelector("[data-action=connect]")).not.toBeNull();
  });

  it("is not told its own events again, but those that the other call brings", async () => {
    const { model, kernel, channel, attempt, mount } = await startCall();
    const { element } = mount();
    channel.receive(JSON.parse(said("u1", "user", "Mine")[2]));
    await kernel.ask("release_call");
    kernel.history = () => piece([said("u1", "user", "Theirs")], 1, 2);
    tell(model, THEIRS);
    kernel.say({ type: "log_grew", next: 2 });
    await vi.waitFor(() => expect(element.textContent).toContain("Theirs"));
    expect(kernel.last("history")).toMatchObject({ brief: false, without: [attempt] });
    expect(element.querySelectorAll(".rtc-turn")).toHaveLength(2);
  });

  it("has nothing to hand over when it has no call", async () => {
    const { kernel } = startWidget();
    await vi.waitFor(() => kernel.last("state"));
    expect((await kernel.ask("release_call")).result).toEqual({});
    expect(kernel.states.at(-1)?.status).toBe("idle");
  });
});

describe("a page that goes", () => {
  it("says goodbye, after it has ended its call", async () => {
    const { kernel, model } = await startCall();
    dispatchEvent(new PageTransitionEvent("pagehide", { persisted: false }));
    expect(model.sent.at(-1)?.type).toBe("goodbye");
    expect(kernel.states.at(-1)?.status).toBe("idle");
  });
});
