/** A JSON value as a tree: objects and lists fold, long texts are cut, and only what is open is rendered. */

import { useState } from "preact/hooks";
import { isRecord } from "../../json";
import { sizeText } from "./formats";

/** Objects down to this depth are open at first, if they have at most so many entries. */
const OPEN_DEPTH = 2;
const OPEN_ENTRIES = 30;
const MAX_ENTRIES = 100;
const CUT_LENGTH = 300;
/** Rendering more at once would block the page. */
const MORE_LENGTH = 200_000;

export function JsonTree({ value }: { value: unknown }) {
  return (
    <div class="rtc-json">
      <Value value={value} depth={0} />
    </div>
  );
}

interface ValueProps {
  readonly name?: string;
  readonly value: unknown;
  readonly depth: number;
}

function Value({ name, value, depth }: ValueProps) {
  const isList = Array.isArray(value);
  if (isList || isRecord(value)) {
    const entries = Object.entries(value);
    if (entries.length > 0) return <Branch name={name} entries={entries} isList={isList} depth={depth} />;
  }
  return (
    <div class="rtc-json-leaf">
      <Name name={name} />
      {typeof value === "string" ? (
        <Text text={value} />
      ) : (
        <span class="rtc-json-value" data-kind={value === null ? "null" : typeof value}>
          {JSON.stringify(value)}
        </span>
      )}
    </div>
  );
}

interface BranchProps {
  readonly name: string | undefined;
  readonly entries: readonly (readonly [name: string, value: unknown])[];
  readonly isList: boolean;
  readonly depth: number;
}

function Branch({ name, entries, isList, depth }: BranchProps) {
  const [isOpen, setOpen] = useState(depth < OPEN_DEPTH && entries.length <= OPEN_ENTRIES);
  const [shown, setShown] = useState(MAX_ENTRIES);
  const [begin, end] = isList ? "[]" : "{}";
  return (
    <details class="rtc-json-branch" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <Name name={name} />
        <span class="rtc-json-count">
          {begin}
          {entries.length.toLocaleString("en")}
          {end}
        </span>
      </summary>
      {isOpen &&
        entries.slice(0, shown).map(([key, value]) => <Value key={key} name={key} value={value} depth={depth + 1} />)}
      {isOpen && entries.length > shown && (
        <button type="button" class="rtc-link" onClick={() => setShown(shown + 10 * MAX_ENTRIES)}>
          … {(entries.length - shown).toLocaleString("en")} more
        </button>
      )}
    </details>
  );
}

function Name({ name }: { name: string | undefined }) {
  return name === undefined ? null : <span class="rtc-json-name">{name}: </span>;
}

function Text({ text }: { text: string }) {
  const [length, setLength] = useState(CUT_LENGTH);
  const rest = text.slice(length);
  return (
    <>
      <span class="rtc-json-value" data-kind="string">
        {JSON.stringify(text.slice(0, length))}
      </span>
      {rest !== "" && (
        <button type="button" class="rtc-link" onClick={() => setLength(length + MORE_LENGTH)}>
          … {sizeText(rest)} more
        </button>
      )}
    </>
  );
}
