/** The beat at which events leave for the kernel. */

const HIDDEN_PAUSE_MS = 4;
const LONGEST_FRAME_MS = 100;

/**
 * Calls back at the next animation frame, or about then where there are no frames; returns how to call it off.
 *
 * Hidden pages get no frames and their timers run once a second, but messages to oneself still come; they are passed on until a few
 * milliseconds are over. An iframe that is not displayed gets no frames either while its page is visible: hence the timer beside.
 */
export function nextFrame(callback: () => void): () => void {
  const end = new AbortController();
  const call = () => {
    end.abort();
    callback();
  };
  if (document.visibilityState === "hidden") passMessages(call, end.signal);
  else {
    const frame = requestAnimationFrame(call);
    const timer = setTimeout(call, LONGEST_FRAME_MS);
    end.signal.addEventListener("abort", () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    });
  }
  return () => end.abort();
}

function passMessages(callback: () => void, signal: AbortSignal): void {
  const { port1, port2 } = new MessageChannel();
  const due = performance.now() + HIDDEN_PAUSE_MS;
  port1.onmessage = () => {
    if (performance.now() >= due) callback();
    else port2.postMessage(null);
  };
  signal.addEventListener("abort", () => port1.close());
  port2.postMessage(null);
}
