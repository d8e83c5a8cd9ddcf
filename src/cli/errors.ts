/** The end of the line for every failure of the command: one line for a person, and the exit code. */

import { InputError } from "../input-error.ts";
import { InvariantError } from "../invariant.ts";
import { EXIT_BUG, EXIT_INPUT } from "./summary.ts";

/** Writes what a person should read and returns the exit code. */
export function reportFailure(error: unknown, write: (text: string) => void): number {
  if (error instanceof InputError) {
    write(`capjit: ${error.message}\n`);
    return EXIT_INPUT;
  }
  const what = error instanceof InvariantError ? `broken invariant\n${error.message}` : describe(error);
  write(`capjit: this is a bug of capjit: ${what}\n`);
  return EXIT_BUG;
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
