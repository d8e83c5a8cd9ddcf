/**
 * Puts the command line and what it needs into a few files, because Node spends a good part of a short run on
 * finding and opening modules. The library entry stays as the compiler wrote it.
 */

import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

// Loaded only for audits and dumps, and by their own names.
const LATE = ["acorn", "astring", "source-map"];

const bundle = await rolldown({
  input: { capjit: "dist/cli/main.js" },
  platform: "node",
  external: [/^node:/, ...LATE],
  checks: { eval: false },
  // Its tables and its segmenter cost more time than the rest of the argument parser together.
  resolve: { alias: { "string-width": fileURLToPath(new URL("string-width.js", import.meta.url)) } },
});
await bundle.write({
  dir: "dist/bundle",
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
});
