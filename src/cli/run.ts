/** `capjit run`: from arguments to a machine, its console, its summary and the exit code. */

import { keptFolder } from "../kept-files.ts";
import { type Installation, storeKey, TranslationStore } from "../translation-store.ts";
import { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS } from "../jit/options.ts";
import { type Machine, type MachineOptions, createMachine } from "../machine.ts";
import type { RunResult } from "../run-result.ts";
import type { Scenario } from "../scenario.ts";
import type { Dump } from "./dump-blocks.ts";
import { ExpectationCheck } from "./expectation.ts";
import { writeFaults } from "./fault-list.ts";
import { findScenario } from "./find-scenario.ts";
import { createGuestConsole } from "./guest-console.ts";
import { demandWritten, type Output, READER_GONE } from "./output.ts";
import { createProgress } from "./progress.ts";
import type { RunArguments } from "./run-options.ts";
import { parseCount, parseMemory, parseSeconds, parseSeed } from "./run-values.ts";
import { type Ended, EXIT_EXPECTATION, exitCodeOf, type StopReason, summaryText } from "./summary.ts";

/** How often a run of guest code lets signals and streams have their turn. */
const BREATH_MS = 200;

/** Runs what the arguments name and returns the exit code. Throws `InputError` for a problem of the invocation. */
export async function run(
  args: RunArguments,
  output: Output,
  installation: Installation = {},
): Promise<number> {
  const started = performance.now();
  const cpuBefore = process.cpuUsage();
  const settings = parseSettings(args);
  const scenario = findScenario(args.scenario, args.binary ?? []);
  const { stdout, stderr } = output;
  const progress = createProgress(stderr, !args.quiet && !args.json);
  const expectation = new ExpectationCheck(scenario.expect);
  const console = createGuestConsole({ stdout, beforeWrite: progress.clear });
  const pacer = new Pacer(started, settings.timeoutMs);
  const store = openStore(args, scenario, settings.machine.jit, installation);
  const dump = await createDumpFor(args, scenario, () => machine);
  const options: MachineOptions = {
    ...settings.machine,
    scenario,
    consoleInput: scenario.consoleInput ?? "stdin",
    beforeWait() {
      console.flush();
      pacer.release();
    },
    onConsole(bytes) {
      console.write(bytes);
      expectation.feed(bytes);
    },
    onSlice(instructions) {
      const now = performance.now();
      console.tick(now);
      progress.update(instructions);
      return pacer.goesOn(now, stdout.failure);
    },
    ...(dump === undefined ? {} : { observer: dump.observer, countEntries: true }),
    ...(store === undefined ? {} : { store }),
  };
  const machine = createMachine(options);
  const result = await pacer.run(machine);
  progress.clear();
  console.flush();
  store?.save();
  const { stop } = pacer;
  const { user, system } = process.cpuUsage(cpuBefore);
  const wallMs = performance.now() - started;
  const ended = { name: scenario.name, result, stop, wallMs, cpuMs: (user + system) / 1000 };
  const missed = stop === undefined ? expectation.missed(result.outcome) : undefined;
  const exitCode = missed === undefined ? exitCodeOf(result.outcome, stop) : EXIT_EXPECTATION;
  await report({ args, output, scenario, ended, missed, exitCode, dump });
  demandWritten(stdout);
  return exitCode;
}

interface Report {
  readonly args: RunArguments;
  readonly output: Output;
  readonly scenario: Scenario;
  readonly ended: Ended;
  readonly missed: string | undefined;
  readonly exitCode: number;
  readonly dump: Dump | undefined;
}

/** Everything that capjit says after a run, on standard error. */
async function report({ args, output, scenario, ended, missed, exitCode, dump }: Report): Promise<void> {
  const write = (text: string): void => output.stderr.write(text);
  await dump?.finish(write);
  if (args.json) {
    const { summaryJson, faultJson } = await import("./summary-json.ts");
    const faults = ended.result.faults.map((fault) => faultJson(fault, scenario));
    write(`${summaryJson(ended, { missedExpectation: missed, faults })}\n`);
    return;
  }
  await writeFaults(
    ended.result.faults,
    scenario,
    { full: args.faults || exitCode !== 0, quiet: args.quiet },
    write,
  );
  if (!args.quiet) write(`${summaryText(ended)}\n`);
  if (missed !== undefined) write(`capjit: ${scenario.name}: ${missed}\n`);
}

