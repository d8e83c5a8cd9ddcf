/** What yargs refuses, as one line that names the word in question and what was probably meant. */

import { closest } from "../input-error.ts";
import type { Options } from "yargs";
import { BENCH_OPTIONS } from "./bench-options.ts";
import { RUN_OPTIONS } from "./run-options.ts";

const COMMANDS = ["run", "scenarios", "isa", "bench"];
const OPTIONS = [...new Set([...Object.keys(RUN_OPTIONS), ...Object.keys(BENCH_OPTIONS), "help", "version"])];

export type OptionTable = Readonly<Record<string, Options>>;

const suggestion = (meant: string | undefined): string =>
  meant === undefined ? "" : `; did you mean ${meant}?`;

/** One line for a message of yargs about these arguments. */
export function usageProblem(message: string, args: readonly string[]): string {
  const [first] = args;
  if (first === undefined) return `no command given; there are ${COMMANDS.join(", ")}`;
  if (!first.startsWith("-") && !COMMANDS.includes(first)) {
    return `unknown command "${first}"${suggestion(closest(first, COMMANDS))}`;
  }
  const unknown = /^Unknown (?:arguments?|commands?): (.*)$/.exec(message)?.[1]?.split(", ") ?? [];
  const option = unknown.find((name) => args.some((arg) => isOption(arg, name)));
  if (option !== undefined) return unknownOption(option);
  if (unknown.length > 0) return `unexpected argument "${unknown[0]}"`;
  if (message.startsWith("Not enough non-option arguments")) return missingArgument(first);
  if (message.startsWith("Not enough arguments following: ")) {
    return `--${message.slice("Not enough arguments following: ".length)} needs a value`;
  }
  return choiceProblem(message) ?? oneLine(message);
}

const isOption = (arg: string, name: string): boolean =>
  arg === `--${name}` || arg.startsWith(`--${name}=`) || (name.length === 1 && /^-[^-]/.test(arg));

function unknownOption(name: string): string {
  const dashes = name.length === 1 ? "-" : "--";
  const meant = closest(name, OPTIONS);
  return `unknown option ${dashes}${name}${suggestion(meant === undefined ? undefined : `--${meant}`)}`;
}

const missingArgument = (command: string): string =>
  command === "run"
    ? "run what? expected <scenario | scenario.json | program.elf>"
    : `no command given; there are ${COMMANDS.join(", ")}`;

/** yargs: "Invalid values:\n  Argument: tier, Given: "x", Choices: "auto", "js"". */
function choiceProblem(message: string): string | undefined {
  const match = /Argument: ([\w-]+), Given: (.*), Choices: (.*)/.exec(message);
  if (match === null) return undefined;
  return `--${match[1]} ${match[2]?.replaceAll('"', "")}: expected one of ${match[3]?.replaceAll('"', "")}`;
}

const oneLine = (message: string): string =>
  (message.split("\n").find((line) => line.trim() !== "") ?? "invalid arguments").trim().replace(/\.$/, "");

/** An option given more than once that takes one value. */
export function repeatedOption(parsed: object, options: OptionTable): string | undefined {
  return Object.entries(options).find(([name, option]) => {
    const value: unknown = Reflect.get(parsed, name);
    return Array.isArray(value) && !("array" in option);
  })?.[0];
}
