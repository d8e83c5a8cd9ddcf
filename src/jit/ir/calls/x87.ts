/** Call operations of the x87 unit and of MMX, which shares its registers: rows of the operation table. */

import { EXTENDED, indefinite } from "../../float/format.ts";
import { action, actionImm, type Call, stateCall, stateCallImm } from "./call.ts";
import { MMX_CALLS, MMX_OPS } from "./mmx.ts";
import { giveVector, long } from "./mxcsr.ts";
import { X87_BASIC_CALLS } from "./x87-basic.ts";
import { type Special, SPECIALS } from "./x87-special.ts";
import { TRANSCENDENTALS } from "./x87-transcendental.ts";
import { unit } from "./x87-unit.ts";
import { X87_CONTROL, X87_OPCODE, X87_REGISTERS, X87_STATUS } from "../state.ts";

/**
 * An instruction that waits begins with the check for a pending exception. `value` operations give what a store
 * writes: the argument, which is what memory holds, when an exception stops the store.
 */
const BASIC_OPS = {
  "x87.push.f32": action(["i32"]),
  "x87.push.f64": action(["i64"]),
  "x87.push.f80": action(["v128"]),
  "x87.push.s64": action(["i64"]),
  "x87.push.bcd": action(["v128"]),
  "x87.push.st": actionImm(["lane"], []),
  /** Operation (ModRM.reg of D8), destination, source, and whether to pop. */
  "x87.arith": actionImm(["lane", "lane", "lane", "lane"], []),
  "x87.arith.f32": actionImm(["lane"], ["i32"]),
  "x87.arith.f64": actionImm(["lane"], ["i64"]),
  "x87.arith.s32": actionImm(["lane"], ["i32"]),
  /** Register, whether quiet NaNs are fine, number of pops. */
  "x87.compare": actionImm(["lane", "lane", "lane"], []),
  "x87.compare.f32": actionImm(["lane"], ["i32"]),
  "x87.compare.f64": actionImm(["lane"], ["i64"]),
  "x87.compare.s32": actionImm(["lane"], ["i32"]),
  /** Gives the status flags as bits. */
  "x87.compareflags": stateCallImm(["lane", "lane", "lane"], [], "i32"),
  "x87.value.f32": stateCall(["i32"], "i32"),
  "x87.value.f64": stateCall(["i64"], "i64"),
  "x87.value.f80": stateCall(["v128"], "v128"),
  /** Width in bits, and whether to truncate. */
  "x87.value.s64": stateCallImm(["lane", "lane"], ["i64"], "i64"),
  "x87.value.bcd": stateCall(["v128"], "v128"),
  /** Behind a store, unless an exception stopped it. */
  "x87.pop": action([]),
} as const;

const STACK_OPS = {
  /** One of `SPECIAL_NAMES`. */
  "x87.special": actionImm(["lane"], []),
  "x87.exchange": actionImm(["lane"], []),
  /** FST, FSTP to a register: its number, and whether to pop. */
  "x87.copy": actionImm(["lane", "lane"], []),
  "x87.free": actionImm(["lane", "lane"], []),
  /** FSTP by way of D9: an empty register is popped without a fault. */
  "x87.copyany": actionImm(["lane"], []),
  /** FCMOV. */
  "x87.move": actionImm(["lane"], ["i1"]),
  "x87.control": action(["i32"]),
  "x87.clear": action([]),
  "x87.init": action([]),
  /** Control, status and tag words as FLDENV takes them; two bits per register in the tag word. */
  "x87.setenvironment": action(["i32", "i32", "i32"]),
  "x87.tagword": stateCall([], "i32"),
  /** ST(i) as it is: no exceptions, tags unchanged. */
  "x87.read": stateCallImm(["lane"], [], "v128"),
  "x87.write": actionImm(["lane"], ["v128"]),
} as const;

export const X87_OPS = { ...MMX_OPS, ...BASIC_OPS, ...STACK_OPS } as const;

const ALL_SPECIALS = { ...SPECIALS, ...TRANSCENDENTALS } as const;
/** Instructions without operands, by the number that `x87.special` takes. */
export const SPECIAL_NAMES = Object.keys(ALL_SPECIALS) as readonly (keyof typeof ALL_SPECIALS)[];
const SPECIAL_LIST: readonly Special[] = Object.values(ALL_SPECIALS);

