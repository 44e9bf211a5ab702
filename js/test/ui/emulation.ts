/** The media features that the browser reports, until the end of the test. */

import { afterEach } from "vitest";
import { cdp } from "vitest/browser";

/** The provider for Playwright adds the method. */
type Session = { send(method: string, parameters?: object): Promise<unknown> };

afterEach(() => emulate());

/** Sends a command of the Chrome DevTools Protocol. */
export const send = (method: string, parameters?: object) => (cdp() as unknown as Session).send(method, parameters);

/** Has the browser report these media features and no others. */
export const emulate = (...features: { name: string; value: string }[]) =>
  send("Emulation.setEmulatedMedia", { features });
