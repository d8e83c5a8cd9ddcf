/** A divergence as text: how to see it again, the code, the states side by side, IR and generated code. */

import { blockText, type DumpedBlock } from "../../src/cli/block-text.ts";
import { disassemble } from "../../src/frontend/disassemble.ts";
import type { JitObserver } from "../../src/jit/translator.ts";
import { CaseMachine } from "../support/case-machine.ts";
import { FEATURES } from "../support/executors.ts";
import { decodeState, resultBytes } from "../support/native-layout.ts";
import { CODE_PAGE, type TestResult } from "../support/state.ts";
import { shownParts } from "./compare.ts";
import { SHEET_EXECUTORS } from "./executors.ts";
import type { Divergence } from "./run-sheet.ts";

/** Blocks of a program that are shown. */
const MAX_BLOCKS = 6;
const COLUMN = 34;
const NEVER_HIDDEN = /^(ending|rip|r[a-d]x|r[sb]p|r[sd]i|r\d+|rflags)$/;

function listing({ specimen: { code, offset } }: Divergence): string[] {
  const lines: string[] = [];
  for (let at = 0; at < code.length;) {
    const address = CODE_PAGE + offset + at;
    const { text, length } = disassemble(code.subarray(at), address);
    const bytes = Buffer.from(code.subarray(at, at + length)).toString("hex");
    lines.push(`  ${address.toString(16)}  ${bytes.padEnd(30)} ${text}`);
    at += length;
  }
  return lines;
}

/** Every register, and of memory and vectors what differs or changed; `<` marks differences. */
function sideBySide({ start, want, got, specimen }: Divergence): string[] {
  const { undefinedFlags } = specimen;
  const before: TestResult = {
    ...want,
    state: decodeState(start),
    window: start.subarray(start.length - want.window.length),
  };
  const [b, w, g] = [before, want, got].map((result) => shownParts(result, undefinedFlags));
  const row = (name: string, cells: readonly string[], mark: string): string =>
    `  ${mark} ${name.padEnd(14)} ${cells.map((cell) => cell.padEnd(COLUMN)).join(" ")}`.trimEnd();
  const lines = [row("", ["before", "processor", "executor"], " ")];
  for (const [name, value] of w!) {
    const [old, other] = [b!.get(name) ?? "", g!.get(name) ?? ""];
    const differs = value !== other;
    if (!differs && old === value && !NEVER_HIDDEN.test(name)) continue;
    lines.push(row(name, [name === "ending" ? "" : old, value, other], differs ? "<" : " "));
  }
  return lines;
}

/** The blocks that the case runs, as they are translated with the switches of its executor. */
async function blocks(found: Divergence): Promise<string[]> {
  const { executor: name, image, parts, start } = found;
  const jit = SHEET_EXECUTORS.find((maker) => maker.name === name)?.jit ?? {};
  const seen: DumpedBlock[] = [];
  const observer: JitObserver = {
    onUnit: (unit, original, _cell, bytes) => {
      const dumped = { unit, original, bytes, process: "the case", symbol: undefined };
      if (original.address < CODE_PAGE * 2) seen.push(dumped);
    },
  };
  const machine = new CaseMachine({ features: FEATURES, checks: "off", jit, observer });
  machine.load(image);
  machine.run({ parts, cases: start, caseAt: 0, results: Buffer.alloc(resultBytes(parts)), resultAt: 0 });
  const shown = seen.slice(0, MAX_BLOCKS);
  return Promise.all(shown.map(async (block) => (await blockText(block, "case")).text));
}

/** `again` is the command that repeats it. */
export async function reportText(found: Divergence, again: string): Promise<string> {
  const names = found.specimen.pieces.map(({ name }) => name);
  return [
    `divergence on "${found.executor}": ${names.join(", ")}`,
    `  again: ${again}`,
    ...listing(found),
    ...sideBySide(found),
    ...(await blocks(found)),
  ].join("\n");
}
