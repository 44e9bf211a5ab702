import { describe, expect, it } from "vitest";
import { blocksOf, inlinesOf } from "../../src/ui/markdown";

describe("blocks", () => {
  it.each([
    [
      "one\ntwo\n\nthree",
      [
        ["paragraph", "one\ntwo"],
        ["paragraph", "three"],
      ],
    ],
    [
      "## Title\ntext",
      [
        ["heading", "Title"],
        ["paragraph", "text"],
      ],
    ],
    [
      "```py\nx = 1\n\ny\n```\nend",
      [
        ["code", "x = 1\n\ny"],
        ["paragraph", "end"],
      ],
    ],
    ["```\nstill growing", [["code", "still growing"]]],
    ["- a\n- b\n  more", [["list", ["a", "b\nmore"]]]],
    ["3. a\n4. b", [["list", ["a", "b"], 3]]],
    [
      "text\n* a\nback",
      [
        ["paragraph", "text"],
        ["list", ["a"]],
        ["paragraph", "back"],
      ],
    ],
    ["#hashtag and -5", [["paragraph", "#hashtag and -5"]]],
  ])("of %j", (text, expected) => {
    const found = blocksOf(text).map((block) =>
      block.is === "list"
        ? [block.is, block.items, ...(block.isOrdered ? [block.start] : [])]
        : [block.is, block.source],
    );
    expect(found).toEqual(expected);
  });
});

describe("inlines", () => {
  const text = (words: string) => ({ is: "text", text: words });
  it.each([
    ["a **b** c", [text("a "), { is: "bold", parts: [text("b")] }, text(" c")]],
    ["*i* and _j_", [{ is: "italic", parts: [text("i")] }, text(" and "), { is: "italic", parts: [text("j")] }]],
    ["`a*b*c`", [{ is: "code", text: "a*b*c" }]],
    ["snake_case_name 2*3*4", [text("snake_case_name 2*3*4")]],
    ["[RFC](https://www.rfc-editor.org/)", [{ is: "link", text: "RFC", href: "https://www.rfc-editor.org/" }]],
    [
      "see https://a.example/x.",
      [text("see "), { is: "link", text: "https://a.example/x.", href: "https://a.example/x" }],
    ],
    ["**open", [text("**open")]],
  ])("of %j", (words, expected) => {
    expect(inlinesOf(words)).toEqual(expected);
  });

  it.each(["javascript:alert(1)", "data:text/html,x", "/lab/tree", "vbscript:x", "JaVaScRiPt:x"])(
    "follow no %s",
    (target) => {
      expect(JSON.stringify(inlinesOf(`[click](${target})`))).not.toContain("href");
    },
  );

  it.each(["*", "_", "`", "[", "[a](", "**a", "https://", "- ", "1. "])("take linear time for many %j", (piece) => {
    const long = piece.repeat(20_000);
    const begin = performance.now();
    for (const block of blocksOf(long)) if (block.is === "paragraph") inlinesOf(block.source);
    // A quadratic pattern would take minutes.
    expect(performance.now() - begin).toBeLessThan(10_000);
  });
});
