import { afterEach, describe, expect, it, vi } from "vitest";
import { browserHelp, helpPage } from "../src/host";
import { startWidget } from "./fakes";

const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
const AGENTS = {
  Chrome: CHROME,
  Edge: `${CHROME} Edg/150.0.0.0`,
  Firefox: "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
  Safari:
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
};

const forbidden: (keyof Document)[] = [];
afterEach(() => {
  for (const name of forbidden.splice(0)) Reflect.deleteProperty(document, name);
});

/** Simulates an iframe whose permission policy does not allow the microphone. */
function forbidMicrophone() {
  Object.defineProperty(document, "featurePolicy", { value: { allowsFeature: () => false }, configurable: true });
  forbidden.push("featurePolicy" as keyof Document);
}

/** Starts a call in which the microphone is refused with this `DOMException` and message. */
async function refused(words = "Permission denied", name = "NotAllowedError") {
  const { kernel, microphone, mount } = startWidget();
  const { element } = mount();
  microphone.isPrompting = true;
  const reply = kernel.ask("connect");
  await vi.waitFor(() => expect(kernel.of("prepare")).toHaveLength(1));
  microphone.refuse(name, words);
  const { error } = (await reply) as unknown as { error: { code: string; message: string; hint: string } };
  await vi.waitFor(() => expect(element.querySelector(".rtc-error-message")?.textContent).toBe(error.message));
  return { error, element, permission: () => kernel.states.at(-1)?.microphone_permission };
}

function linkIn(element: HTMLElement): HTMLAnchorElement {
  const link = element.querySelector<HTMLAnchorElement>("a.rtc-help");
  if (!link) throw new Error("there is no link");
  return link;
}

describe("who refused the microphone", () => {
  it("is the page around the notebook: an iframe without permission", async () => {
    forbidMicrophone();
    const { error, element, permission } = await refused();
    expect(error.code).toBe("microphone_blocked");
    expect(error.message).toContain("embedding page");
    expect(error.hint).toContain("iframe");
    expect(permission()).toBe("denied");
    expect(linkIn(element).href).toContain("Permissions-Policy/microphone");
  });

  it("is VS Code, which is named", async () => {
    vi.spyOn(navigator, "userAgent", "get").mockReturnValue(`${CHROME} Code/1.120.0 Electron/40.0.0`);
    const { error, element } = await refused();
    expect(error.code).toBe("microphone_blocked");
    expect(error.message).toBe("VS Code does not give notebooks access to the microphone.");
    expect(error.hint).toContain("JupyterLab");
    expect(element.querySelector("[data-action=listen]")?.textContent).toBe("Connect without a microphone");
    expect(linkIn(element).href).toContain("jupyterlab");
  });

  it("is the system", async () => {
    const { error, permission } = await refused("Permission denied by system");
    expect(error.code).toBe("microphone_denied");
    expect(error.message).toBe("The operating system refused the microphone.");
    expect(error.hint).toContain("system's privacy settings");
    expect(permission()).toBe("denied");
  });

  it("is nobody when the prompt was closed: it can come again", async () => {
    const { error, permission } = await refused("Permission dismissed");
    expect(error.code).toBe("microphone_denied");
    expect(permission()).toBe("prompt");
  });

  it.each(Object.entries(AGENTS))("is the person: help for %s, in words and as a link", async (name, agent) => {
    vi.spyOn(navigator, "userAgent", "get").mockReturnValue(agent);
    const { error, element } = await refused();
    expect(error.code).toBe("microphone_denied");
    expect(error.hint).toContain(`In ${name}`);
    const link = linkIn(element);
    expect(link.textContent).toContain(name);
    expect(link.href).toBe(browserHelp(agent).link);
    expect(link.rel).toBe("noreferrer");
  });

  it.each(
    Object.entries(AGENTS).flatMap(([name, agent]) =>
      ["NotFoundError", "NotReadableError", "OverconstrainedError"].map(
        (exception) => [exception, name, agent] as const,
      ),
    ),
  )("is nobody, but there is none to be had (%s): help for %s", async (exception, name, agent) => {
    vi.spyOn(navigator, "userAgent", "get").mockReturnValue(agent);
    const { element } = await refused("", exception);
    expect(linkIn(element).textContent).toContain(name);
    expect(linkIn(element).href).toBe(browserHelp(agent).link);
  });

  it("leaves out the link where there is no page that helps", () => {
    expect(helpPage("kernel_timeout")).toBeUndefined();
  });

  it.each(["insecure_context", "media_unavailable", "webrtc_unavailable"])("has a page for %s", (code) => {
    expect(new URL(helpPage(code)?.link ?? "").protocol).toBe("https:");
  });

  it("has a page of help of its own for each browser", () => {
    expect(new Set(Object.values(AGENTS).map((agent) => new URL(browserHelp(agent).link).host)).size).toBe(4);
  });
});
