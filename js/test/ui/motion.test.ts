import { afterAll, afterEach, describe, expect, it } from "vitest";
import { cdp } from "vitest/browser";
import "../../src/ui/styles/index.css";
import { showState } from "../../demo/show_state";
import { STATES } from "../../demo/states";

/** The provider for Playwright adds the method. */
type Session = { send(method: string, parameters: object): Promise<unknown> };
const prefer = (value?: string) =>
  (cdp() as unknown as Session).send("Emulation.setEmulatedMedia", {
    features: value === undefined ? [] : [{ name: "prefers-reduced-motion", value }],
  });

const views: (() => void)[] = [];
afterEach(async () => {
  for (const unmount of views.splice(0)) unmount();
  document.body.replaceChildren();
  await prefer();
});

/** The parts of a state that move by themselves, or would move when they change. */
async function movingIn(script: (typeof STATES)[string]): Promise<string[]> {
  const element = document.createElement("div");
  document.body.append(element);
  views.push(await showState(element, script));
  const parts = [...element.querySelectorAll("*")].flatMap((one) =>
    ["", "::before", "::after", "::details-content"].map((pseudo) => [one, getComputedStyle(one, pseudo)] as const),
  );
  const moving = parts.filter(
    ([, { animationName, transitionDuration, scrollBehavior }]) =>
      animationName !== "none" || /[1-9]/.test(transitionDuration) || scrollBehavior !== "auto",
  );
  return [
    ...moving.map(([one]) => one.outerHTML.slice(0, 120)),
    ...element.getAnimations({ subtree: true }).map(({ playState }) => `an animation: ${playState}`),
  ];
}

describe("a person who prefers less motion", () => {
  const moved: string[] = [];

  it.each(Object.entries(STATES))("sees nothing move in the state %s", async (name, script) => {
    if ((await movingIn(script)).length > 0) moved.push(name);
    document.body.replaceChildren();
    await prefer("reduce");
    expect(await movingIn(script)).toEqual([]);
  });

  // Otherwise the test above could not fail.
  afterAll(() => expect(moved).toEqual(expect.arrayContaining(["Connecting", "The voice speaks", "Reconnecting"])));
});
