/** The closing lines of a run for programs: one JSON object on one line. */

import { hex } from "../mmu/address.ts";
import type { FaultRecord, PageOrigin } from "../run-result.ts";
import type { Scenario } from "../scenario.ts";
import { exceptionName } from "./fault-report.ts";
import { symbolsOf } from "./fault-list.ts";
import { type Ended, invalidations } from "./summary.ts";

export function summaryJson({ name, result, stop, wallMs, cpuMs }: Ended, details: JsonDetails): string {
  const { outcome, processes, instructions, jit, ringEntries } = result;
  return JSON.stringify({
    scenario: name,
    outcome: outcome.kind,
    ...(outcome.kind === "stopped" ? { stoppedBy: stop } : {}),
    ...(outcome.kind === "deadlock" ? { waiting: outcome.waiting } : {}),
    exitCode: outcome.kind === "exited" ? Number(outcome.exitCode) : null,
    missedExpectation: details.missedExpectation ?? null,
    processes: processes.map(({ pid, name: process, program, exitCode, ending }) => ({
      pid,
      name: process,
      program,
      ending,
      exitCode: exitCode === undefined ? null : Number(exitCode),
    })),
    faults: details.faults,
    instructions,
    ringEntries,
    blocksTranslated: jit.unitsTranslated,
    instructionsTranslated: jit.instructionsTranslated,
    codePagesReused: jit.pagesReused,
    invalidations: invalidations(jit),
    unsupported: Object.fromEntries(jit.unsupported),
    wallMs: Math.round(wallMs * 10) / 10,
    cpuMs: Math.round(cpuMs * 10) / 10,
    instructionsPerSecond: Math.round(instructions / Math.max(wallMs / 1000, 1e-9)),
  });
}

export interface JsonDetails {
  readonly missedExpectation: string | undefined;
  readonly faults: readonly object[];
}

/** A fault as plain JSON; addresses are hexadecimal text, because they have 64 bits. */
export function faultJson(fault: FaultRecord, scenario: Scenario): object {
  const place = symbolsOf(scenario, fault.program).find(Number(fault.rip));
  const { pid, name, program, thread, vector, errorCode, address, rip, page, unsupported } = fault;
  return {
    pid,
    name,
    program,
    thread,
    vector,
    exception: exceptionName(vector),
    errorCode,
    rip: hex(rip),
    symbol: place === undefined ? null : `${place.name}+${hex(place.offset)}`,
    address: address === undefined ? null : hex(address),
    page:
      page === undefined ? null : { ...page, address: hex(page.address), origin: originJson(page.origin) },
    unsupported: unsupported ?? null,
    registers: Object.fromEntries(fault.registers.map(([register, value]) => [register, hex(value)])),
    backtrace: fault.backtrace.map(hex),
  };
}

function originJson(origin: PageOrigin | undefined): object | null {
  if (origin === undefined) return null;
  return { ...origin, rip: origin.rip === undefined ? null : hex(origin.rip) };
}
