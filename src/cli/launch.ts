/**
 * From `node` to `main`: runs the one script that `scripts/bundle.js` makes, in the form that V8 compiled it to in an
 * earlier run, because reading and compiling the modules anew is a good part of a short run.
 *
 *   capjit.script --+--> V8 --> main(arguments)
 *   *.compiled    --'    \--> *.compiled, when there was none for this Node.js and this script
 *
 * What was compiled is kept like translations: shipped beside the script, or in the user's folder.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { constants, Script } from "node:vm";
import { crc32 } from "node:zlib";
import { keptFolder, packKept, readKept, writeKept } from "../kept-files.ts";
import { readBranchHints } from "../v8-flags.ts";
import type { main } from "./main.ts";
import type { Channel } from "./output.ts";

/** This file runs as part of the bundle. */
const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const SHIPPED = join(FOLDER, "kept");
const SCRIPT = join(FOLDER, "capjit.script");
/** The script begins with its hash, in a comment. */
const BUILD_START = 2;
const BUILD_LENGTH = 32;

type Main = typeof main;
type Factory = (exports: { main?: Main }, require: NodeJS.Require, file: string) => void;

/** The script with its hash; V8 compares no more than its length with what was compiled from it. */
interface Source {
  readonly text: string;
  readonly build: string;
}

interface Loaded extends Source {
  readonly main: Main;
  /** Whether what was kept could be used. */
  readonly fromKept: boolean;
  readonly script: Script;
}

const readSource = (): Source => {
  const text = readFileSync(SCRIPT, "latin1");
  return { text, build: text.slice(BUILD_START, BUILD_START + BUILD_LENGTH) };
};

/** V8 takes what it compiled only with the same version and the same flags. */
function compiledName(build: string): string {
  const flags = crc32(JSON.stringify([process.execArgv, process.env["NODE_OPTIONS"] ?? ""])).toString(16);
  return `${build.slice(0, 16)}-${process.version}-${process.arch}-${flags}`;
}

function load(folders: readonly string[]): Loaded {
  readBranchHints();
  const source = readSource();
  const name = compiledName(source.build);
  let cachedData: Uint8Array | undefined;
  for (const folder of folders) cachedData ??= readKept(folder, "compiled", name);
  const script = new Script(source.text, {
    filename: SCRIPT,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === undefined ? {} : { cachedData: cachedData as Buffer }),
  });
  const exports: { main?: Main } = {};
  (script.runInThisContext() as Factory)(exports, createRequire(SCRIPT), SCRIPT);
  if (exports.main === undefined) throw new Error(`${SCRIPT} is not what the build wrote`);
  const fromKept = cachedData !== undefined && script.cachedDataRejected !== true;
  return { ...source, script, main: exports.main, fromKept };
}

/** The command. */
export async function launch(args: readonly string[]): Promise<void> {
  const keeps = args[0] === "run" && !args.includes("--no-cache");
  const folder = keptFolder(process.env);
  const loaded = load(keeps ? [SHIPPED, folder] : [SHIPPED]);
  const code = await loaded.main(args, undefined, { build: loaded.build, shipped: SHIPPED });
  if (keeps && !loaded.fromKept) {
    await rehearse(loaded.main, ["run", "hello", "--no-cache"]);
    keep(loaded, folder);
  }
  // Everything is written; taking the machine down piece by piece would take a moment.
  process.exit(code);
}

/** For the build: runs the scenarios, with `work` as the user's folder, and ships what they leave behind. */
export async function prepare(scenarios: readonly string[], work: string): Promise<void> {
  // Code that was not run for a while loses its compiled form otherwise.
  setFlagsFromString("--no-flush-bytecode");
  process.env["CAPJIT_CACHE_DIR"] = work;
  const loaded = load([]);
  for (const name of scenarios) {
    // The first run translates, the second one finds the translations.
    for (let round = 0; round < 2; round++) await rehearse(loaded.main, ["run", name], loaded.build);
  }
  setFlagsFromString("--flush-bytecode");
  packKept(work, "translations", SHIPPED);
  keep(loaded, SHIPPED);
}

const silent: Channel = { write: () => undefined, terminal: false, columns: 100, failure: undefined };

/** A run that nobody sees. */
async function rehearse(main: Main, args: readonly string[], build?: string): Promise<void> {
  const installation = build === undefined ? undefined : { build };
  const code = await main(args, { stdout: silent, stderr: silent }, installation);
  if (code !== 0) throw new Error(`capjit ${args.join(" ")} exited with ${code}`);
}

const keep = ({ script, build }: Loaded, folder: string): void =>
  writeKept(folder, "compiled", compiledName(build), script.createCachedData());
