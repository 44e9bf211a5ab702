// Bundles the page half into one self-contained ES module and one stylesheet for each widget, where the Python package looks
// for them.
// With --watch it bundles again after each change, and serves the sheet of all states; with --demo it bundles only that sheet.
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

const options = {
  entryPoints: [
    { in: at("src/index.ts"), out: "widget" },
    { in: at("src/ui/styles/index.css"), out: "widget" },
    { in: at("src/peer_index.ts"), out: "peer" },
    { in: at("src/ui/styles/peer_index.css"), out: "peer" },
  ],
  outdir: at("../src/rtc_widget/static"),
  bundle: true,
  format: "esm",
  platform: "browser",
  target: ["es2022", "chrome110", "firefox115", "safari16.4"],
  minify: true,
  charset: "utf8",
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
  // Jupyter's RequireJS defines `define` globally, and a UMD dependency that finds it registers there instead of here.
  define: { define: "undefined", "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
};

/** The sheet of all states, `demo/index.html`; it is no part of the package. */
const demo = {
  ...options,
  entryPoints: [
    { in: at("demo/demo.ts"), out: "demo" },
    { in: at("demo/demo.css"), out: "demo" },
    { in: at("src/ui/styles/index.css"), out: "widget" },
  ],
  outdir: at("demo/build"),
  minify: false,
};

if (process.argv.includes("--watch")) {
  await (await context(options)).watch();
  const sheet = await context(demo);
  await sheet.watch();
  const { hosts, port } = await sheet.serve({ servedir: at("demo"), host: "127.0.0.1" });
  process.stdout.write(`The sheet of all states: http://${hosts[0] ?? "127.0.0.1"}:${port}/\n`);
} else if (process.argv.includes("--demo")) await build(demo);
else await build(options);
