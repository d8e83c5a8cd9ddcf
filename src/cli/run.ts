/** `capjit run`: from arguments to a machine, its console, its summary and the exit code. */

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { InputError, closest } from "../input-error.ts";
import { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS } from "../jit/options.ts";
import { createMachine } from "../machine.ts";
import { type Scenario, loadScenario, parseSize, readBinary, singleProgram } from "../scenario.ts";
import { readSymbols } from "../symbols.ts";
import { createDump } from "./dump-blocks.ts";
import { missedExpectation } from "./expectation.ts";
import { faultReport } from "./fault-report.ts";
import { createProgress } from "./progress.ts";
import type { RunArguments } from "./run-options.ts";
import { shippedFile, shippedNames } from "./shipped.ts";
import { EXIT_EXPECTATION, exitCodeOf, summaryJson, summaryText } from "./summary.ts";

const ELF_MAGIC = "\x7fELF";

/** Runs what the arguments name. Throws `InputError` for a problem of the invocation or input. */
export async function run(args: RunArguments): Promise<number> {
  const scenario = findScenario(args);
  const started = performance.now();
  const deadline =
    args.timeout === undefined ? Infinity : started + positive(args.timeout, "--timeout") * 1000;
  const progress = createProgress(process.stderr, !args.quiet && !args.json);
  const console = createConsole(progress.clear, scenario.expect.console !== undefined);
  const dump =
    args.dumpBlocks === undefined && args.dumpBlocksTo === undefined
      ? undefined
      : await createDump(args, scenario);
  const maxInstructions =
    args.maxInstructions === undefined ? undefined : count(args.maxInstructions, "--max-instructions");

  const machine = createMachine({
    scenario,
    ...(args.memory === undefined ? {} : { memoryBytes: size(args.memory) }),
    checks: args.checks,
    jit: jitOptions(args),
    clock: args.clock,
    seed: seed(args.seed),
    consoleInput: scenario.consoleInput ?? "stdin",
    onConsole: console.write,
    ...(maxInstructions === undefined ? {} : { maxInstructions }),
    onSlice(instructions) {
      progress.update(instructions);
      return performance.now() < deadline;
    },
    ...(dump === undefined ? {} : { observer: dump.observer }),
  });
  const result = machine.run();
  progress.clear();
  console.flush();
  const wallMs = performance.now() - started;

  for (const fault of result.faults) {
    const program = scenario.binaries.get(fault.program);
    process.stderr.write(`${faultReport(fault, readSymbols(program ?? new Uint8Array()))}\n`);
  }
  await dump?.finish((text) => process.stderr.write(text));
  if (args.json) process.stderr.write(`${summaryJson(scenario.name, result, wallMs)}\n`);
  else if (!args.quiet) process.stderr.write(`${summaryText(scenario.name, result, wallMs)}\n`);

  const missed = missedExpectation(scenario.expect, console.lines(), result.outcome);
  if (missed === undefined) return exitCodeOf(result.outcome);
  process.stderr.write(`capjit: ${scenario.name}: ${missed}\n`);
  return EXIT_EXPECTATION;
}

function findScenario(args: RunArguments): Scenario {
  const given = args.scenario;
  const extra = extraBinaries(args.binary ?? []);
  const names = shippedNames();
  if (names.includes(given)) return withBinaries(loadScenario(shippedFile(given), given), extra);
  if (given.endsWith(".json")) return withBinaries(loadScenario(given, basename(given, ".json")), extra);
  if (!/[/\\.]/.test(given) && !isReadable(given)) {
    const meant = closest(given, names);
    throw new InputError(
      `unknown scenario "${given}"; ${meant === undefined ? `there are ${names.join(", ")}` : `did you mean "${meant}"?`}`,
    );
  }
  const bytes = readBinary(given);
  if (Buffer.from(bytes.subarray(0, 4)).toString("latin1") !== ELF_MAGIC) {
    throw new InputError(`${given}: not an ELF file (a scenario file must end in .json)`);
  }
  return withBinaries(singleProgram(basename(given), bytes), extra);
}

function isReadable(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}

function extraBinaries(given: readonly string[]): Map<string, Uint8Array> {
  return new Map(
    given.map((text) => {
      const at = text.indexOf("=");
      if (at < 1) throw new InputError(`--binary ${text}: expected NAME=PATH`);
      return [text.slice(0, at), readBinary(text.slice(at + 1))];
    }),
  );
}

const withBinaries = (scenario: Scenario, extra: ReadonlyMap<string, Uint8Array>): Scenario =>
  extra.size === 0 ? scenario : { ...scenario, binaries: new Map([...scenario.binaries, ...extra]) };

const jitOptions = (args: RunArguments): JitOptions => (args.plain ? PLAIN_OPTIONS : DEFAULT_OPTIONS);

function size(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw new InputError(`--memory ${text}: expected bytes or a size such as 64MiB`);
  return bytes;
}

function count(text: string, option: string): number {
  const value = /^[0-9_]+$/.test(text) ? Number(text.replaceAll("_", "")) : NaN;
  if (!Number.isSafeInteger(value)) throw new InputError(`${option} ${text}: expected a whole number`);
  return value;
}

function positive(value: number, option: string): number {
  if (!(value > 0)) throw new InputError(`${option}: expected a positive number of seconds`);
  return value;
}

function seed(text: string): bigint | "random" {
  if (text === "random") return text;
  if (!/^[0-9]{1,20}$/.test(text)) throw new InputError(`--seed ${text}: expected a number or random`);
  return BigInt(text);
}

interface Console {
  write(bytes: Uint8Array): void;
  flush(): void;
  /** Lines written so far, kept only when the scenario has expectations of them. */
  lines(): readonly string[];
}

/** Guest output to standard output, unchanged, gathered into larger writes. */
function createConsole(clearProgress: () => void, keep: boolean): Console {
  const kept: Uint8Array[] = [];
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  const flush = (): void => {
    if (pending.length === 0) return;
    clearProgress();
    process.stdout.write(Buffer.concat(pending));
    pending = [];
    pendingBytes = 0;
  };
  return {
    write(bytes) {
      const copy = Uint8Array.from(bytes);
      pending.push(copy);
      pendingBytes += copy.length;
      if (keep) kept.push(copy);
      if (process.stdout.isTTY || pendingBytes > 65_536) flush();
    },
    flush,
    lines: () => Buffer.concat(kept).toString("utf8").split("\n"),
  };
}
