/**
 * What a person needs to act on a guest fault: who, what, where in the program, the registers, the code, how it
 * got there, and why the page has the permissions it has.
 */

import { hex } from "../mmu/address.ts";
import { disassemble } from "../frontend/disassemble.ts";
import type { FaultRecord, PageFacts } from "../run-result.ts";
import type { Symbols } from "../symbols.ts";

/** Names of exceptions (Intel SDM vol. 3A, table 6-1). */
const VECTORS: ReadonlyMap<number, string> = new Map([
  [0, "#DE divide error"],
  [1, "#DB debug"],
  [3, "#BP breakpoint"],
  [4, "#OF overflow"],
  [5, "#BR bound range"],
  [6, "#UD invalid opcode"],
  [7, "#NM no math device"],
  [12, "#SS stack segment"],
  [13, "#GP general protection"],
  [14, "#PF page fault"],
  [16, "#MF x87 error"],
  [17, "#AC alignment"],
  [19, "#XM SIMD exception"],
]);

const PAGE_FAULT = 14;
const CODE_LINES = 5;

export const exceptionName = (vector: number): string => VECTORS.get(vector) ?? `exception ${vector}`;

const hex64 = (value: bigint): string => value.toString(16).padStart(16, "0");

/** The report, several lines without a final line end. */
export function faultReport(fault: FaultRecord, symbols: Symbols): string {
  const place = (address: bigint | number): string => {
    const symbol = symbols.find(Number(address));
    return symbol === undefined ? hex(address) : `${hex(address)} <${symbol.name}+${hex(symbol.offset)}>`;
  };
  const lines = [
    `capjit: process ${fault.pid} (${fault.name}, program ${fault.program}), thread ${fault.thread}: ${exceptionName(fault.vector)}${details(fault)}`,
    `  at ${place(fault.rip)}`,
  ];
  if (fault.unsupported !== undefined)
    lines.push(`  the instruction ${fault.unsupported} is not implemented by capjit`);
  if (fault.page !== undefined) lines.push(...pageLines(fault.page, place));
  lines.push("  registers", ...registerLines(fault.registers));
  lines.push("  code", ...codeLines(fault));
  lines.push(...callerLines(fault, place));
  return lines.join("\n");
}

function details(fault: FaultRecord): string {
  if (fault.vector !== PAGE_FAULT || fault.address === undefined) {
    return fault.errorCode === 0 ? "" : `, error code ${hex(fault.errorCode)}`;
  }
  const access = fault.errorCode & 16 ? "execute" : fault.errorCode & 2 ? "write" : "read";
  const why = fault.errorCode & 1 ? "the page does not allow it" : "no accessible page";
  return `: ${access} at ${hex(fault.address)}, ${why} (error code ${hex(fault.errorCode)})`;
}

function pageLines(page: PageFacts, place: (address: bigint | number) => string): string[] {
  const lines = [`  page ${hex(page.address)}: ${page.mapping}, ${page.protection}`];
  const { origin } = page;
  if (origin !== undefined) {
    const call =
      origin.method === "" ? origin.capability : `${origin.capability}.${origin.method}(${origin.arguments})`;
    lines.push(`    by ${call}${origin.rip === undefined ? "" : ` called at ${place(origin.rip)}`}`);
  }
  return lines;
}

function registerLines(registers: FaultRecord["registers"]): string[] {
  const cells = registers.map(([name, value]) => `${name.padEnd(7)} ${hex64(value)}`);
  const lines: string[] = [];
  for (let i = 0; i < cells.length; i += 3) lines.push(`    ${cells.slice(i, i + 3).join("   ")}`);
  return lines;
}

function codeLines(fault: FaultRecord): string[] {
  const before = fault.codeBefore.map(({ address, bytes }) => codeLine(address, bytes, " "));
  const lines: string[] = [];
  let at = 0;
  while (lines.length < CODE_LINES && at < fault.code.length) {
    const address = fault.rip + BigInt(at);
    const { length } = disassemble(fault.code.subarray(at), Number(address));
    lines.push(codeLine(address, fault.code.subarray(at, at + length), at === 0 ? ">" : " "));
    at += length;
  }
  return lines.length > 0 ? [...before, ...lines] : ["      (no readable code there)"];
}

function codeLine(address: bigint, code: Uint8Array, mark: string): string {
  const bytes = [...code].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const { text } = disassemble(code, Number(address));
  return `    ${mark} ${hex(address)}  ${bytes.padEnd(24)} ${text}`;
}

/** Frame pointers tell exactly who called; without them the stack holds return addresses, some of them stale. */
function callerLines(fault: FaultRecord, place: (address: number) => string): string[] {
  const exact = fault.backtrace.length > 0;
  const callers = exact ? fault.backtrace : fault.stackReturns;
  if (callers.length === 0) return [];
  const title = exact
    ? "  backtrace (frame pointers)"
    : "  return addresses on the stack (some may be stale)";
  return [title, ...callers.map((address, i) => `    ${i + 1}  ${place(address)}`)];
}
