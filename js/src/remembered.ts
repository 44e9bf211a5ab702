/** What this browser remembers of a person's choices, for all notebooks; nothing where it may not remember. */

const PREFIX = "rtc_widget.";

/** A device as a person chose it. Ids may change with the browser's site data, so the name is kept beside. */
export interface Choice {
  readonly id: string;
  readonly name: string;
}

export function recall(what: "microphone" | "speaker"): Choice | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(PREFIX + what) ?? "null");
    if (typeof kept !== "object" || kept === null || !("id" in kept) || !("name" in kept)) return undefined;
    return { id: String(kept.id), name: String(kept.name) };
  } catch {
    return undefined; // storage is forbidden in some frames, and others may have written there
  }
}

export function remember(what: "microphone" | "speaker", choice: Choice | undefined): void {
  try {
    if (choice) localStorage.setItem(PREFIX + what, JSON.stringify(choice));
    else localStorage.removeItem(PREFIX + what);
  } catch {
    // Then the choice holds for this page only.
  }
}