/** Bits of the control word that exist; bit 6 is always set. */
const CONTROL_MASK = 0x1f3f;
const CONTROL_SET = 0x40;
const INITIAL_CONTROL = 0x37f;
/** Exception flags, stack fault, summary and busy. */
const CLEARED = 0x80ff;

const empty = (i: number): bigint => (unit.isEmpty(i) ? indefinite(EXTENDED) : unit.get(i));

/** Tags of two bits: 0 valid, 1 zero, 2 special, 3 empty, for physical registers. */
function tagWord(): number {
  let tags = 0;
  for (let i = 0; i < 8; i++) {
    const { kind, denormal } = unit.float(i);
    const tag = unit.isEmpty(i) ? 3 : kind === "zero" ? 1 : kind === "finite" && !denormal ? 0 : 2;
    tags |= tag << (2 * ((unit.top + i) & 7));
  }
  return tags;
}

const STACK_CALLS: { readonly [K in keyof typeof STACK_OPS]: Call } = {
  "x87.special": (m, number = 0) => {
    unit.begin(m);
    const special = SPECIAL_LIST[number];
    if (special !== undefined) special();
    return unit.end();
  },
  "x87.exchange": (m, i = 0) => {
    unit.begin(m);
    const fault = unit.isEmpty(0) || unit.isEmpty(i);
    if (!fault || unit.stackFault(false)) {
      const [a, b] = [empty(0), empty(i)];
      unit.set(0, b);
      unit.set(i, a);
    }
    return unit.end();
  },
  "x87.copy": (m, i = 0, pops = 0) => {
    unit.begin(m);
    if (!unit.isEmpty(0) || unit.stackFault(false)) {
      unit.set(i, empty(0));
      if (pops !== 0) unit.pop();
    }
    return unit.end();
  },
  "x87.copyany": (m, i = 0) => {
    unit.begin(m);
    if (!unit.isEmpty(0)) unit.set(i, unit.get(0));
    unit.pop();
    return unit.end();
  },
  "x87.free": (m, i = 0, pops = 0) => {
    unit.begin(m);
    unit.free(i);
    if (pops !== 0) unit.pop();
    return unit.end();
  },
  "x87.move": (m, i = 0, condition = 0) => {
    unit.beginKeepingC1(m);
    if (unit.has(0, 0, i) && condition !== 0) unit.set(0, unit.get(i));
    return unit.end();
  },
  "x87.control": (m, value = 0) => {
    m.state.setInt32(X87_CONTROL, (value & CONTROL_MASK) | CONTROL_SET, true);
    return unit.attach(m).end();
  },
  "x87.clear": (m) => {
    unit.attach(m);
    unit.status &= ~CLEARED;
    return unit.end();
  },
  "x87.init": (m) => {
    m.state.setInt32(X87_CONTROL, INITIAL_CONTROL, true);
    for (let at = X87_OPCODE; at < X87_REGISTERS; at += 4) m.state.setInt32(at, 0, true);
    unit.attach(m);
    unit.status = 0;
    unit.tags = 0;
    return unit.end();
  },
  "x87.setenvironment": (m, control = 0, status = 0, tags = 0) => {
    m.state.setInt32(X87_CONTROL, (control & CONTROL_MASK) | CONTROL_SET, true);
    m.state.setInt32(X87_STATUS, status & 0xffff, true);
    unit.attach(m);
    unit.tags = 0;
    for (let i = 0; i < 8; i++) if (((tags >> (2 * i)) & 3) !== 3) unit.tags |= 1 << i;
    return unit.end();
  },
  "x87.tagword": (m) => {
    unit.attach(m);
    return tagWord();
  },
  "x87.read": (m, i = 0) => {
    const value = unit.attach(m).get(i);
    return giveVector(m, BigInt.asUintN(64, value), value >> 64n);
  },
  "x87.write": (m, i = 0, a = 0, b = 0, c = 0) => {
    const { tags } = unit.attach(m);
    unit.set(i, (BigInt(c & 0xffff) << 64n) | long(a, b));
    unit.tags = tags;
    return unit.end();
  },
};

export const X87_CALLS: { readonly [K in keyof typeof X87_OPS]: Call } = {
  ...MMX_CALLS,
  ...X87_BASIC_CALLS,
  ...STACK_CALLS,
};
