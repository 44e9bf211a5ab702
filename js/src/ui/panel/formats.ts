/** Times and sizes, as the panel writes them. */

import { bytesOf } from "../../call/sendable";

/** Returns the time of day with milliseconds. */
export function timeOfDay(time: number): string {
  const at = new Date(time);
  const two = (number: number) => String(number).padStart(2, "0");
  const milliseconds = String(at.getMilliseconds()).padStart(3, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${milliseconds}`;
}

/** Returns a number of bytes in the unit that fits. */
export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const [value, unit] = bytes < 999_500 ? [bytes / 1_000, "KB"] : [bytes / 1_000_000, "MB"];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** Returns how large a text is in UTF-8. */
export function sizeText(text: string): string {
  return bytesText(bytesOf(text));
}