interface Settings {
  readonly machine: Omit<MachineOptions, "scenario" | "consoleInput" | "onConsole">;
  readonly timeoutMs: number;
}

/** A dump shows each block once, in the form that is fast. */
function jitOptions({ plain, tier, dumpBlocks, dumpBlocksTo }: RunArguments): JitOptions {
  if (plain) return PLAIN_OPTIONS;
  const dumps = dumpBlocks !== undefined || dumpBlocksTo !== undefined;
  // A dump shows the readable back end, in its fast form.
  return dumps ? { ...DEFAULT_OPTIONS, tier: "js", compactFirst: false } : { ...DEFAULT_OPTIONS, tier };
}

/** Full checks look at what is translated now, not at what was. */
function openStore(
  { noCache, checks }: RunArguments,
  { binaries }: Scenario,
  options: JitOptions,
  { build, shipped }: Installation,
): TranslationStore | undefined {
  if (noCache || checks === "full" || options.tier === "js") return undefined;
  return new TranslationStore(keptFolder(process.env), storeKey(binaries.values(), options, build), shipped);
}

function parseSettings(args: RunArguments): Settings {
  const { memory, maxInstructions, timeout } = args;
  return {
    machine: {
      checks: args.checks,
      jit: jitOptions(args),
      clock: args.clock,
      seed: parseSeed(args.seed),
      ...(memory === undefined ? {} : { memoryBytes: parseMemory(memory) }),
      ...(maxInstructions === undefined
        ? {}
        : { maxInstructions: parseCount(maxInstructions, "--max-instructions") }),
    },
    timeoutMs: timeout === undefined ? Infinity : parseSeconds(timeout, "--timeout") * 1000,
  };
}

/** Loaded only when asked for: a dump needs printers and parsers that a run does not. */
async function createDumpFor(
  { dumpBlocks: filter, dumpBlocksTo: folder }: RunArguments,
  scenario: Scenario,
  machine: () => Machine,
): Promise<Dump | undefined> {
  if (filter === undefined && folder === undefined) return undefined;
  const { createDump } = await import("./dump-blocks.ts");
  return createDump({ filter: filter ?? "", folder }, scenario, () => machine().kernel.current?.process);
}

/** Ends a run from outside: by the clock, by SIGINT, or because nobody reads the output. */
class Pacer {
  stop: StopReason | undefined;
  readonly #deadline: number;
  #breatheAt: number;
  readonly #interrupt = (): void => {
    this.stop = "interrupt";
  };

  constructor(started: number, timeoutMs: number) {
    this.#deadline = started + timeoutMs;
    this.#breatheAt = started + BREATH_MS;
  }

  /** False stops the guest code, for good when `stop` is set. */
  goesOn(now: number, failure: string | undefined): boolean {
    if (now >= this.#deadline) this.stop = "timeout";
    else if (failure === READER_GONE) this.stop = "reader gone";
    return this.stop === undefined && now < this.#breatheAt;
  }

  /** While the host waits no handler would run: SIGINT is to end the command at once, as it does by default. */
  release(): void {
    process.removeListener("SIGINT", this.#interrupt);
  }

  /** Runs to the end, with short pauses for signal handlers. */
  async run(machine: Machine): Promise<RunResult> {
    process.once("SIGINT", this.#interrupt);
    try {
      for (;;) {
        const result = machine.run();
        if (result.outcome.kind !== "stopped" || this.stop !== undefined) return result;
        await new Promise((resolve) => setImmediate(resolve));
        if (this.stop !== undefined) return result;
        this.#breatheAt = performance.now() + BREATH_MS;
      }
    } finally {
      this.release();
    }
  }
}
