/** JSON from outside: what it holds, and how it is quoted among our own words. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isText(value: unknown): value is string {
  return typeof value === "string";
}

export function textOr<T>(value: unknown, fallback: T): string | T {
  return typeof value === "string" ? value : fallback;
}

/** Returns the object in a JSON text; undefined where the text is anything else. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Returns a text that has a UTF-8 form: halves of a character (lone surrogates, legal in JSON) become U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

const MAX_QUOTE_LENGTH = 300;

/** Shortens a text of somebody else for an error message. */
export function truncate(text: string): string {
  const whole = wellFormed(text);
  // Not within a character.
  return whole.length > MAX_QUOTE_LENGTH
    ? `${whole.slice(0, MAX_QUOTE_LENGTH).replace(/[\ud800-\udbff]$/, "")}…`
    : whole;
}
