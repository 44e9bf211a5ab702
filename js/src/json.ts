/** The words of others, where they stand among our own. */

const LONGEST_QUOTE = 300;

export function quoted(words: string): string {
  return words.length > LONGEST_QUOTE ? `${words.slice(0, LONGEST_QUOTE)}…` : words;
}
