/** The six status flags from a ripple-carry adder, bit by bit: what flag tests compare with. */

import { AF, CF, type FlagKind, OF, PF, SF, ZF } from "../../src/jit/ir/flags.ts";

export interface FlagOperands {
  readonly kind: FlagKind;
  readonly width: number;
  readonly a: bigint;
  readonly b: bigint;
  /** Carry-in of adc/sbb, kept carry of inc/dec, CF of result. */
  readonly carry: boolean;
  /** OF and AF of result. */
  readonly overflow: boolean;
  readonly adjust: boolean;
}

const bitOf = (x: bigint, i: number): number => Number((x >> BigInt(i)) & 1n);

/** Adds bit by bit and says what comes out of each position. */
function ripple(a: bigint, b: bigint, carryIn: number, width: number) {
  let result = 0n;
  let carry = carryIn;
  let carryIntoTop = 0;
  let carryFromBit3 = 0;
  for (let i = 0; i < width; i++) {
    if (i === width - 1) carryIntoTop = carry;
    const sum = bitOf(a, i) + bitOf(b, i) + carry;
    if (sum % 2 === 1) result |= 1n << BigInt(i);
    carry = sum >= 2 ? 1 : 0;
    if (i === 3) carryFromBit3 = carry;
  }
  return { result, carryOut: carry, overflow: carry !== carryIntoTop, carryFromBit3 };
}

function resultFlags(result: bigint, width: number): number {
  let onesInLowByte = 0;
  for (let i = 0; i < 8; i++) onesInLowByte += bitOf(result, i);
  let isZero = true;
  for (let i = 0; i < width; i++) if (bitOf(result, i) === 1) isZero = false;
  return (onesInLowByte % 2 === 0 ? PF : 0) | (isZero ? ZF : 0) | (bitOf(result, width - 1) === 1 ? SF : 0);
}

function sum(a: bigint, b: bigint, carryIn: number, width: number, subtracts: boolean): number {
  // a - b - borrow is a + not b + not borrow; borrows are the inverted carries.
  const flip = subtracts ? 1 : 0;
  const operand = subtracts ? BigInt.asUintN(width, ~b) : b;
  const out = ripple(a, operand, carryIn ^ flip, width);
  const carry = (out.carryOut ^ flip) === 1 ? CF : 0;
  const adjust = (out.carryFromBit3 ^ flip) === 1 ? AF : 0;
  return resultFlags(out.result, width) | carry | adjust | (out.overflow ? OF : 0);
}

/** All six flags at their places in RFLAGS. */
export function modelFlags(x: FlagOperands): number {
  const kept = x.carry ? CF : 0;
  const carryIn = x.carry ? 1 : 0;
  const mask = (1n << BigInt(x.width)) - 1n;
  switch (x.kind) {
    case "bits":
      return Number(x.a & 0xffffn) & (CF | PF | AF | ZF | SF | OF);
    case "add":
      return sum(x.a, x.b, 0, x.width, false);
    case "adc":
      return sum(x.a, x.b, carryIn, x.width, false);
    case "sub":
      return sum(x.a, x.b, 0, x.width, true);
    case "sbb":
      return sum(x.a, x.b, carryIn, x.width, true);
    case "logic":
      return resultFlags(x.a, x.width);
    case "inc":
      return (sum((x.a - 1n) & mask, 1n, 0, x.width, false) & ~CF) | kept;
    case "dec":
      return (sum((x.a + 1n) & mask, 1n, 0, x.width, true) & ~CF) | kept;
    case "result":
      return resultFlags(x.a, x.width) | kept | (x.overflow ? OF : 0) | (x.adjust ? AF : 0);
  }
}

/** Conditions from the flag bits, in the words of the manual (SDM vol. 2, appendix B.1). */
export function modelCondition(condition: string, flags: number): boolean {
  const has = (bit: number): boolean => (flags & bit) !== 0;
  if (condition === "af") return has(AF);
  const negated = condition.startsWith("n") || ["ae", "a", "ge", "g"].includes(condition);
  const positive = { ae: "b", a: "be", ge: "l", g: "le" }[condition] ?? condition.replace("n", "");
  const meanings: Record<string, boolean> = {
    o: has(OF),
    b: has(CF),
    z: has(ZF),
    be: has(CF) || has(ZF),
    s: has(SF),
    p: has(PF),
    l: has(SF) !== has(OF),
    le: has(ZF) || has(SF) !== has(OF),
  };
  const meaning = meanings[positive];
  if (meaning === undefined) throw new Error(`no condition ${condition}`);
  return meaning !== negated;
}
