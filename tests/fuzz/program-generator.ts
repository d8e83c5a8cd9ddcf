/**
 * Random programs that come to an end: loops with counters of their own, branches forward, calls and returns,
 * string instructions, everything the tables have in between. R15 points to the data pages, R13 and R14 count
 * loops, R12 holds code addresses and the depth of a recursion.
 */

import { mxcsr } from "../support/float-values.ts";
import { DATA_PAGES, RODATA_PAGE } from "../support/state.ts";
import { CALL_FORMS, type Code, LOOP_FORMS, type Node } from "./program.ts";
import {
  code,
  DATA_END,
  dataOffset,
  definedFlags,
  FREE_REGISTERS,
  referring,
  tablePiece,
} from "./program-pieces.ts";
import type { Random } from "./random.ts";

const MAX_DEPTH = 3;
const MAX_STRING = 40;
/** Words of the read-only page that control words are loaded from: valid ones, all exceptions masked. */
const CONTROL_WORDS = 8;
const WORD_BYTES = 4;

/** The start of the read-only page: MXCSR values, then control words of the x87 unit, then anything. */
export function programConstants(random: Random): Uint8Array {
  const bytes = random.bytes(64);
  const view = new DataView(bytes.buffer);
  const next = (): number => random.next();
  for (let i = 0; i < CONTROL_WORDS; i++) {
    view.setUint32(i * WORD_BYTES, mxcsr(next) | 0x1f80, true);
    const precision = random.pick([0, 2, 3, 3]);
    view.setUint16(32 + 2 * i, 0x7f | (precision << 8) | (random.below(4) << 10), true);
  }
  return bytes;
}

/** `lea reg, [rip+x]` of an address. */
const pointer = (register: number, address: number): Code =>
  referring(address, 0x48, 0x8d, 0x05 | ((register & 7) << 3));

const setRegister32 = (register: number, value: number): Code =>
  code(0xb8 | register, value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff);

/** RSI and RDI into the data, RCX a length, in either direction. */
function stringPiece(random: Random): Node {
  const opcode = random.pick([0xa4, 0xa6, 0xaa, 0xac, 0xae]) | random.below(2);
  const wide = random.pick([[], [], [0x48], [0x66]] as const);
  const repeat: readonly number[] = random.pick([[], [0xf3], [0xf3], [0xf2]]);
  const size = random.chance(30) ? wide.slice(1) : wide;
  const prefixes = size[0] === 0x48 ? [...repeat, ...size] : [...size, ...repeat];
  const backwards = random.chance(25);
  const place = (): number => DATA_PAGES + 512 + dataOffset(random, false);
  return {
    kind: "group",
    nodes: [
      pointer(6, place()),
      pointer(7, place()),
      setRegister32(1, random.below(MAX_STRING)),
      ...(backwards ? [code(0xfd)] : []),
      code(...prefixes, opcode),
      ...(backwards ? [code(0xfc)] : []),
    ],
  };
}

/** DIV or IDIV that cannot overflow: the upper half is zero, the divisor is not. */
function dividePiece(random: Random): Node {
  const wide = random.chance(40) ? [0x48] : [];
  const divisor = random.pick([1, 3, 5, 6, 7]);
  const signed = random.chance(50);
  return {
    kind: "group",
    nodes: [
      ...(signed ? [code(0xd1, 0xe8)] : []),
      code(0x31, 0xd2),
      code(...wide, 0x83, 0xc8 | divisor, 1),
      code(...wide, 0xf7, (signed ? 0xf8 : 0xf0) | divisor),
      definedFlags(random),
    ],
  };
}

/** What changes modes of the floating-point units, from words that are valid. */
function controlPiece(random: Random): Node {
  const i = random.below(CONTROL_WORDS);
  return random.chance(50)
    ? referring(RODATA_PAGE + i * WORD_BYTES, 0x0f, 0xae, 0x15)
    : referring(RODATA_PAGE + 32 + 2 * i, 0xd9, 0x2d);
}

function specialPiece(random: Random): Node {
  switch (random.below(6)) {
    case 0:
      return dividePiece(random);
    case 1:
      return controlPiece(random);
    case 2:
      return { kind: "group", nodes: [pointer(3, DATA_PAGES + random.below(DATA_END)), code(0xd7)] };
    case 3:
      return { kind: "group", nodes: [code(0xc8, 8 * random.below(4), 0, random.below(2)), code(0xc9)] };
    default:
      return stringPiece(random);
  }
}

function plainPiece(random: Random): Node {
  if (random.chance(8)) return specialPiece(random);
  for (;;) {
    const made = tablePiece(random);
    if (made !== undefined) return made;
  }
}

/** Nodes for a body; deeper ones are shorter. `counters` are the registers that loops in it may use. */
function body(random: Random, depth: number, counters: readonly number[]): Node[] {
  const length = 1 + random.below(depth > 0 ? 4 - depth : random.chance(10) ? 10 : 3);
  return Array.from({ length }, () => node(random, depth, counters));
}

function node(random: Random, depth: number, counters: readonly number[]): Node {
  if (depth >= MAX_DEPTH || random.chance(depth === 0 ? 40 : 75)) return plainPiece(random);
  const within = (left = counters): Node[] => body(random, depth + 1, left);
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2:
      return loop(random, depth, counters);
    case 3:
    case 4: {
      const otherwise = random.chance(40) ? within() : [];
      return { kind: "if", condition: random.below(16), body: within(), otherwise };
    }
    case 5:
    case 6: {
      const form = CALL_FORMS[random.below(CALL_FORMS.length)]!;
      // A recursion counts in a register that nothing else may change meanwhile.
      const inner = form === "recursive" ? [plainPiece(random), plainPiece(random)] : within();
      return { kind: "call", form, count: random.below(6), body: inner };
    }
    default: {
      const push = random.pick(FREE_REGISTERS);
      return {
        kind: "pushed",
        push,
        pop: random.pick(FREE_REGISTERS),
        flags: random.chance(30),
        body: within(),
      };
    }
  }
}

/** Deeper loops run less often, so that a program stays short. */
function loop(random: Random, depth: number, counters: readonly number[]): Node {
  const form = LOOP_FORMS[random.below(LOOP_FORMS.length)]!;
  const count = 1 + random.below(depth === 0 ? 20 : 6);
  const [counter = 0, ...left] = counters;
  if (counter === 0 && form !== "loop") return plainPiece(random);
  const inner = body(random, depth + 1, form === "loop" ? counters : left);
  return { kind: "loop", form, counter, count, body: inner };
}

export const randomProgram = (random: Random): Node[] => body(random, 0, [14, 13]);
