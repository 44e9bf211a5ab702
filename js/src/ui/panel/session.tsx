/** The settings of the session: what the server has confirmed, and a form that changes some of them. */

import { useRef, useState } from "preact/hooks";
import { isCalling } from "../../comm/protocol";
import type { ConfirmedSession, SettingName } from "../../conversation/confirmed_session";
import { asRtcWidgetError } from "../../errors";
import { isRecord, isText, type JsonObject } from "../../json";
import type { Store } from "../../store";
import { usePageId } from "../landmark";

const LABELS: Readonly<Record<SettingName, string>> = {
  voice: "Voice",
  instructions: "Instructions",
  speed: "Speed",
  turn_detection: "Turn detection",
};
const TURN_DETECTIONS: Readonly<Record<string, string>> = {
  server_vad: "By silence (server_vad)",
  semantic_vad: "By meaning (semantic_vad)",
  off: "Off: push-to-talk",
};
const MAX_VALUE_LENGTH = 500;

export function SessionTab({ store }: { store: Store }) {
  const session = store.confirmedSession.value;
  const { status, data_channel_state: channel } = store.state.value;
  const isOpen = !store.isKernelDead.value && channel === "open";
  return (
    <div class="rtc-session">
      {!isOpen && <p class="rtc-tab-note">{closedNote(isCalling(status), session)}</p>}
      {isOpen && !session && <p class="rtc-tab-note">{unconfirmedNote(store)}</p>}
      {session && session.settings.length > 0 && <SessionForm store={store} session={session} isOpen={isOpen} />}
      {session && <ConfirmedSettings session={session} />}
    </div>
  );
}

function unconfirmedNote(store: Store): string {
  if (store.isEventsOnly) return "The events of this call have no settings that this page knows.";
  return "The server has not confirmed any settings yet.";
}

function closedNote(isBeginning: boolean, session: ConfirmedSession | null): string {
  if (isBeginning) return "The settings can be changed when the call is connected.";
  return session
    ? "There is no call. These are the settings of the last one."
    : "There is no call. Its settings are shown here, and can be changed during the call.";
}

type Draft = Partial<Record<SettingName, string>>;
type Outcome = "sent" | "confirmed" | { readonly refused: string };

interface FormProps {
  readonly store: Store;
  readonly session: ConfirmedSession;
  readonly isOpen: boolean;
}

function SessionForm({ store, session, isOpen }: FormProps) {
  const id = usePageId();
  /** What was edited and not confirmed. */
  const [draft, setDraft] = useState<Draft>({});
  const [outcomes, setOutcomes] = useState<Partial<Record<SettingName, Outcome>>>({});
  const changed = session.settings.filter(
    ({ name, value }) => draft[name] !== undefined && draft[name] !== inputText(name, value),
  );
  const isSending = Object.values(outcomes).includes("sent");
  const setOutcome = (name: SettingName, outcome: Outcome) => setOutcomes((before) => ({ ...before, [name]: outcome }));

  const sending = useRef(Promise.resolve());
  const send = async (name: SettingName, text: string) => {
    try {
      await store.updateSession({ [name]: settingOf(name, text) });
      setOutcome(name, "confirmed");
      // What was typed meanwhile stays.
      setDraft((before) => (before[name] === text ? without(before, name) : before));
    } catch (error) {
      const { message, hint } = asRtcWidgetError(error).toWire();
      setOutcome(name, { refused: `${message} ${hint}`.trim() });
    }
  };
  const sendChanges = () => {
    if (!isOpen || isSending) return;
    // One change after the other, so that a refusal belongs to its setting.
    for (const { name } of changed) {
      setOutcome(name, "sent");
      sending.current = sending.current.then(() => send(name, draft[name] ?? ""));
    }
  };
  return (
    <form
      class="rtc-session-form"
      aria-label="Change the session"
      onSubmit={(event) => {
        event.preventDefault();
        sendChanges();
      }}
      onKeyDown={(event) => {
        // In JupyterLab, Enter does not submit a form by itself.
        if (event.key !== "Enter" || event.isComposing || !(event.target instanceof HTMLInputElement)) return;
        event.preventDefault();
        sendChanges();
      }}
    >
      {session.settings.map(({ name, value, isFixed }) => (
        <Field
          key={name}
          id={`${id}-${name}`}
          name={name}
          text={draft[name] ?? inputText(name, value)}
          isFixed={isFixed}
          isDisabled={isFixed || !isOpen}
          outcome={outcomes[name]}
          isLate={store.isKernelSlow.value}
          onInput={(text) => {
            setDraft((before) => ({ ...before, [name]: text }));
            setOutcomes((before) => without(before, name));
          }}
        />
      ))}
      {session.settings.some(({ isFixed }) => !isFixed) && (
        <button
          type="submit"
          class="rtc-button"
          data-action="update-session"
          disabled={!isOpen || isSending || changed.length === 0}
        >
          {isSending ? "Waiting for the server" : "Update"}
        </button>
      )}
    </form>
  );
}

