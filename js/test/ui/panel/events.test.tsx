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
  const rows = () => [...element.querySelectorAll<HTMLElement>("[data-key]")];
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
      expect(types()).toEqual(["session.created", "response.create", "(no event)", "rtc_widget.binary"]),
    );
    const ways = [...element.querySelectorAll(".rtc-event-direction")].map((way) => way.getAttribute("aria-label"));
    expect(ways).toEqual(["received", "sent", "received", "received"]);
    expect(element.querySelector("time")?.textContent).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/);
  });

  it("unfolds an event as text, never as markup, and not without end", async () => {
    const { channel, open, rows, element } = await startListing();
    await open();
    channel.receive({ type: "<img src=x onerror=alert(1)>", inner: { deep: "<b>bold</b>" } });
    channel.receive({ type: "large", text: "x".repeat(1_000_000) });
    await vi.waitFor(() => expect(rows()).toHaveLength(2));
    rows()[0]?.click();
    await vi.waitFor(() => expect(element.querySelector("pre")?.textContent).toContain('    "deep": "<b>bold</b>"'));
    expect(element.querySelector(".rtc-panel img, .rtc-panel b")).toBeNull();
    expect(rows()[0]?.getAttribute("aria-expanded")).toBe("true");
    rows()[0]?.click();
    await vi.waitFor(() => expect(element.querySelector("pre")?.hidden).toBe(true));
    rows()[1]?.click();
    await vi.waitFor(() => expect(element.querySelector("pre")?.textContent).toContain("more characters"));
    expect(element.querySelector("pre")?.textContent?.length).toBeLessThan(21_000);
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
    const { types, earlier, kernel } = await startLate(1_200);
    await vi.waitFor(() => expect(types().at(-1)).toBe("past.1199"));
    expect(kernel.of("history").filter(({ brief }) => !brief)[0]).toMatchObject({ first: 700, before: 1_200 });
    earlier()?.click();
    await vi.waitFor(() => expect(kernel.of("history").at(-1)).toMatchObject({ first: 600, before: 700 }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(types().at(-1), "one goes on reading where one was").toBe("past.1199");
    earlier()?.click();
    await vi.waitFor(() => expect(earlier()).toBeNull());
  });

  it("ends where the kernel keeps nothing older", async () => {
    const { types, earlier } = await startLate(1_200, 1_000);
    await vi.waitFor(() => expect(types().at(-1)).toBe("past.1199"));
    expect(earlier()).toBeNull();
  });
});
