/** The compute programs that ship: what each does, what kind of code it is, and how much of its work a run does. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { packageFile } from "../package-root.ts";
import { InputError } from "../input-error.ts";
import { readBinary } from "../scenario.ts";

/** What most of the code computes with: integers, packed integers, or floating point. */
export type ProgramClass = "integer" | "simd" | "float";

interface Described {
  readonly kind: ProgramClass;
  readonly text: string;
}

/** Sources are `bench/guests/NAME.c`. */
export const PROGRAMS = {
  allocator: { kind: "integer", text: "a first-fit allocator under binary trees and mixed buffers" },
  bigint: { kind: "integer", text: "numbers of many words: products, modular powers, digits" },
  calls: { kind: "integer", text: "indirect calls: methods, function pointers, callbacks" },
  chacha: { kind: "integer", text: "the ChaCha20 block function" },
  "core-mix": { kind: "integer", text: "lists, small matrices and a state machine in turn" },
  crc32: { kind: "integer", text: "cyclic redundancy checks three ways" },
  cubic: { kind: "float", text: "roots of polynomials, an exponential by its series" },
  dct: { kind: "integer", text: "an integer cosine transform of image blocks" },
  fft: { kind: "float", text: "a fast Fourier transform, forth and back" },
  fir: { kind: "integer", text: "filters and correlation in fixed point" },
  hashmap: { kind: "integer", text: "an open-addressing hash map from strings to counters" },
  huffman: { kind: "integer", text: "Huffman coding, bit by bit" },
  "integer-mix": { kind: "integer", text: "arithmetic of every width as ordinary code mixes it" },
  interpreter: { kind: "integer", text: "a stack machine in a big switch" },
  json: { kind: "integer", text: "a JSON reader by recursive descent" },
  life: { kind: "integer", text: "the game of life, in bytes and in bits" },
  lists: { kind: "integer", text: "pointer chasing on linked lists" },
  lz: { kind: "integer", text: "dictionary compression and back" },
  mandelbrot: { kind: "float", text: "the Mandelbrot set in single precision" },
  matrix: { kind: "float", text: "dense linear algebra in double precision" },
  "matrix-int": { kind: "integer", text: "matrices of 32-bit integers" },
  multiply64: { kind: "integer", text: "full 64-bit products, generators, modular steps" },
  nbody: { kind: "float", text: "bodies under gravity: roots and divisions" },
  pattern: { kind: "integer", text: "regular expressions as nondeterministic automata" },
  queens: { kind: "integer", text: "queens on a board, in bit sets and in arrays" },
  records: { kind: "integer", text: "records by value, string compares, small procedures" },
  recursion: { kind: "integer", text: "calls and returns with little between them" },
  sha256: { kind: "integer", text: "SHA-256 of a growing message" },
  "simd-bytes": { kind: "simd", text: "SSE2 on text, sixteen characters at a time" },
  "simd-float": { kind: "float", text: "SSE on packed single precision" },
  "simd-integer": { kind: "simd", text: "SSE2 on 16-bit lanes and bytes" },
  sort: { kind: "integer", text: "quicksort, heapsort and radix sort" },
  "state-machine": { kind: "integer", text: "a table-free scanner of fields" },
  strings: { kind: "integer", text: "byte-wise string functions" },
  sudoku: { kind: "integer", text: "backtracking with candidate sets" },
  tree: { kind: "integer", text: "a treap, recursively and in loops" },
  utf8: { kind: "integer", text: "UTF-8 and UTF-16, damaged text too" },
} as const satisfies Record<string, Described>;

export type ProgramName = keyof typeof PROGRAMS;

export const PROGRAM_NAMES = Object.keys(PROGRAMS) as ProgramName[];

export const isProgram = (name: string): name is ProgramName => Object.hasOwn(PROGRAMS, name);

/** Where the built programs lie. */
export const PROGRAM_FOLDER = packageFile("bench/guests/out");

/** `scale.mark` of `bench/guests/platform/rounds.c`; the percentage lies behind it. */
const MARK = new TextEncoder().encode("CAPJITSCALE\0");

/** The bytes of a program that ships. */
export function programBytes(name: ProgramName): Uint8Array {
  const file = join(PROGRAM_FOLDER, `${name}.elf`);
  if (!existsSync(file)) throw new InputError(`${file}: missing; npm run bench:guests builds it`);
  return readBinary(file);
}

/** A copy of a program, capOS or Linux, that does `percent` of its rounds, one at least; undefined without the mark. */
export function scaledProgram(file: Uint8Array, percent: number): Uint8Array | undefined {
  const bytes = Uint8Array.from(file);
  const at = Buffer.from(bytes.buffer).indexOf(MARK);
  if (at < 0) return undefined;
  new DataView(bytes.buffer).setUint32(at + MARK.length, percent, true);
  return bytes;
}
