import { describe, expect, it, vi } from "vitest";
import texts from "../../src/rtc_widget/errors/texts.json";
import contract from "../../tests/contract/protocol.json";
import { openPanel } from "../demo/show_state";
import { PROTOCOL } from "../src/comm/envelope";
import { decodeKernelMessage, INITIAL_STATE, MICROPHONE_PERMISSIONS, STATUSES } from "../src/comm/protocol";
import { PAGE_ERROR_CODES, pageError, TRANSIENT } from "../src/errors";
import { startCall, startWidget } from "./fakes";

const fromPage = contract.from_page as Record<string, { required: string[]; one_of?: string[]; sample: object }>;
const toPage = contract.to_page as Record<
  string,
  { required: string[]; one_of?: string[]; sample: Record<string, unknown> }
>;
const traits = contract.traits as Record<string, { default: unknown; enum?: string[] }>;

describe("what both halves have agreed on", () => {
  it("is this version of it", () => {
    expect(PROTOCOL).toBe(contract.protocol);
  });

  it.each(Object.entries(toPage))("decodes the kernel's %s", (_, { sample }) => {
    const decoded = decodeKernelMessage(sample, "p1");
    const { page: _page, ...rest } = sample;
    expect(decoded).toEqual(rest);
  });

  it.each(Object.entries(toPage))("does not take a %s without one of its fields", (_, { sample, required, one_of }) => {
    for (const field of [...required, ...(one_of ? [Object.keys(sample).find((key) => one_of.includes(key))] : [])]) {
      const { [String(field)]: _gone, ...rest } = sample;
      expect(decodeKernelMessage(rest, "p1"), String(field)).toBeUndefined();
    }
  });

  it("leaves what is for another page alone", () => {
    for (const { sample } of Object.values(toPage)) expect(decodeKernelMessage(sample, "p2")).toBeUndefined();
  });

  it.each([null, 7, "hello", [], {}, { type: "dance", page: "p1" }, { type: "ack", page: "p1", next: -1 }])(
    "takes no harm from %j",
    (content) => {
      expect(decodeKernelMessage(content, "p1")).toBeUndefined();
    },
  );

  it("starts in the state that the traits start in", () => {
    for (const [name, value] of Object.entries(INITIAL_STATE)) expect(traits[name]?.default, name).toEqual(value);
    expect(traits.status?.enum).toEqual(STATUSES);
    expect(traits.microphone_permission?.enum).toEqual(MICROPHONE_PERMISSIONS);
  });

  it("calls again after the same errors", () => {
    expect([...TRANSIENT].sort()).toEqual([...contract.error.transient_codes].sort());
  });

  it("names the same errors, and each has words and a next step", () => {
    expect([...PAGE_ERROR_CODES].sort()).toEqual([...contract.error.page_codes].sort());
    const wire = pageError("unexpected").toWire();
    expect(Object.keys(wire)).toEqual(contract.error.required);
    for (const code of PAGE_ERROR_CODES) {
      const { message, hint } = pageError(code as Parameters<typeof pageError>[0]);
      expect(texts.page[code as keyof typeof texts.page]).toMatchObject({ message, hint });
      expect(message).toMatch(/\w.*\.$/);
      expect(hint).toMatch(/\w.*\.$/);
    }
  });

  it("sends every kind of message with exactly the agreed fields", async () => {
    const { kernel, model, channel, mount } = await startCall();
    await openPanel(mount().element, "connection", [".rtc-sdp > summary"]);
    await vi.waitFor(() => kernel.last("explain_sdp"));
    channel.receive({ type: "session.created" });
    await kernel.ask("send", { events: [] });
    await kernel.ask("disconnect");
    await kernel.ask("send", { events: ["{}"] });
    kernel.say({ type: "ping" });
    await vi.waitFor(() => kernel.last("events"));
    dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
    // Messages of the direct exchange, of audio and statistics, and of settings have their own tests.
    const elsewhere = new Set([
      "bundle",
      "renegotiate",
      "create_client_secret",
      "exchanged",
      "audio",
      "stats",
      "clip",
      "sound",
      "update_session",
      "change_settings",
    ]);
    expect(new Set([...model.sent.map(({ type }) => type), ...elsewhere])).toEqual(new Set(Object.keys(fromPage)));
    for (const message of model.sent) {
      const { required = [], one_of = [] } = fromPage[message.type] ?? {};
      const keys = Object.keys(message).sort();
      const choice = one_of.filter((key) => key in message);
      expect(choice).toHaveLength(one_of.length > 0 ? 1 : 0);
      expect(keys).toEqual([...required, ...choice].sort());
      expect(message.page).toBe(kernel.page);
    }
    for (const { state } of kernel.of("state")) {
      expect(Object.keys(state as object).sort()).toEqual(Object.keys(contract.from_page.state.sample.state).sort());
    }
  });

  it("sends only states that the traits know", async () => {
    const { kernel } = await startCall();
    await kernel.ask("disconnect");
    for (const state of kernel.states) {
      for (const [name, value] of Object.entries(state)) {
        const allowed = traits[name]?.enum;
        if (allowed) expect(allowed, name).toContain(value);
      }
    }
  });

  it("reads only traits that there are", () => {
    const read: string[] = [];
    startWidget({
      setUp: (model) => {
        model.get = (name: string) => {
          read.push(name);
          return "" as never;
        };
      },
    });
    expect(read.length).toBeGreaterThan(0);
    for (const name of read) expect(Object.keys(traits)).toContain(name);
  });
});
