/** The microphones and loudspeakers there are, by name once the browser tells the names, kept live. */

import type { Device } from "../comm/protocol";
import { pageError } from "../errors";

const KINDS: Readonly<Record<string, Device["kind"]>> = { audioinput: "microphone", audiooutput: "speaker" };

/** Chromium lists what the system prefers a second and a third time, as if these were devices. */
const STAND_INS = new Set(["default", "communications"]);

export async function listDevices(): Promise<readonly Device[]> {
  // Typed as always there, yet absent on plain http and in some webviews.
  const media: MediaDevices | undefined = navigator.mediaDevices;
  if (typeof media?.enumerateDevices !== "function") return [];
  const listed = await media.enumerateDevices();
  const found = listed.flatMap(({ kind, deviceId, label }): readonly Device[] => {
    const known = KINDS[kind];
    // Before the permission there is one nameless entry of each kind; it is no device that one could choose.
    return known && deviceId !== "" ? [{ kind: known, id: deviceId, name: label }] : [];
  });
  const real = found.filter(({ id }) => !STAND_INS.has(id));
  return found.filter(({ kind, id }) => !STAND_INS.has(id) || !real.some((device) => device.kind === kind));
}

/** Whether this is the device that the track comes from, be it by way of a stand-in ("Default - Headset"). */
export function isSource({ id, name }: Device, track: MediaStreamTrack): boolean {
  const { deviceId = "" } = track.getSettings();
  return deviceId === id || (STAND_INS.has(deviceId) && name !== "" && track.label.endsWith(` - ${name}`));
}

/** Reports the devices now and whenever one is plugged in or out. Call what is returned when names may have become known. */
export function watchDevices(report: (devices: readonly Device[]) => void, signal: AbortSignal): () => void {
  const tell = () => {
    void listDevices().then(
      (devices) => signal.aborted || report(devices),
      () => {}, // a browser that does not tell has none to choose from
    );
  };
  // `?.` as above: no media devices, no changes.
  (navigator.mediaDevices as MediaDevices | undefined)?.addEventListener("devicechange", tell, { signal });
  tell();
  return tell;
}

/** The device of that id or name, or of the only name that contains the word; throws `device_not_found`. */
export function findDevice(devices: readonly Device[], kind: Device["kind"], word: string): Device {
  const there = devices.filter((device) => device.kind === kind);
  const exact = there.find(({ id, name }) => id === word || name === word);
  if (exact) return exact;
  const near = there.filter(({ name }) => name.toLowerCase().includes(word.toLowerCase()));
  const [only] = near;
  if (only && near.length === 1) return only;
  const names =
    there.map(({ name }) => JSON.stringify(name)).join(", ") || "none; names are known once the microphone is allowed";
  const found = near.length > 1 ? "more than one" : "no";
  throw pageError("device_not_found", {
    message: `There is ${found} ${kind} of the name ${JSON.stringify(word)}. There are: ${names}.`,
  });
}

/** What this browser remembers of a person's choices, for all notebooks; nothing where it may not remember. */

const PREFIX = "rtc_widget.";

/** A device as a person chose it. Ids may change with the browser's site data, so the name is kept beside. */
export interface DeviceChoice {
  readonly id: string;
  readonly name: string;
}

export function recall(what: "microphone" | "speaker"): DeviceChoice | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(PREFIX + what) ?? "null");
    if (typeof kept !== "object" || kept === null || !("id" in kept) || !("name" in kept)) return undefined;
    return { id: String(kept.id), name: String(kept.name) };
  } catch {
    return undefined; // storage is forbidden in some frames, and others may have written there
  }
}

export function remember(what: "microphone" | "speaker", choice: DeviceChoice | undefined): void {
  try {
    if (choice) localStorage.setItem(PREFIX + what, JSON.stringify(choice));
    else localStorage.removeItem(PREFIX + what);
  } catch {
    // Then the choice holds for this page only.
  }
}
