import { afterAll, describe, expect, it } from "vitest";
import { STATES } from "../../demo/states";
import { emulate } from "./emulation";
import { show } from "./shown";

/** The parts of a state that move by themselves, or would move when they change. */
async function movingIn(script: (typeof STATES)[string]): Promise<string[]> {
  const element = await show(script);
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
    await emulate({ name: "prefers-reduced-motion", value: "reduce" });
    expect(await movingIn(script)).toEqual([]);
  });

  // Otherwise the test above could not fail.
  afterAll(() => expect(moved).toEqual(expect.arrayContaining(["Connecting", "The voice speaks", "Reconnecting"])));
});
