// The TypeScript sources of the page half as syntax trees, for the checks.
import { fileURLToPath } from "node:url";
import { SyntaxKind } from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const ROOT = at("src/");

/** Calls back with the path below `src`, the file, and `walk(node => …)`, for each source file. */
export function forEachSource(callback) {
  const api = new API({ cwd: at(".") });
  try {
    const [project] = api.updateSnapshot({ openProject: at("tsconfig.json") }).getProjects();
    const names = project.program.getSourceFileNames().filter((name) => name.startsWith(ROOT));
    for (const name of names.filter((name) => /\.tsx?$/.test(name)).sort()) {
      const file = project.program.getSourceFile(name);
      callback(name.slice(ROOT.length), file, (visit) => walk(file, visit));
    }
  } finally {
    api.close();
  }
}

function walk(node, visit) {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

/** The line of a node, counted from 1. */
export function lineOf(node, file) {
  return file.text.slice(0, node.end).split("\n").length;
}

export function isString({ kind }) {
  return kind === SyntaxKind.StringLiteral || kind === SyntaxKind.NoSubstitutionTemplateLiteral;
}

/** Prints what was found, if anything, and makes the process fail. */
export function report(rule, found) {
  if (found.length === 0) return;
  process.stderr.write(`${[rule, ...found].join("\n")}\n`);
  process.exitCode = 1;
}