interface FieldProps {
  readonly id: string;
  readonly name: SettingName;
  readonly text: string;
  readonly isFixed: boolean;
  readonly isDisabled: boolean;
  readonly outcome: Outcome | undefined;
  /** Whether the kernel has not replied for a while. */
  readonly isLate: boolean;
  readonly onInput: (text: string) => void;
}

function Field({ id, name, text, isFixed, isDisabled, outcome, isLate, onInput }: FieldProps) {
  const refused = typeof outcome === "object" ? outcome.refused : "";
  const words = refused || noteOf(outcome, isLate) || (isFixed ? "Fixed at the start." : "");
  const shared = {
    id,
    name,
    value: text,
    disabled: isDisabled,
    "aria-describedby": `${id}-note`,
    "aria-invalid": refused !== "",
  } as const;
  return (
    <div class="rtc-field" data-setting={name}>
      <label for={id}>{LABELS[name]}</label>
      {name === "instructions" ? (
        <textarea {...shared} rows={3} dir="auto" onInput={({ currentTarget }) => onInput(currentTarget.value)} />
      ) : name === "turn_detection" ? (
        <select {...shared} onChange={({ currentTarget }) => onInput(currentTarget.value)}>
          {turnDetectionChoices(text).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      ) : name === "speed" ? (
        <input {...shared} type="number" step="any" onInput={({ currentTarget }) => onInput(currentTarget.value)} />
      ) : (
        <input
          {...shared}
          type="text"
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
        />
      )}
      <p class="rtc-field-note" id={`${id}-note`} role="status" data-refused={refused !== ""}>
        {words}
      </p>
    </div>
  );
}

function noteOf(outcome: Outcome | undefined, isLate: boolean): string {
  if (outcome === "confirmed") return "Confirmed.";
  return outcome === "sent" && isLate ? "Python has not replied yet. While a cell runs, the change waits." : "";
}

/** The choices, with what the server uses if that is another one. */
function turnDetectionChoices(text: string): readonly (readonly [value: string, label: string])[] {
  const known = Object.entries(TURN_DETECTIONS);
  if (text in TURN_DETECTIONS) return known;
  return [[text, text === "" ? "Not stated by the server" : text], ...known];
}

/** A setting as its field shows it. */
function inputText(name: SettingName, value: unknown): string {
  if (name === "turn_detection") {
    if (value === null) return "off";
    return isRecord(value) && isText(value.type) ? value.type : "";
  }
  return value === undefined || value === null ? "" : String(value);
}

/** The setting that the text of a field means. */
function settingOf(name: SettingName, text: string): unknown {
  if (name === "speed") return Number(text);
  if (name !== "turn_detection") return text;
  return text === "off" ? null : { type: text };
}

function without<T extends object>(record: T, name: keyof T): T {
  const { [name]: _, ...rest } = record;
  return rest as T;
}

function ConfirmedSettings({ session }: { session: ConfirmedSession }) {
  return (
    <details class="rtc-confirmed">
      <summary>All settings that the server has confirmed</summary>
      <dl>
        {settingLines(session.raw).map(([path, value]) => (
          <div key={path}>
            <dt>{path}</dt>
            <dd dir="auto">{value.length > MAX_VALUE_LENGTH ? `${value.slice(0, MAX_VALUE_LENGTH)} …` : value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

/** Returns the settings in objects, to any depth, as lines of a path and a value. */
export function settingLines(settings: JsonObject, path = ""): readonly (readonly [path: string, value: string])[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    const at = path === "" ? name : `${path}.${name}`;
    if (isRecord(value)) return settingLines(value, at);
    return [[at, isText(value) ? value : JSON.stringify(value)] as const];
  });
}
