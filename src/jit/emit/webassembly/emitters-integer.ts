/** Truth values, 32-bit and 64-bit integers, multiplication, division, conversions. */

import type { OpName } from "../../ir/ops.ts";
import type { Body } from "./body.ts";
import { NO_RESULT, OP, TYPE_I32, TYPE_I64 } from "./bytes.ts";
import type { Emitter } from "./emitters.ts";
import { scratch64 } from "./emitters-state.ts";

const arg = (args: readonly number[], k: number): number => args[k] ?? 0;

/** All arguments, then one instruction. */
const plain =
  (op: number): Emitter =>
  (body, args) => {
    for (const value of args) body.value(value);
    body.op(op);
  };

/** The only argument, then instructions with one constant operand. */
const with32 =
  (constant: number, op: number): Emitter =>
  (body, args) => {
    body.value(arg(args, 0));
    body.const32(constant);
    body.op(op);
  };

/** A 64-bit value and a count of type i32. */
const shift64 =
  (op: number): Emitter =>
  (body, args) => {
    body.value(arg(args, 0));
    const count = body.constantOf(arg(args, 1));
    if (count !== undefined) body.const64(count, 0);
    else {
      body.value(arg(args, 1));
      body.op(OP.i64ExtendI32U);
    }
    body.op(op);
  };

/** An instruction with a 64-bit result, narrowed. */
const narrowed =
  (op: number): Emitter =>
  (body, args) => {
    for (const value of args) body.value(value);
    body.op(op);
    body.op(OP.i32WrapI64);
  };

const select: Emitter = (body, args) => {
  body.value(arg(args, 1));
  body.value(arg(args, 2));
  body.value(arg(args, 0));
  body.op(OP.select);
};

/** Pops a value into a local. */
function toLocal(body: Body, type: typeof TYPE_I32 | typeof TYPE_I64, value: number): number {
  body.value(value);
  const local = body.newLocal(type);
  body.localSet(local);
  return local;
}

/** (v & mask) << n | (v >>> n) & mask, the exchange of neighbours n bits wide. */
function exchange64(body: Body, v: number, n: number, mask: readonly [number, number]): void {
  body.localGet(v);
  body.const64(...mask);
  body.op(OP.i64And);
  body.const64(n, 0);
  body.op(OP.i64Shl);
  body.localGet(v);
  body.const64(n, 0);
  body.op(OP.i64ShrU);
  body.const64(...mask);
  body.op(OP.i64And);
  body.op(OP.i64Or);
}

const bswap64: Emitter = (body, args) => {
  const v = toLocal(body, TYPE_I64, arg(args, 0));
  exchange64(body, v, 8, [0x00ff00ff, 0x00ff00ff]);
  body.localSet(v);
  exchange64(body, v, 16, [0x0000ffff, 0x0000ffff]);
  body.const64(32, 0);
  body.op(OP.i64Rotl);
};

const bswap32: Emitter = (body, args) => {
  const v = toLocal(body, TYPE_I32, arg(args, 0));
  for (const [count, mask] of [
    [8, 0x00ff00ff],
    [24, 0xff00ff00 | 0],
  ] as const) {
    body.localGet(v);
    body.const32(count);
    body.op(OP.i32Rotl);
    body.const32(mask);
    body.op(OP.i32And);
  }
  body.op(OP.i32Or);
};

const low32 = (body: Body, local: number): void => {
  body.localGet(local);
  body.const64(-1, 0);
  body.op(OP.i64And);
};
const high32 = (body: Body, local: number): void => {
  body.localGet(local);
  body.const64(32, 0);
  body.op(OP.i64ShrU);
};

/** High half of the unsigned product of two locals, from four products of halves. */
function mulHigh(body: Body, a: number, b: number): void {
  const middle = body.newLocal(TYPE_I64);
  // middle = high(a) * low(b) + (low(a) * low(b) >> 32)
  high32(body, a);
  low32(body, b);
  body.op(OP.i64Mul);
  low32(body, a);
  low32(body, b);
  body.op(OP.i64Mul);
  body.const64(32, 0);
  body.op(OP.i64ShrU);
  body.op(OP.i64Add);
  body.localSet(middle);
  high32(body, a);
  high32(body, b);
  body.op(OP.i64Mul);
  high32(body, middle);
  body.op(OP.i64Add);
  low32(body, a);
  high32(body, b);
  body.op(OP.i64Mul);
  low32(body, middle);
  body.op(OP.i64Add);
  body.const64(32, 0);
  body.op(OP.i64ShrU);
  body.op(OP.i64Add);
}

/** Subtracts `other` from what is on the stack when `sign` is negative. */
function correct(body: Body, sign: number, other: number): void {
  body.localGet(sign);
  body.const64(63, 0);
  body.op(OP.i64ShrS);
  body.localGet(other);
  body.op(OP.i64And);
  body.op(OP.i64Sub);
}

