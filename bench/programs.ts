/** The compute programs of `bench/guests`: what kind of code each is, and the mixes made of them. */

export type ProgramClass = "integer" | "simd" | "float";

export const PROGRAMS = {
  allocator: "integer",
  bigint: "integer",
  calls: "integer",
  chacha: "integer",
  "core-mix": "integer",
  crc32: "integer",
  cubic: "float",
  dct: "integer",
  fft: "float",
  fir: "integer",
  hashmap: "integer",
  huffman: "integer",
  "integer-mix": "integer",
  interpreter: "integer",
  json: "integer",
  life: "integer",
  lists: "integer",
  lz: "integer",
  mandelbrot: "float",
  matrix: "float",
  "matrix-int": "integer",
  multiply64: "integer",
  nbody: "float",
  pattern: "integer",
  queens: "integer",
  records: "integer",
  recursion: "integer",
  sha256: "integer",
  "simd-bytes": "simd",
  "simd-float": "float",
  "simd-integer": "simd",
  sort: "integer",
  "state-machine": "integer",
  strings: "integer",
  sudoku: "integer",
  tree: "integer",
  utf8: "integer",
} as const satisfies Record<string, ProgramClass>;

export type ProgramName = keyof typeof PROGRAMS;

export const PROGRAM_NAMES = Object.keys(PROGRAMS) as ProgramName[];

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
  "coremark-style": ["core-mix", "lists", "state-machine"],
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
    return [kind, PROGRAM_NAMES.filter((name) => PROGRAMS[name] === kind)] as const;
  });
  return [["all", PROGRAM_NAMES] as const, ...classes, ...Object.entries(MIXES)]
    .map(([group, all]) => {
      return { group, names: all.filter((name) => measured.includes(name)), size: all.length };
    })
    .filter(({ names }) => names.length > 0);
}
