import { describe, expect, it, vi } from "vitest";
import "../../src/ui/styles/index.css";
import { startCall } from "../fakes";

const QUESTION = { call_id: "call_1", name: "delete_file", arguments: { path: "<b>notes</b>.txt" }, seconds: 60 };
const press = (root: Element, action: string) =>
  root.querySelector<HTMLButtonElement>(`[data-action=${action}]`)?.click();

describe("a question of the kernel", () => {
  it.each([
    ["allow", true],
    ["deny", false],
  ])("is answered by a click on %s", async (action, approved) => {
    const { kernel, mount } = await startCall();
    const { element } = mount();
    const reply = kernel.ask("approve", QUESTION);
    await vi.waitFor(() => expect(element.querySelector(".rtc-approval")?.textContent).toContain("delete_file"));
    expect(element.querySelector("dd")?.textContent).toBe("<b>notes</b>.txt");
    press(element, action);
    expect(await reply).toMatchObject({ result: { approved } });
    await vi.waitFor(() => expect(element.querySelector(".rtc-approval")).toBeNull());
  });

  it("shows all of what is asked leave for, and scrolls where it is long", async () => {
    const { kernel, mount } = await startCall();
    const { element } = mount();
    const script = `${"echo fine; ".repeat(200)}rm -r notes`;
    void kernel.ask("approve", { ...QUESTION, arguments: { script } });
    const shown = await vi.waitFor(() => {
      const found = element.querySelector("dd");
      if (!found) throw new Error("There is no question");
      return found;
    });
    expect(shown.textContent).toBe(script);
    expect(shown.scrollHeight).toBeGreaterThan(shown.clientHeight);
  });

  it("is answered with no by silence", async () => {
    const { kernel } = await startCall();
    expect(await kernel.ask("approve", { ...QUESTION, seconds: 0.05 })).toMatchObject({ result: { approved: false } });
  });

  it("is withdrawn when the call ends", async () => {
    const { kernel, mount } = await startCall();
    const { element } = mount();
    const reply = kernel.ask("approve", QUESTION);
    await vi.waitFor(() => expect(element.querySelector(".rtc-approval")).toBeTruthy());
    await kernel.ask("disconnect");
    expect(await reply).toMatchObject({ result: { approved: false } });
    await vi.waitFor(() => expect(element.querySelector(".rtc-approval")).toBeNull());
  });

  it("stands beside another, and each is answered for itself", async () => {
    const { kernel, mount } = await startCall();
    const { element } = mount();
    const first = kernel.ask("approve", QUESTION);
    const second = kernel.ask("approve", { ...QUESTION, call_id: "call_2" });
    await vi.waitFor(() => expect(element.querySelectorAll(".rtc-approval")).toHaveLength(2));
    press(element.querySelector("[data-call-id=call_2]") as Element, "allow");
    expect(await second).toMatchObject({ result: { approved: true } });
    press(element, "deny");
    expect(await first).toMatchObject({ result: { approved: false } });
  });
});

describe("a note of the kernel", () => {
  it("is shown and leaves the call going", async () => {
    const { kernel, mount } = await startCall();
    const { element } = mount();
    await kernel.ask("note", { code: "callback_failed", message: "show failed: no.", hint: "See chat.errors." });
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")?.textContent).toContain("show failed: no."));
    expect(element.querySelector(".rtc-error")?.getAttribute("data-ends-call")).toBe("false");
    expect(element.querySelector(".rtc-widget")?.getAttribute("data-status")).toBe("connected");
  });

  it("quotes no more of a server's words than one can read", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    channel.receive({ type: "error", error: { code: "other", message: "x".repeat(100_000) } });
    await vi.waitFor(() =>
      expect(element.querySelector(".rtc-error-message")?.textContent).toBe(`${"x".repeat(300)}…`),
    );
  });

  it("is not made of a cancellation that came too late", async () => {
    const { channel, mount } = await startCall();
    const { element } = mount();
    channel.receive({ type: "error", error: { code: "response_cancel_not_active", message: "Nothing to cancel." } });
    const busy = { code: "conversation_already_has_active_response", message: "Busy.", event_id: null };
    channel.receive({ type: "error", error: busy });
    channel.receive({ type: "error", error: { code: "other", message: "Something else." } });
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")?.textContent).toContain("Something else."));
    expect(element.textContent).not.toMatch(/Nothing to cancel|Busy/);
    channel.receive({ type: "error", error: { ...busy, event_id: "event_mine" } });
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")?.textContent).toContain("Busy."));
  });
});
