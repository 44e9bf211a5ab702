/** Which microphone and which loudspeaker; shown on demand, kept live while devices come and go. */

import type { Device } from "../devices";
import type { Store } from "../store";

export function Devices({ store }: { store: Store }) {
  if (!store.showsDevices.value) return null;
  return (
    <div class="rtc-devices">
      <DeviceMenu store={store} kind="microphone" label="Microphone" />
      <DeviceMenu store={store} kind="speaker" label="Speaker" />
    </div>
  );
}

function DeviceMenu({ store, kind, label }: { store: Store; kind: Device["kind"]; label: string }) {
  const devices = store.devices.value.filter((device) => device.kind === kind && device.id !== "default");
  const chosen = store.chosen.value[kind] ?? "";
  const isGone = chosen !== "" && !devices.some(({ id }) => id === chosen);
  return (
    <label class="rtc-device">
      <span>{label}</span>
      <select
        data-device={kind}
        value={chosen}
        disabled={kind === "speaker" && !store.canChooseSpeaker}
        onChange={({ currentTarget }) => store.useDevice(kind, currentTarget.value)}
      >
        <option value="">System default</option>
        {isGone && (
          <option value={chosen} disabled>
            The one you chose is not plugged in
          </option>
        )}
        {devices.map(({ id, name }, index) => (
          <option key={id} value={id}>
            {name || `${label} ${index + 1}`}
          </option>
        ))}
      </select>
    </label>
  );
}
