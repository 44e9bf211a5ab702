// Fails if a module imports what the import rule forbids, or if files import each other in a circle; types count, too.
//
// A folder, or a file directly in `src`, may import its own folder and what stands on a line above its own.
import { posix } from "node:path";
import { SyntaxKind } from "typescript/unstable/ast";
import { forEachSource, lineOf, report } from "./source_files.mjs";

const LEVELS = [
  ["json", "async", "page", "host", "views"],
  ["errors"],
  ["comm"],
  ["media"],
  ["settings"],
  ["conversation"],
  ["protocols"],
  ["call", "peer"],
  ["session"],
  ["store"],
  ["ui"],
  ["index", "peer_index"],
];

const levels = new Map(LEVELS.flatMap((modules, level) => modules.map((module) => [module, level])));
const partOf = (path) => path.split("/")[0].replace(/\.tsx?$/, "");
const files = new Map();
forEachSource((path, file, walk) => {
  const imports = [];
  walk((node) => {
    if (node.kind !== SyntaxKind.ImportDeclaration && node.kind !== SyntaxKind.ExportDeclaration) return;
    const specifier = node.moduleSpecifier?.text ?? "";
    if (!specifier.startsWith(".")) return;
    imports.push({ target: posix.join(posix.dirname(path), specifier), line: lineOf(node, file) });
  });
  files.set(path, imports);
});

const found = [];
const graph = new Map();
for (const [path, imports] of files) {
  const own = partOf(path);
  if (!levels.has(own)) found.push(`src/${path}: "${own}" has no place in the import rule`);
  const targets = [];
  for (const { target, line } of imports) {
    const file = [`${target}.ts`, `${target}.tsx`, target].find((name) => files.has(name));
    if (file === undefined) continue; // a stylesheet, or a data file outside `src`
    targets.push(file);
    const other = partOf(file);
    if (other === own || levels.get(other) < levels.get(own)) continue;
    found.push(`src/${path}:${line}: "${own}" must not import "${other}" (src/${file})`);
  }
  graph.set(path, targets);
}
if (files.size < 30) found.push(`only ${files.size} files were found; does the check still read the sources?`);
for (const circle of circles(graph)) found.push(`circle: ${circle.map((path) => `src/${path}`).join(" → ")}`);
report(
  `Each module may import only its own folder and modules above it: ${LEVELS.map((names) => names.join(", ")).join(" < ")}`,
  found,
);

/** Finds circles by depth-first search; each is reported once. */
function circles(edges) {
  const result = [];
  const done = new Set();
  const visit = (path, trail) => {
    const start = trail.indexOf(path);
    if (start >= 0) result.push([...trail.slice(start), path]);
    if (start >= 0 || done.has(path)) return;
    for (const target of edges.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return result;
}
