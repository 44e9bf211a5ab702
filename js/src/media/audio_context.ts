/** Audio contexts, and the browser's rule that sound wants a gesture first. */

import { within } from "../async";
import { pageError } from "../errors";

const RESUME_LIMIT_MS = 2_000;

/** Opens a context; with the browser's own rate where it does not know the wanted one. */
export function openContext(options?: AudioContextOptions): AudioContext {
  if (typeof globalThis.AudioContext !== "function") throw pageError("recording_unavailable");
  try {
    return new AudioContext(options);
  } catch {
    return new AudioContext();
  }
}

/** Waits until the context runs, or rejects with `audio_blocked`. */
export async function running(context: AudioContext): Promise<void> {
  if (context.state === "running") return;
  // A browser that wants a gesture first leaves the promise open.
  await within(RESUME_LIMIT_MS, context.resume(), () => {
    throw pageError("audio_blocked");
  });
}

/** Goes on as soon as the browser lets it: after the next gesture anywhere in the page. */
export function keepResuming(context: AudioContext, signal: AbortSignal): void {
  const resume = () => {
    if (context.state === "suspended") void context.resume().catch(() => {});
  };
  resume();
  for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, resume, { signal, capture: true });
}