/** Division by a 64-bit number; where WebAssembly traps and the processor has faulted before, divides by one. */
const divide64 =
  (op: number, signed: boolean): Emitter =>
  (body, args) => {
    const a = toLocal(body, TYPE_I64, arg(args, 0));
    const d = toLocal(body, TYPE_I64, arg(args, 1));
    body.localGet(a);
    body.localGet(d);
    body.const64(1, 0);
    body.localGet(d);
    if (signed) {
      // 0 and -1 are the divisors d with d + 1 below 2; -1 overflows for the minimum only.
      body.const64(1, 0);
      body.op(OP.i64Add);
      body.const64(2, 0);
      body.op(OP.i64LtU);
      body.op(OP.i32Eqz);
    } else {
      body.const64(0, 0);
      body.op(OP.i64Ne);
    }
    body.op(OP.select);
    body.op(op);
    if (!signed) return;
    // Dividing by -1 negates, and leaves no remainder.
    if (op === OP.i64DivS) {
      body.const64(0, 0);
      body.localGet(a);
      body.op(OP.i64Sub);
    } else body.const64(0, 0);
    body.localGet(d);
    body.const64(-1, -1);
    body.op(OP.i64Eq);
    body.op(OP.i32Eqz);
    body.op(OP.select);
  };

function sixWords(body: Body, locals: readonly number[]): void {
  for (const local of locals) {
    body.localGet(local);
    body.op(OP.i32WrapI64);
    body.localGet(local);
    body.highHalf();
  }
}

/** (high:low) / divisor: one instruction while `high` only extends `low`, a helper otherwise. */
const divide128 =
  (name: "divu" | "divs" | "remu" | "rems", op: number, signed: boolean): Emitter =>
  (body, args) => {
    const [high = 0, low = 0, divisor = 0] = args.map((value) => toLocal(body, TYPE_I64, value));
    const result = body.newLocal(TYPE_I64);
    body.localGet(high);
    if (signed) {
      body.localGet(low);
      body.const64(63, 0);
      body.op(OP.i64ShrS);
      body.op(OP.i64Eq);
    } else body.op(OP.i64Eqz);
    // 0 and -1 are the divisors at which the instruction may trap.
    body.localGet(divisor);
    body.const64(1, 0);
    body.op(OP.i64Add);
    body.const64(2, 0);
    body.op(OP.i64LtU);
    body.op(OP.i32Eqz);
    body.op(OP.i32And);
    body.block(OP.if, NO_RESULT);
    body.localGet(low);
    body.localGet(divisor);
    body.op(op);
    body.localSet(result);
    body.op(OP.else);
    sixWords(body, [high, low, divisor]);
    body.call(name);
    scratch64(body);
    body.localSet(result);
    body.end();
    body.localGet(result);
  };

