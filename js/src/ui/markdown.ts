/**
 * The small part of Markdown that models use: paragraphs, headings, lists, code, bold, italic and links. Pure.
 *
 * The text is not trusted: it becomes data, and `markdown_text.tsx` makes elements of it. All patterns have bounded
 * repetitions, so that no text takes more than linear time.
 */

export type Inline =
  | { readonly is: "text" | "code"; readonly text: string }
  | { readonly is: "bold" | "italic"; readonly parts: readonly Inline[] }
  | { readonly is: "link"; readonly text: string; readonly href: string };

export type Block =
  | { readonly is: "paragraph" | "heading"; readonly source: string }
  | { readonly is: "code"; readonly source: string }
  | { readonly is: "list"; readonly isOrdered: boolean; readonly start: number; readonly items: readonly string[] };

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const BULLET = /^ {0,6}[-*+] {1,4}(?=\S)/;
const NUMBER = /^ {0,6}(\d{1,9})[.)] {1,4}(?=\S)/;
const HEADING = /^#{1,6} {1,4}/;

/** Splits a text into its blocks; a block that is not finished yet (a text may still grow) is a block as well. */
export function blocksOf(text: string): readonly Block[] {
  const blocks: Block[] = [];
  let paragraph: string[] = [];
  const endParagraph = () => {
    if (paragraph.length > 0) blocks.push({ is: "paragraph", source: paragraph.join("\n") });
    paragraph = [];
  };
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    const fence = FENCE.exec(line)?.[1];
    if (fence !== undefined) {
      endParagraph();
      const code: string[] = [];
      while (++index < lines.length && !lines[index]?.trimStart().startsWith(fence)) code.push(lines[index] ?? "");
      blocks.push({ is: "code", source: code.join("\n") });
    } else if (line.trim() === "") {
      endParagraph();
    } else if (HEADING.test(line)) {
      endParagraph();
      blocks.push({ is: "heading", source: line.replace(HEADING, "") });
    } else if (BULLET.test(line) || NUMBER.test(line)) {
      endParagraph();
      const number = NUMBER.exec(line)?.[1];
      const marker = number === undefined ? BULLET : NUMBER;
      const items: string[] = [];
      for (; index < lines.length; index++) {
        const next = lines[index] ?? "";
        if (marker.test(next)) items.push(next.replace(marker, ""));
        // An indented line continues its item.
        else if (/^\s+\S/.test(next) && items.length > 0) items.push(`${items.pop()}\n${next.trim()}`);
        else break;
      }
      index -= 1;
      blocks.push({ is: "list", isOrdered: number !== undefined, start: Number(number ?? 1), items });
    } else {
      paragraph.push(line);
    }
  }
  endParagraph();
  return blocks;
}

const INLINE = new RegExp(
  [
    "`([^`\\n]{1,500})`",
    "\\*\\*(?=\\S)([^*\\n]{1,500})\\*\\*",
    "(?<![\\w*])\\*(?=\\S)([^*\\n]{1,500})\\*(?![\\w*])",
    "(?<!\\w)_(?=\\S)([^_\\n]{1,500})_(?!\\w)",
    "\\[([^\\[\\]\\n]{1,300})\\]\\(([^()\\s]{1,1000})\\)",
    "(https?://[^\\s<>()\"'`]{1,1000})",
  ].join("|"),
  "g",
);
const MAX_DEPTH = 3;

export function inlinesOf(text: string, depth = 0): readonly Inline[] {
  if (depth >= MAX_DEPTH) return [{ is: "text", text }];
  const parts: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const inline = inlineOf(match, depth);
    if (!inline) continue;
    if (match.index > end) parts.push({ is: "text", text: text.slice(end, match.index) });
    parts.push(inline);
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ is: "text", text: text.slice(end) });
  return parts;
}

function inlineOf(
  [, code, bold, star, underscore, label, target, bare]: RegExpExecArray,
  depth: number,
): Inline | undefined {
  if (code !== undefined) return { is: "code", text: code };
  if (bold !== undefined) return { is: "bold", parts: inlinesOf(bold, depth + 1) };
  const italic = star ?? underscore;
  if (italic !== undefined) return { is: "italic", parts: inlinesOf(italic, depth + 1) };
  const href = safeAddress(target ?? bare?.replace(/[.,;:!?]+$/, ""));
  if (href === undefined) return undefined;
  return { is: "link", text: label ?? bare ?? href, href };
}

/** Returns an address that a person may follow; undefined for scripts, data and what is relative to the notebook. */
function safeAddress(target: string | undefined): string | undefined {
  if (target === undefined || !/^(https?:\/\/|mailto:)/i.test(target)) return undefined;
  return URL.canParse(target) ? target : undefined;
}
