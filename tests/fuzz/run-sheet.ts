/** One sheet on the processor and on executors: what was compared, and where they came to different results. */

import type { SheetExecutor } from "./executors.ts";
import { caseBytes, decodeResult, type Image, resultBytes } from "../support/native-layout.ts";
import type { NativeCpu } from "../support/native.ts";
import type { DataPart, TestResult } from "../support/state.ts";
import { agrees, differences, ranForEver } from "./compare.ts";
import { FREE_ORDER } from "./generator.ts";
import type { Sheet, Specimen } from "./specimen.ts";

export interface Divergence {
  readonly executor: string;
  readonly specimen: Specimen;
  readonly parts: readonly DataPart[];
  readonly image: Image;
  /** The start state, as the harness takes it. */
  readonly start: Buffer;
  readonly want: TestResult;
  readonly got: TestResult;
}

export interface SheetOutcome {
  /** (code, start state) pairs that came to an end on the processor and were compared with it. */
  readonly compared: number;
  /** The same by specimen. */
  readonly bySpecimen: readonly number[];
  /** Cases run by all executors together. */
  readonly executed: number;
  readonly divergences: readonly Divergence[];
}

/** Lowest address at which Linux puts code, libraries and the stack of the process that experiments run in. */
const HOST_MEMORY = 0x5500_0000_0000n;
/** More of one sheet would say the same again. */
const MAX_DIVERGENCES = 20;

/** The access that faults here met memory of the host's process there. */
const isHostMemory = ({ ending }: TestResult): boolean =>
  ending.kind === "fault" &&
  ending.vector === 14 &&
  ending.address >= HOST_MEMORY &&
  ending.address >> 47n === 0n;

const faulted = ({ ending }: TestResult): boolean => ending.kind === "fault" && ending.vector !== 3;

/** UD0 and UD1: how much of their operands is fetched before they are refused differs between processors. */
const FREE_FETCH: ReadonlySet<string> = new Set(["ud0", "ud1"]);

/** Of two accesses that both fault, the processor may report either. */
const isFreeOrder = ({ pieces }: Specimen, want: TestResult, got: TestResult): boolean =>
  pieces.some(({ name }) => FREE_ORDER.has(name) || FREE_FETCH.has(name)) && faulted(want) && faulted(got);

/** MXCSR.MM: AMD processors have a mode for misaligned operands. capjit does not report it, and refuses its bit. */
const MISALIGNED_MODE = 0x2_0000;

/** Whether the results really differ, where `agrees` says that their bytes do. */
export function diverges(specimen: Specimen, want: TestResult, got: TestResult): boolean {
  if (isFreeOrder(specimen, want, got) || isHostMemory(got)) return false;
  if ((want.state.mxcsr & MISALIGNED_MODE) !== 0) return false;
  return differences(want, got, specimen.undefinedFlags).length > 0;
}

/** The first executor takes every case; the others one of so many as they say. */
export function runSheet(native: NativeCpu, sheet: Sheet, executors: readonly SheetExecutor[]): SheetOutcome {
  const { parts, image, specimens, states, cases } = sheet;
  const [caseSize, size] = [caseBytes(parts), resultBytes(parts)];
  const count = specimens.length * states;
  const wanted = native.runBatch({ parts, images: [image], count, cases });
  const divergences: Divergence[] = [];
  const bySpecimen = specimens.map(() => 0);
  const results = Buffer.alloc(size);
  let executed = 0;
  for (const [turn, executor] of executors.entries()) {
    executor.load(image);
    for (const [k, specimen] of specimens.entries()) {
      for (let i = k * states; i < (k + 1) * states; i += executor.oneOf) {
        const want = { bytes: wanted, at: i * size };
        if (ranForEver(want)) continue;
        executor.run({ parts, cases, caseAt: i * caseSize, results, resultAt: 0 });
        executed++;
        if (turn === 0) bySpecimen[k]!++;
        if (agrees(want, { bytes: results, at: 0 }, size, specimen.undefinedFlags)) continue;
        const [a, b] = [decodeResult(wanted.subarray(want.at, want.at + size)), decodeResult(results)];
        if (!diverges(specimen, a, b) || divergences.length >= MAX_DIVERGENCES) continue;
        const start = Buffer.from(cases.subarray(i * caseSize, (i + 1) * caseSize));
        divergences.push({ executor: executor.name, specimen, parts, image, start, want: a, got: b });
      }
    }
  }
  return { compared: bySpecimen.reduce((a, b) => a + b, 0), bySpecimen, executed, divergences };
}
