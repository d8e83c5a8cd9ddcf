/**
 * Puts the command line and what it needs into one script, because Node spends a good part of a short run on finding,
 * opening and compiling modules. `cli/launch.ts` runs the script in the form that V8 compiled it to before. The
 * library entry stays as the compiler wrote it.
 *
 *   node scripts/bundle.js [folder]     of the compiled sources, `dist` by default
 */

import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

// Loaded only for audits and dumps, and by their own names.
const LATE = ["acorn", "astring", "source-map"];

const compiled = resolve(process.argv[2] ?? "dist");
const folder = join(compiled, "bundle");

/** The code of one file as CommonJS. Names stay: they are in stack traces and profiles. */
async function bundled(entry, minify) {
  const bundle = await rolldown({
    input: join(compiled, entry),
    platform: "node",
    external: [/^node:/, ...LATE],
    checks: { eval: false, emptyImportMeta: false },
    // Its tables and its segmenter cost more time than the rest of the argument parser together.
    resolve: { alias: { "string-width": fileURLToPath(new URL("string-width.js", import.meta.url)) } },
  });
  const { output } = await bundle.generate({
    format: "cjs",
    codeSplitting: false,
    minify: minify && { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  });
  return output[0].code;
}

/** One byte per character keeps the text half as large in memory; strings and patterns take escapes as well. */
const ascii = (text) =>
  text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

const code = ascii(await bundled("cli/main.js", true));
const build = createHash("sha256").update(code).digest("hex").slice(0, 32);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(
  join(folder, "capjit.script"),
  `/*${build}*/(function(exports,require,__filename){${code}\n})\n`,
);
writeFileSync(join(folder, "launch.cjs"), await bundled("cli/launch.js", false));
