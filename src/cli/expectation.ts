/** Compares a run with what its scenario expects. */

import type { Outcome } from "../run-result.ts";
import type { Expectation } from "../scenario.ts";
import { describeOutcome } from "./summary.ts";

/** What was missed, as a difference a person can read, or undefined when everything was met. */
export function missedExpectation(
  expect: Expectation,
  lines: readonly string[],
  outcome: Outcome,
): string | undefined {
  let at = 0;
  for (const [index, wanted] of (expect.console ?? []).entries()) {
    const found = lines.indexOf(wanted, at);
    if (found < 0) {
      const after = index === 0 ? "the start" : `expected line ${index}`;
      const rest = lines.slice(at).filter((line) => line !== "");
      return [
        `console line ${index + 1} of the expectation is missing after ${after}`,
        `- ${wanted}`,
        ...rest.slice(0, 5).map((line) => `+ ${line}`),
        ...(rest.length > 5 ? [`+ ... ${rest.length - 5} more lines`] : []),
      ].join("\n");
    }
    at = found + 1;
  }
  if (expect.exitCode === undefined) return undefined;
  if (outcome.kind === "exited" && outcome.exitCode === BigInt(expect.exitCode)) return undefined;
  return `exit code of init\n- ${expect.exitCode}\n+ ${outcome.kind === "exited" ? outcome.exitCode : describeOutcome(outcome)}`;
}
