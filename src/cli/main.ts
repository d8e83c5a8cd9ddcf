/**
 * The command line. Guest output goes to standard output unchanged; everything capjit says goes to standard error.
 * Commands load their own code, so that `--help` stays instant.
 */

import { readFileSync } from "node:fs";
import yargs, { type Argv } from "yargs";
import { InputError, closest } from "../input-error.ts";
import { reportFailure } from "./errors.ts";
import { RUN_EPILOGUE, RUN_OPTIONS, type RunArguments } from "./run-options.ts";

const COMMANDS = ["run", "scenarios"];

/** Runs the command line and returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await runCommand(args);
  } catch (error) {
    return reportFailure(error, (text) => process.stderr.write(text));
  }
}

async function runCommand(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const parser = yargs([...args])
    .scriptName("capjit")
    .usage("$0 <command>\n\nRuns unmodified x86_64 programs of the capability operating system capOS.")
    .command(
      "run <scenario>",
      "Run a scenario or a program",
      (command) => describeRun(command),
      async (given) => {
        const { run } = await import("./run.ts");
        exitCode = await run(given as unknown as RunArguments);
      },
    )
    .command(
      "scenarios",
      "List the scenarios that ship with capjit",
      (command) => command.usage("$0 scenarios\n\nLists the scenarios that ship with capjit, one per line."),
      async () => {
        const { shippedDescription, shippedNames } = await import("./shipped.ts");
        for (const name of shippedNames())
          process.stdout.write(`${name.padEnd(22)} ${shippedDescription(name)}\n`);
      },
    )
    .demandCommand(1)
    .strict()
    .recommendCommands()
    .version(packageVersion())
    .help()
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .epilogue("Manual: `capjit run --help`. A command's exit code is described there.")
    .exitProcess(false)
    .fail((message, error) => {
      // yargs reports its own refusals as messages; an error is a failure of the command itself.
      if (error !== undefined && error !== null) throw error;
      throw new InputError(`${usageProblem(message, args)}; see capjit --help`);
    });
  await parser.parseAsync();
  return exitCode;
}

function describeRun(command: Argv): Argv {
  return command
    .usage(
      "$0 run <scenario | scenario.json | program.elf> [options]\n\n" +
        "Runs a scenario that ships, a scenario file, or one program as init.",
    )
    .positional("scenario", { type: "string", describe: "Name, .json file or ELF file", demandOption: true })
    .options(RUN_OPTIONS)
    .example("$0 run spawn", "Run the shipped scenario `spawn`")
    .example("$0 run my.json --checks full", "Run a scenario file and check every invariant on the way")
    .example("$0 run target/app.elf --binary child=target/child.elf", "Run a program as init")
    .example("$0 run spawn --dump-blocks=0x200000-0x201000", "Show the translated blocks of a page")
    .epilogue(RUN_EPILOGUE);
}

/** One line for what yargs refused. */
function usageProblem(message: string, args: readonly string[]): string {
  const [first] = args;
  if (first !== undefined && !first.startsWith("-") && !COMMANDS.includes(first)) {
    const meant = closest(first, COMMANDS);
    return `unknown command "${first}"${meant === undefined ? "" : `; did you mean "${meant}"?`}`;
  }
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(", ") ?? [];
  const option = unknown.find((name) =>
    args.some((arg) => arg.startsWith(`--${name}`) || arg.startsWith(`-${name}`)),
  );
  if (option !== undefined) {
    const meant = closest(option, Object.keys(RUN_OPTIONS));
    return `unknown option --${option}${meant === undefined ? "" : `; did you mean --${meant}?`}`;
  }
  return (message.split("\n").find((line) => line.trim() !== "") ?? "invalid arguments")
    .trim()
    .replace(/\.$/, "");
}

function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
