/** Shell-style patterns for the types of events, as `events.of` in Python takes them (Python's `fnmatch.fnmatchcase`). */

/** Returns whether a type matches the pattern: `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`; upper and lower case differ. */
export function eventPattern(pattern: string): (type: string) => boolean {
  const expression = new RegExp(`^(?:${translated([...pattern])})$`, "su");
  return (type) => expression.test(type);
}

function translated(characters: readonly string[]): string {
  let expression = "";
  for (let at = 0; at < characters.length; at++) {
    const one = characters[at] ?? "";
    const end = one === "[" ? endOfSet(characters, at) : -1;
    if (end > 0) {
      expression += setOf(characters.slice(at + 1, end));
      at = end;
    } else expression += one === "*" ? ".*" : one === "?" ? "." : literal(one);
  }
  return expression;
}

/** Returns where the set that begins here ends; -1 where it does not: then `[` stands for itself. */
function endOfSet(characters: readonly string[], start: number): number {
  const first = characters[start + 1] === "!" ? start + 2 : start + 1;
  // A `]` in the first place belongs to the set.
  return characters.indexOf("]", first + 1);
}

function setOf(content: readonly string[]): string {
  const isNegated = content[0] === "!";
  const members = content.slice(isNegated ? 1 : 0);
  let set = "";
  for (let at = 0; at < members.length; at++) {
    const [first = "", hyphen, last] = members.slice(at, at + 3);
    if (hyphen !== "-" || last === undefined) set += literal(first);
    else {
      // An empty range, such as `[z-a]`, matches nothing.
      if (codeOf(first) <= codeOf(last)) set += `${literal(first)}-${literal(last)}`;
      at += 2;
    }
  }
  return `[${isNegated ? "^" : ""}${set}]`;
}

function literal(character: string): string {
  return `\\u{${codeOf(character).toString(16)}}`;
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}
