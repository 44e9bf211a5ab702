import { describe, expect, it, vi } from "vitest";
import { userEvent } from "vitest/browser";
import "../../src/ui/styles/index.css";
import { startCall, startWidget } from "../fakes";

const draft = (root: Element) => {
  const found = root.querySelector("textarea");
  if (!found) throw new Error("The view lacks its text box");
  return found;
};

describe("the arrow keys in the text box", () => {
  const startWithMessages = async () => {
    const started = await startCall();
    const { element } = started.mount();
    for (const text of ["one", "two"]) {
      await userEvent.type(draft(element), `${text}{Enter}`);
      await vi.waitFor(() => expect(draft(element).value).toBe(""));
    }
    const press = async (keys: string) => {
      await userEvent.keyboard(keys);
      return draft(element).value;
    };
    return { ...started, element, press };
  };

  it("recall the messages that were sent, and give back what was being written", async () => {
    const { element, press } = await startWithMessages();
    await userEvent.type(draft(element), "thr");
    const seen = [];
    for (const key of ["{ArrowUp}", "{ArrowUp}", "{ArrowUp}", "{ArrowDown}", "{ArrowDown}", "{ArrowDown}"]) {
      await press(key);
      await vi.waitFor(() => expect(draft(element).value).not.toBe(""));
      seen.push(draft(element).value);
    }
    expect(seen).toEqual(["two", "one", "one", "two", "thr", "thr"]);
  });

  it("begin anew when a recalled message was changed, and send it as it is now", async () => {
    const { channel, element, press } = await startWithMessages();
    await press("{ArrowUp}");
    await vi.waitFor(() => expect(draft(element).value).toBe("two"));
    await press("!{Enter}");
    await vi.waitFor(() => expect(channel.sent.at(-2)).toContain("two!"));
    await press("{ArrowUp}");
    await vi.waitFor(() => expect(draft(element).value).toBe("two!"));
  });

  it("move the caret within several lines", async () => {
    const { element, press } = await startWithMessages();
    await userEvent.type(draft(element), "first{Shift>}{Enter}{/Shift}second");
    expect(await press("{ArrowUp}")).toBe("first\nsecond");
    expect(draft(element).selectionStart).toBeLessThanOrEqual("first".length);
  });
});

describe("Escape in the text box", () => {
  const inCell = (element: HTMLElement, tabIndex: string | null) => {
    const cell = document.createElement("div");
    cell.className = "jp-Cell";
    if (tabIndex !== null) cell.setAttribute("tabindex", tabIndex);
    document.body.append(cell);
    cell.append(element);
    return cell;
  };

  it("gives the focus to the notebook's cell", async () => {
    const { element } = startWidget().mount();
    const cell = inCell(element, "-1");
    draft(element).focus();
    await userEvent.keyboard("{Escape}");
    expect(document.activeElement).toBe(cell);
  });

  it("keeps the focus where there is no cell", async () => {
    const { element } = startWidget().mount();
    inCell(element, null);
    draft(element).focus();
    await userEvent.keyboard("{Escape}");
    expect(document.activeElement).toBe(draft(element));
  });
});
