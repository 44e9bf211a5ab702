// Fails if a module outside `src/protocols/` holds the name of a wire event as a string; comments are not strings.
import { readFileSync } from "node:fs";
import { forEachSource, isString, lineOf, report } from "./source_files.mjs";

// `error` is an event, too, but also a common word.
const names = new Set(["realtime", "live"].flatMap(namesOf).filter((name) => name.includes(".")));
const found = [];
let strings = 0;
forEachSource((path, file, walk) => {
  if (path.startsWith("protocols/")) return;
  walk((node) => {
    if (!isString(node)) return;
    strings += 1;
    if (names.has(node.text)) found.push(`src/${path}:${lineOf(node, file)}: "${node.text}"`);
  });
});
if (strings < 100) found.push(`only ${strings} strings were found; does the check still read the sources?`);
report("Only protocols/ may name wire events (see src/protocols/base.ts):", found);

function namesOf(protocol) {
  const path = new URL(`../tests/contract/${protocol}_event_names.json`, import.meta.url);
  const { client, server, beta = [] } = JSON.parse(readFileSync(path, "utf8"));
  return [...client, ...server, ...beta];
}
