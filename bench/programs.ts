/** The mixes and classes of compute programs that means are given for. */

import { type ProgramName, PROGRAM_NAMES, PROGRAMS } from "../src/cli/bench-programs.ts";

/** Sets whose kinds of work are those of a well-known suite; the programs are our own. */
export const MIXES: Readonly<Record<string, readonly ProgramName[]>> = {
  "embench-style": [
    "allocator",
    "bigint",
    "chacha",
    "crc32",
    "cubic",
    "dct",
    "fir",
    "huffman",
    "interpreter",
    "json",
    "lists",
    "lz",
    "matrix",
    "matrix-int",
    "nbody",
    "sha256",
    "sort",
    "state-machine",
    "sudoku",
  ],
  // Long lists are bound by memory and flatter an emulator: core-mix alone has the lists, matrices, states and CRC.
  "coremark-style": ["core-mix"],
};

/** A set of programs that a geometric mean is given for. */
export interface Group {
  readonly group: string;
  /** Its programs among those measured. */
  readonly names: readonly ProgramName[];
  /** All its programs. */
  readonly size: number;
}

/** The groups of which at least one program was measured. */
export function groupsOf(measured: readonly ProgramName[]): Group[] {
  const classes = (["integer", "simd", "float"] as const).map((kind) => {
    return [kind, PROGRAM_NAMES.filter((name) => PROGRAMS[name].kind === kind)] as const;
  });
  return [["all", PROGRAM_NAMES] as const, ...classes, ...Object.entries(MIXES)]
    .map(([group, all]) => {
      return { group, names: all.filter((name) => measured.includes(name)), size: all.length };
    })
    .filter(({ names }) => names.length > 0);
}
