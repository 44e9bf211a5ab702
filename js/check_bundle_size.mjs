// Fails if what a notebook loads for one widget, script and styles, has more than 75 KB gzipped.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET_KB = 75;
const WIDGETS = ["widget", "peer"];

const folder = fileURLToPath(new URL("../src/rtc_widget/static/", import.meta.url));
const gzippedKb = (name) => gzipSync(readFileSync(`${folder}${name}`), { level: 9 }).byteLength / 1024;
const totals = WIDGETS.map((widget) => [widget, gzippedKb(`${widget}.js`) + gzippedKb(`${widget}.css`)]);
const words = totals.map(([widget, kb]) => `${widget} ${kb.toFixed(1)} KB`).join(", ");
process.stdout.write(`Bundles, gzipped: ${words}; the budget of each is ${BUDGET_KB} KB\n`);
if (totals.some(([, kb]) => kb > BUDGET_KB)) process.exit(1);
