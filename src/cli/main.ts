/**
 * The command line. Guest output goes to standard output unchanged; everything capjit says goes to standard error.
 * Commands load their own code, so that `--help` stays instant.
 */

import { readFileSync } from "node:fs";
import yargs, { type Argv } from "yargs";
import { InputError } from "../input-error.ts";
import { packageFile } from "../package-root.ts";
import { BENCH_EPILOGUE, BENCH_OPTIONS, type BenchArguments } from "./bench-options.ts";
import { reportFailure } from "./errors.ts";
import type { Installation } from "../translation-store.ts";
import type { IsaArguments } from "./isa.ts";
import { type Output, processOutput } from "./output.ts";
import { RUN_EPILOGUE, RUN_OPTIONS, type RunArguments } from "./run-options.ts";
import { type OptionTable, repeatedOption, usageProblem } from "./usage-problem.ts";

const MAX_WIDTH = 100;

const USAGE = `$0 <command>

Runs unmodified x86_64 programs of the capability operating system capOS.`;

const RUN_USAGE = `$0 <scenario | scenario.json | program.elf> [options]

Runs a scenario that ships, a scenario file, or one program as init.`;

const SCENARIOS_USAGE = `$0

Lists the scenarios that ship with capjit: the name for "capjit run", and what it shows.`;

const ISA_USAGE = `$0 [filter] [options]

Lists the instructions that are implemented: bytes, operands in the codes of the manual's opcode map, the feature
that CPUID reports, and how often they were compared with a processor.`;

const BENCH_USAGE = `$0 [program] [options]

Times a compute program that ships, or any scenario or ELF file, and explains where the time goes.`;

/** Runs the command line and returns the exit code. */
export async function main(
  args: readonly string[],
  output: Output = processOutput(),
  installation: Installation = {},
): Promise<number> {
  try {
    return await runCommand(args, output, installation);
  } catch (error) {
    return reportFailure(error, (text) => output.stderr.write(text));
  }
}

async function runCommand(
  given: readonly string[],
  output: Output,
  installation: Installation,
): Promise<number> {
  // A filter needs its `=`: the word after a bare --dump-blocks is the scenario.
  const args = given.map((arg) => (arg === "--dump-blocks" ? "--dump-blocks=" : arg));
  let exitCode = 0;
  const [command] = args;
  const width = Math.min(MAX_WIDTH, output.stdout.columns);
  const base = (name: string, usage: string): Argv => createParser(name, args, width).usage(usage);
  // Each command is a parser's default one: after a named command yargs renders the help text, asked or not.
  if (command === "run") {
    const parser = base("capjit run", RUN_USAGE).command(
      "$0 <scenario>",
      false,
      describeRun,
      async (parsed) => {
        const { run } = await import("./run.ts");
        exitCode = await run(checkedArguments<RunArguments>(parsed, RUN_OPTIONS), output, installation);
      },
    );
    await parse(parser, args.slice(1), output);
  } else if (command === "scenarios") {
    const parser = base("capjit scenarios", SCENARIOS_USAGE).command(
      "$0",
      false,
      describeScenarios,
      async () => {
        const { shippedDescription, shippedNames } = await import("./shipped.ts");
        for (const name of shippedNames())
          output.stdout.write(`${name.padEnd(22)} ${shippedDescription(name)}\n`);
      },
    );
    await parse(parser, args.slice(1), output);
  } else if (command === "isa") {
    const parser = base("capjit isa", ISA_USAGE).command(
      "$0 [filter]",
      false,
      describeIsa,
      async (parsed) => {
        const { isa } = await import("./isa.ts");
        exitCode = isa(parsed as unknown as IsaArguments, output);
      },
    );
    await parse(parser, args.slice(1), output);
  } else if (command === "bench") {
    const parser = base("capjit bench", BENCH_USAGE).command(
      "$0 [program]",
      false,
      describeBench,
      async (parsed) => {
        const { bench } = await import("./bench.ts");
        exitCode = await bench(checkedArguments<BenchArguments>(parsed, BENCH_OPTIONS), output);
      },
    );
    await parse(parser, args.slice(1), output);
  } else {
    await parse(describeAll(base("capjit", USAGE)), args, output);
  }
  return exitCode;
}

