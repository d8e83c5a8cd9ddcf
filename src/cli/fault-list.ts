/**
 * The faults of a run on standard error. Guests may fault on purpose, their parents live on: so a run that ends well
 * only counts them, and a run that does not shows the last ones in full.
 */

import type { FaultRecord } from "../run-result.ts";
import type { Scenario } from "../scenario.ts";
import { type Symbols, readSymbols } from "../symbols.ts";

/** Reports shown in full; of more, the last ones. */
const SHOWN = 8;

const NO_PROGRAM = new Uint8Array();

export const symbolsOf = (scenario: Scenario, program: string): Symbols =>
  readSymbols(scenario.binaries.get(program) ?? NO_PROGRAM);

export interface FaultListOptions {
  readonly full: boolean;
  readonly quiet: boolean;
}

export async function writeFaults(
  faults: readonly FaultRecord[],
  scenario: Scenario,
  { full, quiet }: FaultListOptions,
  write: (text: string) => void,
): Promise<void> {
  if (faults.length === 0) return;
  const count = `${faults.length} ${faults.length === 1 ? "process" : "processes"} died of a fault`;
  if (!full) {
    if (!quiet) write(`capjit: ${count}; --faults shows why\n`);
    return;
  }
  const { faultReport } = await import("./fault-report.ts");
  if (faults.length > SHOWN) write(`capjit: ${count}; the last ${SHOWN}:\n`);
  for (const fault of faults.slice(-SHOWN))
    write(`${faultReport(fault, symbolsOf(scenario, fault.program))}\n`);
}
