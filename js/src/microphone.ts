/** The microphone: opened for one attempt, stopped with it, whatever happens in between. */

import { microphoneError, pageError, type RtcWidgetError } from "./errors";
import type { MicrophonePermission } from "./protocol";

const CONSTRAINTS: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Opens the microphone for as long as the signal lives; a stream that comes too late is stopped at once. */
export async function openMicrophone(signal: AbortSignal): Promise<MediaStreamTrack> {
  const hindrance = microphoneHindrance();
  if (hindrance) throw hindrance;
  const stream = await navigator.mediaDevices.getUserMedia({ audio: CONSTRAINTS }).catch((error: unknown) => {
    throw microphoneError(error);
  });
  if (signal.aborted) {
    stopTracks(stream); // overtaken while the permission prompt was up
    throw signal.reason;
  }
  signal.addEventListener("abort", () => stopTracks(stream), { once: true });
  const [track] = stream.getAudioTracks();
  if (!track) throw pageError("microphone_not_found");
  return track;
}

/** Says why there can be no microphone in this page, if there can be none. */
export function microphoneHindrance(): RtcWidgetError | undefined {
  // Typed as always there, yet absent on plain http and in some webviews.
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  if (typeof devices?.getUserMedia === "function") return undefined;
  return pageError(isSecureContext ? "media_unavailable" : "insecure_context");
}

/** What an outcome of `openMicrophone` says about the permission; undefined where it says nothing. */
export function permissionAfter(error: RtcWidgetError | undefined): MicrophonePermission | undefined {
  switch (error?.code) {
    case undefined:
      return "granted";
    case "microphone_denied":
      // A prompt that was closed without an answer will be shown again; only its words tell it from a refusal.
      return error?.cause instanceof Error && /dismissed/i.test(error.cause.message) ? "prompt" : "denied";
    case "insecure_context":
    case "media_unavailable":
      return "unavailable";
    default:
      return undefined;
  }
}

/** Reports the browser's permission for the microphone now and whenever it changes, where the browser tells. */
export async function watchPermission(report: (is: MicrophonePermission) => void, signal: AbortSignal): Promise<void> {
  if (microphoneHindrance()) {
    report("unavailable");
    return;
  }
  try {
    const permission = await navigator.permissions.query({ name: "microphone" });
    const tell = () => {
      if (!signal.aborted) report(permission.state);
    };
    tell();
    permission.addEventListener("change", tell, { signal });
  } catch {
    // No Permissions API, or none for microphones: the first call will tell.
  }
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