export const INTEGER_EMITTERS = {
  "and.i1": plain(OP.i32And),
  "or.i1": plain(OP.i32Or),
  "xor.i1": plain(OP.i32Xor),
  "not.i1": plain(OP.i32Eqz),

  "add.i32": plain(OP.i32Add),
  "sub.i32": plain(OP.i32Sub),
  "mul.i32": plain(OP.i32Mul),
  "and.i32": plain(OP.i32And),
  "or.i32": plain(OP.i32Or),
  "xor.i32": plain(OP.i32Xor),
  "not.i32": with32(-1, OP.i32Xor),
  "neg.i32": (body, args) => {
    body.const32(0);
    body.value(arg(args, 0));
    body.op(OP.i32Sub);
  },
  "shl.i32": plain(OP.i32Shl),
  "shr.i32": plain(OP.i32ShrU),
  "sar.i32": plain(OP.i32ShrS),
  "rotl.i32": plain(OP.i32Rotl),
  "rotr.i32": plain(OP.i32Rotr),
  "clz.i32": plain(OP.i32Clz),
  "ctz.i32": plain(OP.i32Ctz),
  "popcnt.i32": plain(OP.i32Popcnt),
  "bswap.i32": bswap32,
  "eq.i32": plain(OP.i32Eq),
  "ne.i32": plain(OP.i32Ne),
  "ult.i32": plain(OP.i32LtU),
  "ule.i32": plain(OP.i32LeU),
  "slt.i32": plain(OP.i32LtS),
  "sle.i32": plain(OP.i32LeS),
  "select.i32": select,

  "add.i64": plain(OP.i64Add),
  "sub.i64": plain(OP.i64Sub),
  "mul.i64": plain(OP.i64Mul),
  "and.i64": plain(OP.i64And),
  "or.i64": plain(OP.i64Or),
  "xor.i64": plain(OP.i64Xor),
  "not.i64": (body, args) => {
    body.value(arg(args, 0));
    body.const64(-1, -1);
    body.op(OP.i64Xor);
  },
  "neg.i64": (body, args) => {
    body.const64(0, 0);
    body.value(arg(args, 0));
    body.op(OP.i64Sub);
  },
  "shl.i64": shift64(OP.i64Shl),
  "shr.i64": shift64(OP.i64ShrU),
  "sar.i64": shift64(OP.i64ShrS),
  "rotl.i64": shift64(OP.i64Rotl),
  "rotr.i64": shift64(OP.i64Rotr),
  "clz.i64": narrowed(OP.i64Clz),
  "ctz.i64": narrowed(OP.i64Ctz),
  "popcnt.i64": narrowed(OP.i64Popcnt),
  "bswap.i64": bswap64,
  "eq.i64": plain(OP.i64Eq),
  "ne.i64": plain(OP.i64Ne),
  "ult.i64": plain(OP.i64LtU),
  "ule.i64": plain(OP.i64LeU),
  "slt.i64": plain(OP.i64LtS),
  "sle.i64": plain(OP.i64LeS),
  "select.i64": select,

  "mulwide.u32": (body, args) => {
    for (const value of args) {
      body.value(value);
      body.op(OP.i64ExtendI32U);
    }
    body.op(OP.i64Mul);
  },
  "mulwide.s32": (body, args) => {
    for (const value of args) {
      body.value(value);
      body.op(OP.i64ExtendI32S);
    }
    body.op(OP.i64Mul);
  },
  "mulhigh.u64": (body, args) => {
    mulHigh(body, toLocal(body, TYPE_I64, arg(args, 0)), toLocal(body, TYPE_I64, arg(args, 1)));
  },
  "mulhigh.s64": (body, args) => {
    const a = toLocal(body, TYPE_I64, arg(args, 0));
    const b = toLocal(body, TYPE_I64, arg(args, 1));
    mulHigh(body, a, b);
    correct(body, a, b);
    correct(body, b, a);
  },
  "div.u128": divide128("divu", OP.i64DivU, false),
  "rem.u128": divide128("remu", OP.i64RemU, false),
  "div.s128": divide128("divs", OP.i64DivS, true),
  "rem.s128": divide128("rems", OP.i64RemS, true),
  // The quotient fits when high < divisor, which also refuses zero.
  "divfits.u128": (body, args) => {
    body.value(arg(args, 0));
    body.value(arg(args, 2));
    body.op(OP.i64LtU);
  },
  "divfits.s128": (body, args) => {
    sixWords(
      body,
      args.map((value) => toLocal(body, TYPE_I64, value)),
    );
    body.call("fitss");
  },
  "div.u64": divide64(OP.i64DivU, false),
  "rem.u64": divide64(OP.i64RemU, false),
  "div.s64": divide64(OP.i64DivS, true),
  "rem.s64": divide64(OP.i64RemS, true),

  "zext8.i32": with32(0xff, OP.i32And),
  "zext16.i32": with32(0xffff, OP.i32And),
  "sext8.i32": plain(OP.i32Extend8),
  "sext16.i32": plain(OP.i32Extend16),
  "zext.i64": plain(OP.i64ExtendI32U),
  "sext.i64": plain(OP.i64ExtendI32S),
  "low.i32": plain(OP.i32WrapI64),
  "high.i32": (body, args) => {
    body.value(arg(args, 0));
    body.highHalf();
  },
  "concat.i64": (body, args) => {
    body.value(arg(args, 0));
    body.op(OP.i64ExtendI32U);
    body.value(arg(args, 1));
    body.op(OP.i64ExtendI32U);
    body.const64(32, 0);
    body.op(OP.i64Shl);
    body.op(OP.i64Or);
  },
  "bool.i32": (body, args) => body.value(arg(args, 0)),
  "insert.i64": (body, args, [bit = 0, width = 32]) => {
    const mask = width === 32 ? -1 : ((1 << width) - 1) << bit;
    body.value(arg(args, 0));
    body.const64(~mask, -1);
    body.op(OP.i64And);
    body.value(arg(args, 1));
    body.const32(width === 32 ? -1 : (1 << width) - 1);
    body.op(OP.i32And);
    body.const32(bit);
    body.op(OP.i32Shl);
    body.op(OP.i64ExtendI32U);
    body.op(OP.i64Or);
  },
  "extract.i32": (body, args, [bit = 0, width = 32]) => {
    body.value(arg(args, 0));
    body.op(OP.i32WrapI64);
    body.const32(bit);
    body.op(OP.i32ShrU);
    body.const32(width === 32 ? -1 : (1 << width) - 1);
    body.op(OP.i32And);
  },
} as const satisfies Partial<Record<OpName, Emitter>>;
