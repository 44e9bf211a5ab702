/** The microphones and loudspeakers; their names are empty until the browser reveals them. */

import type { Device } from "../comm/protocol";
import { pageError } from "../errors";

const KINDS: Readonly<Record<string, Device["kind"]>> = { audioinput: "microphone", audiooutput: "speaker" };

/** Chromium lists the system's preferred devices again under these ids. */
const ALIASES = new Set(["default", "communications"]);

export async function listDevices(): Promise<readonly Device[]> {
  // TypeScript says it always exists, but it does not on plain http and in some webviews.
  const media: MediaDevices | undefined = navigator.mediaDevices;
  if (typeof media?.enumerateDevices !== "function") return [];
  const listed = await media.enumerateDevices();
  const found = listed.flatMap(({ kind, deviceId, label }): readonly Device[] => {
    const known = KINDS[kind];
    // Before the permission there is one nameless entry of each kind, which cannot be chosen.
    return known && deviceId !== "" ? [{ kind: known, id: deviceId, name: label }] : [];
  });
  const real = found.filter(({ id }) => !ALIASES.has(id));
  return found.filter(({ kind, id }) => !ALIASES.has(id) || !real.some((device) => device.kind === kind));
}

/** Whether the track comes from this device, perhaps by an alias ("Default - Headset"). */
export function isSource({ id, name }: Device, track: MediaStreamTrack): boolean {
  const { deviceId = "" } = track.getSettings();
  return deviceId === id || (ALIASES.has(deviceId) && name !== "" && track.label.endsWith(` - ${name}`));
}

/** Reports the devices now and on each change. Returns a function that reports them again, once their names are known. */
export function watchDevices(report: (devices: readonly Device[]) => void, signal: AbortSignal): () => void {
  const notify = () => {
    void listDevices().then(
      (devices) => signal.aborted || report(devices),
      () => {}, // without a list there is nothing to choose from
    );
  };
  // `?.` as above.
  (navigator.mediaDevices as MediaDevices | undefined)?.addEventListener("devicechange", notify, { signal });
  notify();
  return notify;
}

/** Returns the device with that id or name, or the only one whose name contains `query`; throws `device_not_found`. */
export function findDevice(devices: readonly Device[], kind: Device["kind"], query: string): Device {
  const there = devices.filter((device) => device.kind === kind);
  const exact = there.find(({ id, name }) => id === query || name === query);
  if (exact) return exact;
  const near = there.filter(({ name }) => name.toLowerCase().includes(query.toLowerCase()));
  const [only] = near;
  if (only && near.length === 1) return only;
  const names =
    there.map(({ name }) => JSON.stringify(name)).join(", ") ||
    "none; names are known after the microphone has been allowed";
  const found = near.length > 1 ? "more than one" : "no";
  throw pageError("device_not_found", {
    message: `There is ${found} ${kind} with the name ${JSON.stringify(query)}. Found: ${names}.`,
  });
}

/** The choices are kept in the browser's storage, for all notebooks. */
const PREFIX = "rtc_widget.";

/** A device that a person chose. Ids may change with the browser's site data, so the name is kept as well. */
export interface DeviceChoice {
  readonly id: string;
  readonly name: string;
}

export function loadChoice(what: "microphone" | "speaker"): DeviceChoice | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(PREFIX + what) ?? "null");
    if (typeof kept !== "object" || kept === null || !("id" in kept) || !("name" in kept)) return undefined;
    return { id: String(kept.id), name: String(kept.name) };
  } catch {
    return undefined; // storage is forbidden in some frames, and may hold anything
  }
}

export function saveChoice(what: "microphone" | "speaker", choice: DeviceChoice | undefined): void {
  try {
    if (choice) localStorage.setItem(PREFIX + what, JSON.stringify(choice));
    else localStorage.removeItem(PREFIX + what);
  } catch {
    // The choice holds for this page only.
  }
}
