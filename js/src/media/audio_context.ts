/** Audio contexts, and the browsers' rule that audio needs a user gesture first. */

import { within } from "../async";
import { pageError } from "../errors";

const RESUME_LIMIT_MS = 2_000;

/** Opens a context; at the browser's own rate where it does not support the requested one. */
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
  // A browser that needs a gesture first leaves the promise pending.
  await within(RESUME_LIMIT_MS, context.resume(), () => {
    throw pageError("audio_blocked");
  });
}

/** Resumes the context as soon as the browser allows it: after the next gesture anywhere in the page. */
export function keepResuming(context: AudioContext, signal: AbortSignal): void {
  const resume = () => {
    if (context.state === "suspended") void context.resume().catch(() => {});
  };
  resume();
  for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, resume, { signal, capture: true });
}
