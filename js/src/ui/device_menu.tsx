/** The menus of microphones and loudspeakers, and a setting; shown on demand, updated when a device is plugged in or out. */

import type { Device } from "../comm/protocol";
import type { Store } from "../store";

export function DeviceMenus({ store }: { store: Store }) {
  if (!store.showsDevices.value) return null;
  return (
    <div class="rtc-devices">
      <DeviceMenu store={store} kind="microphone" label="Microphone" />
      <DeviceMenu store={store} kind="speaker" label="Speaker" />
      {!store.isEventsOnly && <TextInterrupts store={store} />}
    </div>
  );
}

function TextInterrupts({ store }: { store: Store }) {
  return (
    <label class="rtc-switch">
      <input
        type="checkbox"
        data-setting="text_interrupts"
        checked={store.textInterrupts.value}
        disabled={store.isKernelDead.value}
        onChange={({ currentTarget }) => store.setTextInterrupts(currentTarget.checked)}
      />
      <span>Writing interrupts the voice</span>
    </label>
  );
}

function DeviceMenu({ store, kind, label }: { store: Store; kind: Device["kind"]; label: string }) {
  const devices = store.devices.value.filter((device) => device.kind === kind);
  const choice = store.chosen.value[kind];
  const isMissing = choice !== undefined && !devices.some(({ id }) => id === choice.id);
  return (
    <label class="rtc-device">
      <span>{label}</span>
      <select
        data-device={kind}
        value={choice?.id ?? ""}
        disabled={kind === "speaker" && !store.canChooseSpeaker}
        onChange={({ currentTarget }) => store.useDevice(kind, currentTarget.value)}
      >
        <option value="">System default</option>
        {isMissing && (
          <option value={choice.id} disabled>
            {choice.name || "Your choice"} (not plugged in)
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
