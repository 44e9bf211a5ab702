/** A text of the assistant as elements; never as HTML. */

import { Component, type ComponentChildren } from "preact";
import { type Block, blocksOf, type Inline, inlinesOf } from "./markdown";

export function MarkdownText({ text }: { text: string }) {
  return (
    <>
      {blocksOf(text).map((block, index) => (
        <BlockView key={index} block={block} />
      ))}
    </>
  );
}

/** A block that has not changed is not rendered again: while a text grows, only its last block is. */
class BlockView extends Component<{ block: Block }> {
  override shouldComponentUpdate({ block: next }: { block: Block }): boolean {
    const { block } = this.props;
    if (next.is === "list" && block.is === "list") {
      return next.items.length !== block.items.length || next.items.some((item, index) => item !== block.items[index]);
    }
    return next.is !== block.is || next.is === "list" || block.is === "list" || next.source !== block.source;
  }

  override render({ block }: { block: Block }) {
    switch (block.is) {
      case "paragraph":
        return <p dir="auto">{inlines(block.source)}</p>;
      case "heading":
        return (
          <p dir="auto" class="rtc-heading">
            {inlines(block.source)}
          </p>
        );
      case "code":
        return (
          <pre dir="ltr">
            <code>{block.source}</code>
          </pre>
        );
      case "list": {
        const items = block.items.map((item, index) => <li key={index}>{inlines(item)}</li>);
        return block.isOrdered ? (
          <ol dir="auto" start={block.start}>
            {items}
          </ol>
        ) : (
          <ul dir="auto">{items}</ul>
        );
      }
    }
  }
}

function inlines(text: string): ComponentChildren {
  return inlinesOf(text).map(inline);
}

function inline(part: Inline, key: number): ComponentChildren {
  switch (part.is) {
    case "text":
      return part.text;
    case "code":
      return <code key={key}>{part.text}</code>;
    case "bold":
      return <strong key={key}>{part.parts.map(inline)}</strong>;
    case "italic":
      return <em key={key}>{part.parts.map(inline)}</em>;
    case "link":
      return (
        <a key={key} href={part.href} target="_blank" rel="noopener noreferrer">
          {part.text}
        </a>
      );
  }
}
