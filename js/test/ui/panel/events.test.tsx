import { describe, expect, it, vi } from "vitest";
import "../../../src/ui/styles/index.css";
import { type Message, startCall, startWidget } from "../../fakes";

const row = (number: number) => ({ type: "test.row", number });

async function startListing() {
  const started = await startCall();
  const { element } = started.mount();
  const summary = element.querySelector<HTMLElement>(".rtc-panel > summary");
  const open = async () => {
    summary?.click();
    await vi.waitFor(() => expect(element.querySelector(".rtc-event-box")).not.toBeNull());
  };
  const rows = () => [...element.querySelectorAll<HTMLElement>("[data-row]")];
  const types = () => rows().map((one) => one.querySelector(".rtc-event-type")?.textContent);
  const box = () => element.querySelector<HTMLElement>(".rtc-event-box") as HTMLElement;
  const press = (key: string) =>
    document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const place = () => Number(document.activeElement?.closest("li")?.getAttribute("aria-posinset"));
  return { ...started, element, summary, open, rows, types, box, press, place };
}

describe("the log of events", () => {
  it("says how many there are, once it is opened", async () => {
    const { channel, open, element } = await startListing();
    expect(element.querySelector("details")?.open).toBe(false);
    channel.receive(row(1));
    channel.receive(row(2));
    expect(element.querySelector("[role=tablist], .rtc-event-box")).toBeNull();
    await open();
    await vi.waitFor(() => expect(element.querySelector(".rtc-event-count")?.textContent).toBe("2"));
  });

  it("shows direction, time and type, and grows while the call goes on", async () => {
    const { channel, kernel, open, types, element } = await startListing();
    await open();
    channel.receive({ type: "session.created" });
    await kernel.ask("send", { events: ['{"type":"response.create"}'] });
    channel.receive("no json {");
    channel.receive(new ArrayBuffer(8));
    await vi.waitFor(() =>
      expect(types()).toEqual(["session.created", "response.create", "rtc_widget.unreadable", "rtc_widget.binary"]),
    );
    const ways = [...element.querySelectorAll(".rtc-event-direction")].map((way) => way.getAttribute("aria-label"));
    expect(ways).toEqual(["received", "sent", "received", "received"]);
    expect(element.querySelector("time")?.textContent).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/);
  });

  it("shows the chosen event as a tree of texts, never as markup, with long texts cut", async () => {
    const { channel, open, rows, element } = await startListing();
    await open();
    channel.receive({ type: "<img src=x onerror=alert(1)>", inner: { deep: { deeper: "<b>bold</b>" } } });
    channel.receive({ type: "large", text: "é".repeat(10_000), huge: "x".repeat(1_000_000) });
    await vi.waitFor(() => expect(rows()).toHaveLength(2));
    const tree = () => element.querySelector<HTMLElement>(".rtc-json");
    rows()[0]?.click();
    await vi.waitFor(() => expect(tree()?.textContent).toContain("deep: {1}"));
    expect(tree()?.textContent).not.toContain("bold");
    for (const branch of tree()?.querySelectorAll("details") ?? []) branch.open = true;
    await vi.waitFor(() => expect(tree()?.textContent).toContain('deeper: "<b>bold</b>"'));
    expect(element.querySelector(".rtc-panel img, .rtc-panel b")).toBeNull();
    expect(rows()[0]?.getAttribute("aria-expanded")).toBe("true");
    rows()[0]?.click();
    await vi.waitFor(() => expect(element.querySelector<HTMLElement>(".rtc-event-details")?.hidden).toBe(true));
    rows()[1]?.click();
    const more = () => [...(tree()?.querySelectorAll<HTMLElement>("button") ?? [])];
    await vi.waitFor(() =>
      expect(more().map(({ textContent }) => textContent)).toEqual(["… 19 KB more", "… 1.0 MB more"]),
    );
    expect(tree()?.textContent?.length).toBeLessThan(2_000);
    more()[0]?.click();
    await vi.waitFor(() => expect(tree()?.textContent).toContain("é".repeat(10_000)));
    more()[0]?.click();
    await vi.waitFor(() => expect(more()[0]?.textContent).toBe("… 800 KB more"));
  });

  it("draws only what can be seen of a hundred thousand, and follows the end", async () => {
    const { channel, open, rows, box, types } = await startListing();
    await open();
    const started = performance.now();
    for (let number = 0; number < 100_000; number++) channel.receive(JSON.stringify(row(number)));
    channel.receive({ type: "test.last" });
    await vi.waitFor(() => expect(types().at(-1)).toBe("test.last"), 8_000);
    expect(performance.now() - started).toBeLessThan(60_000);
    expect(rows().length).toBeLessThan(40);
    expect(box().scrollHeight).toBeGreaterThan(2_000_000);
  });

  it("stays where one has scrolled up to read", async () => {
    const { channel, open, box, types } = await startListing();
    await open();
    for (let number = 0; number < 200; number++) channel.receive({ type: `row.${number}` });
    await vi.waitFor(() => expect(types().at(-1)).toBe("row.199"));
    box().scrollTop = 0;
    await vi.waitFor(() => expect(types()[0]).toBe("row.0"));
    channel.receive({ type: "one.more" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(box().scrollTop).toBe(0);
    expect(types()[0]).toBe("row.0");
  });

  it("is walked through by keyboard: one stop for Tab, then arrows, Home and End", async () => {
    const { channel, open, rows, types, press, place } = await startListing();
    await open();
    for (let number = 0; number < 300; number++) channel.receive(row(number));
    await vi.waitFor(() => expect(types().length).toBeGreaterThan(5));
    await vi.waitFor(() => expect(rows().filter(({ tabIndex }) => tabIndex === 0)).toHaveLength(1));
    rows()
      .find(({ tabIndex }) => tabIndex === 0)
      ?.focus();
    press("Home");
    await vi.waitFor(() => expect(place()).toBe(1));
    press("ArrowDown");
    press("ArrowUp");
    press("ArrowDown");
    await vi.waitFor(() => expect(place()).toBe(2));
    press("End");
    await vi.waitFor(() => expect(place()).toBe(300));
    press("PageUp");
    await vi.waitFor(() => expect(place()).toBe(292));
  });
});

const response = (id: string, words: string) => [
  { type: "response.created", response: { id, status: "in_progress" } },
  ...words.split(/(?<= )/).map((delta) => ({ type: "response.output_text.delta", response_id: id, delta })),
  { type: "response.output_text.done", response_id: id, text: words },
  { type: "response.done", response: { id, status: "completed" } },
];

describe("the rows", () => {
  it("fold the events of a response, and its deltas of one kind, and open to them", async () => {
    const { channel, kernel, open, rows, press } = await startListing();
    await open();
    await kernel.ask("send", { events: ['{"type":"response.create"}'] });
    for (const event of response("r1", "It finds a path ")) channel.receive(event);
    channel.receive({ type: "session.updated" });
    const texts = (part: string) => rows().map((one) => one.querySelector(part)?.textContent);
    await vi.waitFor(() =>
      expect(texts(".rtc-event-type")).toEqual([
        "response.create",
        "response.created … response.done",
        "session.updated",
      ]),
    );
    expect(texts(".rtc-event-many")).toEqual([undefined, "× 7", undefined]);
    expect(texts(".rtc-event-words")[1]).toBe("It finds a path ");
    expect(texts(".rtc-event-size")[1]).toMatch(/^\d+ B$/);
    rows()[1]?.click();
    await vi.waitFor(() =>
      expect(texts(".rtc-event-type").slice(2, 6)).toEqual([
        "response.created",
        "response.output_text.delta",
        "response.output_text.done",
        "response.done",
      ]),
    );
    expect(rows()[1]?.getAttribute("aria-expanded")).toBe("true");
    expect(texts(".rtc-event-many")[3]).toBe("× 4");
    rows()[3]?.focus();
    press("ArrowRight");
    await vi.waitFor(() => expect(texts(".rtc-event-words").slice(4, 8)).toEqual(["It ", "finds ", "a ", "path "]));
    press("ArrowLeft");
    await vi.waitFor(() => expect(rows()).toHaveLength(7));
    rows()[1]?.click();
    await vi.waitFor(() => expect(rows()).toHaveLength(3));
  });

  it("are those that the pattern and the direction select, as `events.of` does", async () => {
    const { channel, kernel, open, types, element } = await startListing();
    await open();
    channel.receive({ type: "session.created" });
    channel.receive({ type: "rate_limits.updated" });
    await kernel.ask("send", { events: ['{"type":"session.update"}'] });
    const filter = element.querySelector<HTMLInputElement>("input[type=search]") as HTMLInputElement;
    const count = () => element.querySelector(".rtc-event-count")?.textContent;
    const type = (pattern: string) => {
      filter.value = pattern;
      filter.dispatchEvent(new InputEvent("input", { bubbles: true }));
    };
    type("session.*");
    await vi.waitFor(() => expect(types()).toEqual(["session.created", "session.update"]));
    expect(count()).toBe("2 of 3");
    channel.receive({ type: "session.updated" });
    await vi.waitFor(() => expect(types()).toHaveLength(3));
    const direction = element.querySelector<HTMLSelectElement>(".rtc-event-directions") as HTMLSelectElement;
    direction.value = "sent";
    direction.dispatchEvent(new Event("change", { bubbles: true }));
    await vi.waitFor(() => expect(types()).toEqual(["session.update"]));
    type("nothing");
    await vi.waitFor(() => expect(element.querySelector(".rtc-no-events")?.textContent).toBe("No event matches."));
  });

  it("stand still while they are paused, and catch up", async () => {
    const { channel, open, types, element } = await startListing();
    await open();
    channel.receive({ type: "one" });
    await vi.waitFor(() => expect(types()).toEqual(["one"]));
    const pause = element.querySelector<HTMLElement>("[data-action=pause-events]");
    pause?.click();
    await vi.waitFor(() => expect(pause?.textContent).toBe("Resume"));
    channel.receive({ type: "two" });
    channel.receive({ type: "three" });
    const count = () => element.querySelector(".rtc-event-count")?.textContent;
    await vi.waitFor(() => expect(count()).toBe("3, 2 new"));
    expect(types()).toEqual(["one"]);
    pause?.click();
    await vi.waitFor(() => expect(types()).toEqual(["one", "two", "three"]));
  });

  it("keep their place while a response above them grows", async () => {
    const { channel, open, box, rows, types } = await startListing();
    await open();
    const [created, ...others] = response("r1", "a b c d e f g h");
    channel.receive(created);
    for (let number = 0; number < 100; number++) channel.receive({ type: `row.${number}` });
    await vi.waitFor(() => expect(types().at(-1)).toBe("row.99"));
    for (const event of others) channel.receive(event);
    box().scrollTop = 0;
    await vi.waitFor(() => expect(types()[0]).toBe("response.created … response.done"));
    rows()[0]?.click();
    await vi.waitFor(() => expect(types()[1]).toBe("response.created"));
    expect(box().scrollTop).toBe(0);
  });
});

describe("the closed panel", () => {
  it("costs nothing per event: no frame, no rendering", async () => {
    const { channel, element, open, types, summary } = await startListing();
    const details = element.querySelector<HTMLDetailsElement>(".rtc-panel") as HTMLDetailsElement;
    const before = details.innerHTML;
    const frames = vi.spyOn(window, "requestAnimationFrame");
    const parsed = vi.spyOn(JSON, "parse");
    for (let number = 0; number < 50; number++) channel.receive(row(number));
    // Parsed once, for the call; the outbox for the kernel asks for one frame.
    expect(parsed.mock.calls.filter(([text]) => text.startsWith('{"type":"test.row"'))).toHaveLength(50);
    expect(frames.mock.calls.length).toBeLessThanOrEqual(1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(details.innerHTML).toBe(before);
    await open();
    await vi.waitFor(() => expect(types().length).toBeGreaterThan(0));
    summary?.click();
    await vi.waitFor(() => expect(element.querySelector("[role=tabpanel]")).toBeNull());
    frames.mockClear();
    for (let number = 0; number < 50; number++) channel.receive(row(number));
    expect(frames.mock.calls.length).toBeLessThanOrEqual(1);
  });
});

describe("the log before this page", () => {
  const wire = (number: number) => ["received", 1_795_286_400_000 + number, JSON.stringify({ type: `past.${number}` })];

  async function startLate(count: number, gone = 0) {
    const started = startWidget({ isListening: false });
    started.kernel.history = ({ first, before, brief }: Message) => {
      const from = Math.max(Number(first), gone);
      // At most 200 events per reply; the kernel limits its replies by characters.
      const end = Math.min((before as number | null) ?? count, from + 200);
      const events = Array.from({ length: end - from }, (_, index) => wire(from + index));
      const calls = brief ? [] : [{ attempt: "a0", resumes: false, events }];
      return { result: { calls, first: from, next: end, more: end < ((before as number | null) ?? count) } };
    };
    started.kernel.isListening = true;
    started.kernel.welcome();
    const { element } = started.mount();
    const summary = element.querySelector<HTMLElement>(".rtc-panel > summary");
    await vi.waitFor(() => expect(started.kernel.of("history").length).toBeGreaterThan(0));
    summary?.click();
    const shown = () => element.querySelector(".rtc-event-count")?.textContent;
    await vi.waitFor(() => expect(shown()).toBe(count.toLocaleString("en")));
    const types = () => [...element.querySelectorAll(".rtc-event-type")].map(({ textContent }) => textContent);
    const earlier = () => element.querySelector<HTMLElement>("[data-action=earlier]");
    return { ...started, element, types, earlier };
  }

  it("is asked of the kernel when it is opened, the newest first", async () => {
    const { types, earlier, kernel, element } = await startLate(1_200);
    const size = () => Number(element.querySelector("[aria-setsize]")?.getAttribute("aria-setsize"));
    await vi.waitFor(() => expect(types().at(-1)).toBe("past.1199"));
    const before = size();
    expect(kernel.of("history").filter(({ brief }) => !brief)[0]).toMatchObject({ first: 700, before: 1_200 });
    earlier()?.click();
    await vi.waitFor(() => expect(kernel.of("history").at(-1)).toMatchObject({ first: 600, before: 700 }));
    await vi.waitFor(() => expect(size()).toBe(before + 500));
    // The rows follow when the box has told that it has scrolled.
    await vi.waitFor(() => expect(types().at(-1), "one goes on reading where one was").toBe("past.1199"));
    earlier()?.click();
    await vi.waitFor(() => expect(earlier()).toBeNull());
  });

  async function copiedIndex({ element, types }: Awaited<ReturnType<typeof startLate>>, type: string) {
    await vi.waitFor(() => expect(types()).toContain(type));
    const copied = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    [...element.querySelectorAll<HTMLElement>(".rtc-event")].find((one) => one.textContent?.includes(type))?.click();
    await vi.waitFor(() => expect(element.querySelector("[data-action=copy-index]")).not.toBeNull());
    element.querySelector<HTMLElement>("[data-action=copy-index]")?.click();
    const status = () => element.querySelector(".rtc-event-details [role=status]")?.textContent ?? "";
    await vi.waitFor(() => expect(status()).not.toBe(""));
    return [copied.mock.calls.flat(), status()];
  }

  it("copies where Python has an event, of those it has not dropped", async () => {
    const started = await startLate(1_200, 1_000);
    expect(await copiedIndex(started, "past.1198")).toEqual([["chat.events[198]"], "Copied: chat.events[198]"]);
  });

  it("copies no place at which Python has another event", async () => {
    const started = await startLate(1_200);
    await vi.waitFor(() => expect(started.types().at(-1)).toBe("past.1199"));
    const other = { attempt: "a0", resumes: false, events: [["received", 1, '{"type":"other"}']] };
    started.kernel.history = ({ first }: Message) => ({
      result: { calls: [other], first, next: Number(first) + 1, more: false },
    });
    const [copied, status] = await copiedIndex(started, "past.1198");
    expect(copied).toEqual([]);
    expect(status).toBe("The place of this event in chat.events is not known here.");
  });

  it("ends where the kernel keeps nothing older", async () => {
    const { types, earlier } = await startLate(1_200, 1_000);
    await vi.waitFor(() => expect(types().at(-1)).toBe("past.1199"));
    expect(earlier()).toBeNull();
  });
});
