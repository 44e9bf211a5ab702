/** Copies a text; returns a sentence that says whether it could. With `isNamed` it holds the text. */
export async function copyText(text: string, { isNamed = false } = {}): Promise<string> {
  try {
    await navigator.clipboard.writeText(text);
    return isNamed ? `Copied: ${text}` : "Copied.";
  } catch {
    // Without https, or in an iframe without the permission.
    return `The browser does not let this page copy${isNamed ? ` ${text}` : ""}.`;
  }
}
