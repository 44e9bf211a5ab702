/** The microphone: opened for one attempt, and always stopped with it. */

import type { Device, MicrophonePermission } from "../comm/protocol";
import { microphoneError, pageError, type RtcWidgetError } from "../errors";
import { type DeviceChoice, loadChoice, saveChoice } from "./devices";

/** What a call asks of the browser; other constraints may replace it. */
export const CONSTRAINTS: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};

/** The chosen microphone, and whether it is muted; for all attempts of the model. */
export class Microphone {
  #track: MediaStreamTrack | undefined;
  #isMuted = false;
  #isHeldBack = false;
  #choice = loadChoice("microphone");

  /** The chosen device; undefined leaves the choice to the browser. Opening another one instead does not change it. */
  get choice(): DeviceChoice | undefined {
    return this.#choice;
  }

  get track(): MediaStreamTrack | undefined {
    return this.#track;
  }

  choose(device: Device | undefined): void {
    this.#choice = device;
    saveChoice("microphone", device && { id: device.id, name: device.name });
  }

  /** Opens it until the signal is aborted; a stream that arrives later is stopped at once. */
  async open(signal: AbortSignal): Promise<MediaStreamTrack> {
    const track = await openMicrophone(CONSTRAINTS, this.#choice?.id, signal);
    this.#track = track;
    this.#updateTrack();
    return track;
  }

  /** Uses a track that does not come from a device; it is muted like a microphone. */
  useTrack(track: MediaStreamTrack): void {
    this.#track = track;
    this.#updateTrack();
  }

  mute(muted: boolean): void {
    this.#isMuted = muted;
    this.#updateTrack();
  }

  /** Silences the microphone between two push-to-talk turns, whether it is muted or not. */
  setHeldBack(isHeldBack: boolean): void {
    this.#isHeldBack = isHeldBack;
    this.#updateTrack();
  }

  #updateTrack(): void {
    if (this.#track) this.#track.enabled = !this.#isMuted && !this.#isHeldBack;
  }
}

/** Opens a microphone, if possible the one with that id, until the signal is aborted. */
export async function openMicrophone(
  wanted: MediaTrackConstraints,
  id: string | undefined,
  signal: AbortSignal,
): Promise<MediaStreamTrack> {
  const obstacle = microphoneObstacle();
  if (obstacle) throw obstacle;
  // Without `exact` the browser may silently open another device.
  const constraints = id === undefined ? wanted : { ...wanted, deviceId: { exact: id } };
  const stream = await getStream(constraints).catch((error: RtcWidgetError) => {
    const isGone = error.code === "microphone_constraints" || error.code === "microphone_not_found";
    if (id === undefined || !isGone || signal.aborted) throw error;
    return getStream(wanted);
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

function getStream(audio: MediaTrackConstraints): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia({ audio }).catch((error: unknown) => {
    throw microphoneError(error);
  });
}

/** Returns the error if this page cannot have a microphone at all. */
export function microphoneObstacle(): RtcWidgetError | undefined {
  // TypeScript says it always exists, but it does not on plain http and in some webviews.
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  if (typeof devices?.getUserMedia === "function") return undefined;
  return pageError(isSecureContext ? "media_unavailable" : "insecure_context");
}

/** Returns the permission that an attempt to open the microphone shows; undefined where it does not show any. */
export function permissionAfter(error: RtcWidgetError | undefined): MicrophonePermission | undefined {
  switch (error?.code) {
    case undefined:
      return "granted";
    case "microphone_denied":
      // A prompt that was closed without an answer is shown again; only its text distinguishes it from a refusal.
      return error?.cause instanceof Error && /dismissed/i.test(error.cause.message) ? "prompt" : "denied";
    case "microphone_blocked":
      return "denied";
    case "insecure_context":
    case "media_unavailable":
      return "unavailable";
    default:
      return undefined;
  }
}

/** Reports the browser's permission for the microphone now and on each change, where the browser reveals it. */
export async function watchPermission(report: (is: MicrophonePermission) => void, signal: AbortSignal): Promise<void> {
  if (microphoneObstacle()) {
    report("unavailable");
    return;
  }
  try {
    const permission = await navigator.permissions.query({ name: "microphone" });
    const notify = () => {
      if (!signal.aborted) report(permission.state);
    };
    notify();
    permission.addEventListener("change", notify, { signal });
  } catch {
    // Without a Permissions API for microphones the first call shows the permission.
  }
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
