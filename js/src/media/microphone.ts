/** The microphone: opened for one attempt, stopped with it, whatever happens in between. */

import type { Device, MicrophonePermission } from "../comm/protocol";
import { microphoneError, pageError, type RtcWidgetError } from "../errors";
import { type DeviceChoice, recall, remember } from "./devices";

const CONSTRAINTS: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Which microphone a person wants, and whether it is muted; holds for every attempt of the model. */
export class Microphone {
  #track: MediaStreamTrack | undefined;
  #isMuted = false;
  #isHeldBack = false;
  #choice = recall("microphone");

  /** The chosen one; undefined leaves the choice to the browser. What was opened in its stead changes nothing here. */
  get choice(): DeviceChoice | undefined {
    return this.#choice;
  }

  get track(): MediaStreamTrack | undefined {
    return this.#track;
  }

  choose(device: Device | undefined): void {
    this.#choice = device;
    remember("microphone", device && { id: device.id, name: device.name });
  }

  /** Opens it for as long as the signal lives; a stream that comes too late is stopped at once. */
  async open(signal: AbortSignal): Promise<MediaStreamTrack> {
    const track = await openTrack(this.#choice?.id, signal);
    this.#track = track;
    this.#pass();
    return track;
  }

  /** Takes a track that is no device's for the microphone; it is muted like one. */
  adopt(track: MediaStreamTrack): void {
    this.#track = track;
    this.#pass();
  }

  mute(muted: boolean): void {
    this.#isMuted = muted;
    this.#pass();
  }

  /** Between two turns of push-to-talk nothing leaves the page, muted or not. */
  holdBack(heldBack: boolean): void {
    this.#isHeldBack = heldBack;
    this.#pass();
  }

  #pass(): void {
    if (this.#track) this.#track.enabled = !this.#isMuted && !this.#isHeldBack;
  }
}

async function openTrack(id: string | undefined, signal: AbortSignal): Promise<MediaStreamTrack> {
  const hindrance = microphoneHindrance();
  if (hindrance) throw hindrance;
  // A bare id would be a mere wish, and the browser would silently take another device.
  const wanted = id === undefined ? CONSTRAINTS : { ...CONSTRAINTS, deviceId: { exact: id } };
  const stream = await getStream(wanted).catch((error: RtcWidgetError) => {
    const isGone = error.code === "microphone_constraints" || error.code === "microphone_not_found";
    if (id === undefined || !isGone || signal.aborted) throw error;
    return getStream(CONSTRAINTS);
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

/** Says why there can be no microphone in this page, if there can be none. */
export function microphoneHindrance(): RtcWidgetError | undefined {
  // Typed as always there, yet absent on plain http and in some webviews.
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  if (typeof devices?.getUserMedia === "function") return undefined;
  return pageError(isSecureContext ? "media_unavailable" : "insecure_context");
}

/** What an outcome of opening says about the permission; undefined where it says nothing. */
export function permissionAfter(error: RtcWidgetError | undefined): MicrophonePermission | undefined {
  switch (error?.code) {
    case undefined:
      return "granted";
    case "microphone_denied":
      // A prompt that was closed without an answer will be shown again; only its words tell it from a refusal.
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