/** Help and version are the text that yargs gives instead of running a command. */
async function parse(parser: Argv, args: readonly string[], output: Output): Promise<void> {
  let refusal: unknown;
  await parser.parseAsync([...args], {}, (error, _parsed, text) => {
    refusal = error;
    if (text !== "" && error === undefined) output.stdout.write(`${text}\n`);
  });
  if (refusal !== undefined && refusal !== null) throw refusal;
}

function createParser(name: string, args: readonly string[], width: number): Argv {
  return yargs()
    .scriptName(name)
    .locale("en")
    .parserConfiguration({
      "boolean-negation": false,
      "dot-notation": false,
      "greedy-arrays": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
    })
    .strict()
    .version(packageVersion())
    .help()
    .wrap(width)
    .exitProcess(false)
    .fail((message, error) => {
      // yargs reports its own refusals as messages; an error is a failure of the command itself.
      if (message === null || message === undefined || !isUsageError(error)) throw error;
      throw new InputError(`${usageProblem(message, args)}; see capjit --help`);
    });
}

const isUsageError = (error: unknown): boolean =>
  error === undefined || error === null || (error instanceof Error && error.name === "YError");

const describeAll = (parser: Argv): Argv =>
  parser
    .command("run <scenario>", "Run a scenario or a program")
    .command("scenarios", "List the scenarios that ship with capjit")
    .command("isa [filter]", "List the instructions that are implemented")
    .command("bench [program]", "Time a compute program, or explain where its time goes")
    .demandCommand(1)
    .example("$0 run spawn", "Run the shipped scenario `spawn`")
    .example("$0 run --help", "The manual of `run`: options and exit codes")
    .epilogue("Scenario files are described by scenario.schema.json of this package.");

const describeScenarios = (command: Argv): Argv =>
  command.example("$0", "One line per scenario").example("capjit run spawn", "Run the one named `spawn`");

const describeIsa = (command: Argv): Argv =>
  command
    .positional("filter", { type: "string", describe: "A mnemonic, its start as `pmov*`, or a feature" })
    .options({
      missing: { type: "boolean", default: false, describe: "What has a name and raises #UD instead" },
      json: { type: "boolean", default: false, describe: "One JSON array instead of a table" },
    })
    .example("$0", "Everything that is implemented, and how much that is")
    .example("$0 'pmov*'", "What begins with pmov")
    .example("$0 bmi2", "What the feature bmi2 stands for")
    .epilogue("Letters of operands: Intel SDM vol. 2, appendix A.2.");

const describeBench = (command: Argv): Argv =>
  command
    .positional("program", { type: "string", describe: "Name of the list, scenario, .json or ELF file" })
    .options(BENCH_OPTIONS)
    .example("$0", "List the compute programs")
    .example("$0 sha256", "Time it: first run and later ones")
    .example("$0 sha256 --tier js --rounds 5", "The same with JavaScript only")
    .example("$0 --explain interpreter --scale 20", "Why it is as fast as it is, on a fifth of its work")
    .example("$0 --explain app.elf --timeout 10 --json", "Your own program, for another program to read")
    .epilogue(BENCH_EPILOGUE);

const describeRun = (command: Argv): Argv =>
  command
    .positional("scenario", { type: "string", describe: "Name, .json file or ELF file", demandOption: true })
    .options(RUN_OPTIONS)
    .example("$0 spawn", "Run the shipped scenario `spawn`")
    .example("$0 my.json --checks full", "Run a scenario file and check every invariant on the way")
    .example("$0 app.elf --binary child=child.elf", "Run a program as init; it may spawn `child`")
    .example("$0 app.elf --timeout 5 --json", "Bound the run, and get the summary as JSON")
    .example("$0 spawn --dump-blocks=0x200000-0x201000", "Show the translated blocks of a page")
    .epilogue(RUN_EPILOGUE);

/** The table of options gives the types; what yargs cannot see is checked here. */
function checkedArguments<T>(parsed: object, options: OptionTable): T {
  const repeated = repeatedOption(parsed, options);
  if (repeated !== undefined) throw new InputError(`--${repeated} is given twice`);
  return parsed as T;
}

function packageVersion(): string {
  const text = readFileSync(packageFile("package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
