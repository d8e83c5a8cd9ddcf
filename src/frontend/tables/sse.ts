/**
 * The rows of vector instructions in the two-byte map. Four columns are the mandatory prefixes: none, 66, F3, F2.
 * Arithmetic on floating-point numbers and everything on MMX registers is named and not implemented.
 */

import * as convert from "../lift/sse-convert.ts";
import * as mmx from "../lift/mmx.ts";
import * as float from "../lift/sse-float.ts";
import * as move from "../lift/sse-move.ts";
import * as integer from "../lift/sse-integer.ts";
import * as sse41 from "../lift/sse41.ts";
import type { OperandName } from "../operand-codes.ts";
import {
  byMod,
  byPrefix,
  byReg,
  byWide,
  type Entry,
  type Lifter,
  type Row,
  type RowOptions,
  row,
  unsupported,
} from "./row.ts";

type Operands = readonly OperandName[];

const mmxFeature = { feature: "mmx" } as const;
const sse = { feature: "sse" } as const;
const sse2 = { feature: "sse2" } as const;
const sse3 = { feature: "sse3" } as const;

const V_W: Operands = ["Vx", "Wx"];

/** Arithmetic in its forms for PS, PD, SS, SD. */
const scalarAndPacked = (opcode: number, name: Parameters<typeof float.scalarSingle>[0]): [number, Entry] => [
  opcode,
  byPrefix(
    row(`${name}ps`, float.packedSingle(name), V_W, sse),
    row(`${name}pd`, float.packedDouble(name), V_W, sse2),
    row(`${name}ss`, float.scalarSingle(name), ["Vx", "Wd"], sse),
    row(`${name}sd`, float.scalarDouble(name), ["Vx", "Wq"], sse2),
  ),
];

/** SSE3: PD with 66, PS with F2. */
const pairwise = (opcode: number, name: "hadd" | "hsub" | "addsub"): [number, Entry] => [
  opcode,
  byPrefix(
    undefined,
    row(`${name}pd`, float.packedDouble(name), V_W, sse3),
    undefined,
    row(`${name}ps`, float.packedSingle(name), V_W, sse3),
  ),
];

/** The PS and PD forms of an operation that does not look at the numbers. */
const packedPair = (opcode: number, name: string, ps: Lifter, pd: Lifter = ps): [number, Entry] => [
  opcode,
  byPrefix(row(`${name}ps`, ps, V_W, sse), row(`${name}pd`, pd, V_W, sse2)),
];

/** An operation on packed integers: MMX without prefix, SSE2 with 66. */
const packedInteger = (
  opcode: number,
  name: string,
  op: Parameters<typeof integer.packed>[0],
  narrow = mmx.packed(op),
  feature: RowOptions = mmxFeature,
): [number, Entry] => [
  opcode,
  byPrefix(row(name, narrow, ["Pq", "Qq"], feature), row(name, integer.packed(op), V_W, sse2)),
];
/** One whose MMX form came with SSE, or with SSE2. */
const laterInteger = (
  opcode: number,
  name: string,
  op: Parameters<typeof integer.packed>[0],
  feature: RowOptions = sse,
): [number, Entry] => packedInteger(opcode, name, op, mmx.packed(op), feature);
const packing = (
  opcode: number,
  name: string,
  op: "packs.s16" | "packs.s32" | "packu.s16",
): [number, Entry] => packedInteger(opcode, name, op, mmx.narrowing(op));

const only66 = (opcode: number, entry: Entry): [number, Entry] => [opcode, byPrefix(undefined, entry)];

type ShiftOp = Parameters<typeof integer.packedShift>[0];

/** A shift by a register: MMX without prefix, SSE2 with 66. */
const shiftByRegister = (opcode: number, name: string, op: ShiftOp): [number, Entry] => [
  opcode,
  byPrefix(row(name, mmx.shift(op), ["Pq", "Qq"], mmxFeature), row(name, integer.packedShift(op), V_W, sse2)),
];

/** A shift by an immediate: registers only. */
const shiftByImmediate = (name: string, op: ShiftOp): Entry =>
  byMod(
    undefined,
    byPrefix(
      row(name, mmx.shift(op), ["Nq", "Ib"], mmxFeature),
      row(name, integer.packedShift(op), ["Ux", "Ib"], sse2),
    ),
  );
const shiftWhole = (name: string, op: "shlbytes.v128" | "shrbytes.v128"): Entry =>
  byMod(undefined, byPrefix(undefined, row(name, integer.shiftBytes(op), ["Ux", "Ib"], sse2)));

const GROUP_12 = byReg([
  undefined,
  undefined,
  shiftByImmediate("psrlw", "shr.v16"),
  undefined,
  shiftByImmediate("psraw", "sar.v16"),
  undefined,
  shiftByImmediate("psllw", "shl.v16"),
]);
const GROUP_13 = byReg([
  undefined,
  undefined,
  shiftByImmediate("psrld", "shr.v32"),
  undefined,
  shiftByImmediate("psrad", "sar.v32"),
  undefined,
  shiftByImmediate("pslld", "shl.v32"),
]);
const GROUP_14 = byReg([
  undefined,
  undefined,
  shiftByImmediate("psrlq", "shr.v64"),
  shiftWhole("psrldq", "shrbytes.v128"),
  undefined,
  undefined,
  shiftByImmediate("psllq", "shl.v64"),
  shiftWhole("pslldq", "shlbytes.v128"),
]);

const scalarLoad = (
  name: string,
  lift: Lifter,
  register: "Wd" | "Wq",
  feature: typeof sse | typeof sse2,
): Row => row(name, lift, ["Vx", register], feature);
const scalarStore = (
  name: string,
  lift: Lifter,
  register: "Wd" | "Wq",
  feature: typeof sse | typeof sse2,
): Row => row(name, lift, [register, "Vx"], feature);

/** 10 to 17, 28 to 2F: moves and unpacks of floating-point registers, conversions, comparisons. */
const FLOATING_MOVES: readonly [number, Entry][] = [
  [
    0x10,
    byPrefix(
      row("movups", move.movVector, ["Vx", "Wu"], sse),
      row("movupd", move.movVector, ["Vx", "Wu"], sse2),
      scalarLoad("movss", move.loadSingle, "Wd", sse),
      scalarLoad("movsd", move.loadDouble, "Wq", sse2),
    ),
  ],
  [
    0x11,
    byPrefix(
      row("movups", move.movVector, ["Wu", "Vx"], sse),
      row("movupd", move.movVector, ["Wu", "Vx"], sse2),
      scalarStore("movss", move.storeSingle, "Wd", sse),
      scalarStore("movsd", move.storeDouble, "Wq", sse2),
    ),
  ],
  [
    0x12,
    byPrefix(
      byMod(row("movlps", move.loadLow, ["Vx", "Mq"], sse), row("movhlps", move.movhlps, ["Vx", "Ux"], sse)),
      byMod(row("movlpd", move.loadLow, ["Vx", "Mq"], sse2), undefined),
      row("movsldup", sse41.duplicateLanes(0xa0), V_W, sse3),
      row("movddup", sse41.movddup, ["Vx", "Wq"], sse3),
    ),
  ],
  [
    0x13,
    byPrefix(
      byMod(row("movlps", move.storeLow, ["Mq", "Vx"], sse), undefined),
      byMod(row("movlpd", move.storeLow, ["Mq", "Vx"], sse2), undefined),
    ),
  ],
  packedPair(0x14, "unpckl", integer.packed("unpacklow.v32"), integer.packed("unpacklow.v64")),
  packedPair(0x15, "unpckh", integer.packed("unpackhigh.v32"), integer.packed("unpackhigh.v64")),
  [
    0x16,
    byPrefix(
      byMod(row("movhps", move.loadHigh, ["Vx", "Mq"], sse), row("movlhps", move.movlhps, ["Vx", "Ux"], sse)),
      byMod(row("movhpd", move.loadHigh, ["Vx", "Mq"], sse2), undefined),
      row("movshdup", sse41.duplicateLanes(0xf5), V_W, sse3),
    ),
  ],
  [
    0x17,
    byPrefix(
      byMod(row("movhps", move.storeHigh, ["Mq", "Vx"], sse), undefined),
      byMod(row("movhpd", move.storeHigh, ["Mq", "Vx"], sse2), undefined),
    ),
  ],
  packedPair(0x28, "mova", move.movVector),
  [
    0x29,
    byPrefix(
      row("movaps", move.movVector, ["Wx", "Vx"], sse),
      row("movapd", move.movVector, ["Wx", "Vx"], sse2),
    ),
  ],
  [
    0x2a,
    byPrefix(
      row("cvtpi2ps", mmx.cvtpi2ps, ["Vx", "Qq"], sse),
      row("cvtpi2pd", mmx.cvtpi2pd, ["Vx", "Qq"], sse2),
      row("cvtsi2ss", convert.cvtsi2ss, ["Vx", "Ey"], sse),
      row("cvtsi2sd", convert.cvtsi2sd, ["Vx", "Ey"], sse2),
    ),
  ],
  [
    0x2b,
    byPrefix(
      byMod(row("movntps", move.movVector, ["Mx", "Vx"], sse), undefined),
      byMod(row("movntpd", move.movVector, ["Mx", "Vx"], sse2), undefined),
    ),
  ],
  [
    0x2c,
    byPrefix(
      row("cvttps2pi", mmx.cvttps2pi, ["Pq", "Wq"], sse),
      row("cvttpd2pi", mmx.cvttpd2pi, ["Pq", "Wx"], sse2),
      row("cvttss2si", convert.cvttss2si, ["Gy", "Wd"], sse),
      row("cvttsd2si", convert.cvttsd2si, ["Gy", "Wq"], sse2),
    ),
  ],
  [
    0x2d,
    byPrefix(
      row("cvtps2pi", mmx.cvtps2pi, ["Pq", "Wq"], sse),
      row("cvtpd2pi", mmx.cvtpd2pi, ["Pq", "Wx"], sse2),
      row("cvtss2si", convert.cvtss2si, ["Gy", "Wd"], sse),
      row("cvtsd2si", convert.cvtsd2si, ["Gy", "Wq"], sse2),
    ),
  ],
  [
    0x2e,
    byPrefix(
      row("ucomiss", float.ucomiss, ["Vx", "Wd"], sse),
      row("ucomisd", float.ucomisd, ["Vx", "Wq"], sse2),
    ),
  ],
  [
    0x2f,
    byPrefix(row("comiss", float.comiss, ["Vx", "Wd"], sse), row("comisd", float.comisd, ["Vx", "Wq"], sse2)),
  ],
];

/** 50 to 5F: arithmetic and logic on floating-point registers. */
const FLOATING_ARITHMETIC: readonly [number, Entry][] = [
  [
    0x50,
    byMod(
      undefined,
      byPrefix(
        row("movmskps", move.movmskps, ["Gd", "Ux"], sse),
        row("movmskpd", move.movmskpd, ["Gd", "Ux"], sse2),
      ),
    ),
  ],
  [
    0x51,
    byPrefix(
      row("sqrtps", float.sqrtps, V_W, sse),
      row("sqrtpd", float.sqrtpd, V_W, sse2),
      row("sqrtss", float.sqrtss, ["Vx", "Wd"], sse),
      row("sqrtsd", float.sqrtsd, ["Vx", "Wq"], sse2),
    ),
  ],
  [
    0x52,
    byPrefix(
      row("rsqrtps", float.rsqrtps, V_W, sse),
      undefined,
      row("rsqrtss", float.rsqrtss, ["Vx", "Wd"], sse),
    ),
  ],
  [
    0x53,
    byPrefix(row("rcpps", float.rcpps, V_W, sse), undefined, row("rcpss", float.rcpss, ["Vx", "Wd"], sse)),
  ],
  packedPair(0x54, "and", integer.packed("and.v128")),
  packedPair(0x55, "andn", integer.packed("andnot.v128")),
  packedPair(0x56, "or", integer.packed("or.v128")),
  packedPair(0x57, "xor", integer.packedXor),
  scalarAndPacked(0x58, "add"),
  scalarAndPacked(0x59, "mul"),
  [
    0x5a,
    byPrefix(
      row("cvtps2pd", convert.cvtps2pd, ["Vx", "Wq"], sse2),
      row("cvtpd2ps", convert.cvtpd2ps, V_W, sse2),
      row("cvtss2sd", convert.cvtss2sd, ["Vx", "Wd"], sse2),
      row("cvtsd2ss", convert.cvtsd2ss, ["Vx", "Wq"], sse2),
    ),
  ],
  [
    0x5b,
    byPrefix(
      row("cvtdq2ps", convert.cvtdq2ps, V_W, sse2),
      row("cvtps2dq", convert.cvtps2dq, V_W, sse2),
      row("cvttps2dq", convert.cvttps2dq, V_W, sse2),
    ),
  ],
  scalarAndPacked(0x5c, "sub"),
  scalarAndPacked(0x5d, "min"),
  scalarAndPacked(0x5e, "div"),
  scalarAndPacked(0x5f, "max"),
];

/** 60 to 7F: packed integers, moves between register files, shuffles, shifts by immediate. */
const INTEGER_MOVES: readonly [number, Entry][] = [
  ...(
    [
      [0x60, "punpcklbw", "unpacklow.v8"],
      [0x61, "punpcklwd", "unpacklow.v16"],
      [0x62, "punpckldq", "unpacklow.v32"],
    ] as const
  ).map(([opcode, name, op]): [number, Entry] => [
    opcode,
    byPrefix(
      row(name, mmx.unpack(op, 0), ["Pq", "Qd"], mmxFeature),
      row(name, integer.packed(op), V_W, sse2),
    ),
  ]),
  packing(0x63, "packsswb", "packs.s16"),
  packedInteger(0x64, "pcmpgtb", "sgt.v8"),
  packedInteger(0x65, "pcmpgtw", "sgt.v16"),
  packedInteger(0x66, "pcmpgtd", "sgt.v32"),
  packing(0x67, "packuswb", "packu.s16"),
  packedInteger(0x68, "punpckhbw", "unpackhigh.v8", mmx.unpack("unpacklow.v8", 1)),
  packedInteger(0x69, "punpckhwd", "unpackhigh.v16", mmx.unpack("unpacklow.v16", 1)),
  packedInteger(0x6a, "punpckhdq", "unpackhigh.v32", mmx.unpack("unpacklow.v32", 1)),
  packing(0x6b, "packssdw", "packs.s32"),
  only66(0x6c, row("punpcklqdq", integer.packed("unpacklow.v64"), V_W, sse2)),
  only66(0x6d, row("punpckhqdq", integer.packed("unpackhigh.v64"), V_W, sse2)),
  [
    0x6e,
    byPrefix(
      byWide(
        row("movd", mmx.movFromGeneral, ["Pq", "Ey"], mmxFeature),
        row("movq", mmx.movFromGeneral, ["Pq", "Ey"], mmxFeature),
      ),
      byWide(
        row("movd", move.movdToVector, ["Vx", "Ey"], sse2),
        row("movq", move.movdToVector, ["Vx", "Ey"], sse2),
      ),
    ),
  ],
  [
    0x6f,
    byPrefix(
      row("movq", mmx.mov, ["Pq", "Qq"], mmxFeature),
      row("movdqa", move.movVector, V_W, sse2),
      row("movdqu", move.movVector, ["Vx", "Wu"], sse2),
    ),
  ],
  [
    0x70,
    byPrefix(
      row("pshufw", mmx.pshufw, ["Pq", "Qq", "Ib"], sse),
      row("pshufd", integer.shuffle("shuffle.v32"), ["Vx", "Wx", "Ib"], sse2),
      row("pshufhw", integer.shuffle("shufflehigh.v16"), ["Vx", "Wx", "Ib"], sse2),
      row("pshuflw", integer.shuffle("shufflelow.v16"), ["Vx", "Wx", "Ib"], sse2),
    ),
  ],
  [0x71, GROUP_12],
  [0x72, GROUP_13],
  [0x73, GROUP_14],
  packedInteger(0x74, "pcmpeqb", "eq.v8"),
  packedInteger(0x75, "pcmpeqw", "eq.v16"),
  packedInteger(0x76, "pcmpeqd", "eq.v32"),
  [0x77, byPrefix(row("emms", mmx.emms, [], mmxFeature))],
  [
    0x78,
    byPrefix(
      undefined,
      byReg([byMod(undefined, unsupported("extrq", ["Ux", "Ibb", "I2"]))]),
      undefined,
      byMod(undefined, unsupported("insertq", ["Vx", "Ux", "Ibb", "I2"])),
    ),
  ],
  [
    0x79,
    byPrefix(
      undefined,
      byMod(undefined, unsupported("extrq", ["Vx", "Ux"])),
      undefined,
      byMod(undefined, unsupported("insertq", ["Vx", "Ux"])),
    ),
  ],
  pairwise(0x7c, "hadd"),
  pairwise(0x7d, "hsub"),
  [
    0x7e,
    byPrefix(
      byWide(
        row("movd", mmx.movToGeneral, ["Ey", "Pq"], mmxFeature),
        row("movq", mmx.movToGeneral, ["Ey", "Pq"], mmxFeature),
      ),
      byWide(
        row("movd", move.movdFromVector, ["Ey", "Vx"], sse2),
        row("movq", move.movdFromVector, ["Ey", "Vx"], sse2),
      ),
      row("movq", move.movqLoad, ["Vx", "Wq"], sse2),
    ),
  ],
  [
    0x7f,
    byPrefix(
      row("movq", mmx.mov, ["Qq", "Pq"], mmxFeature),
      row("movdqa", move.movVector, ["Wx", "Vx"], sse2),
      row("movdqu", move.movVector, ["Wu", "Vx"], sse2),
    ),
  ],
];

/** C2 to C6, D0 to FE. */
const INTEGER_ARITHMETIC: readonly [number, Entry][] = [
  [
    0xc2,
    byPrefix(
      row("cmpps", float.cmpps, ["Vx", "Wx", "Ib"], sse),
      row("cmppd", float.cmppd, ["Vx", "Wx", "Ib"], sse2),
      row("cmpss", float.cmpss, ["Vx", "Wd", "Ib"], sse),
      row("cmpsd", float.cmpsd, ["Vx", "Wq", "Ib"], sse2),
    ),
  ],
  [0xc3, byPrefix(byMod(row("movnti", move.movNonTemporal, ["My", "Gy"], sse2), undefined))],
  [
    0xc4,
    byPrefix(
      byMod(
        row("pinsrw", mmx.pinsrw, ["Pq", "Mw", "Ib"], sse),
        row("pinsrw", mmx.pinsrw, ["Pq", "Ed", "Ib"], sse),
      ),
      byMod(
        row("pinsrw", integer.pinsrw, ["Vx", "Mw", "Ib"], sse2),
        row("pinsrw", integer.pinsrw, ["Vx", "Ed", "Ib"], sse2),
      ),
    ),
  ],
  [
    0xc5,
    byMod(
      undefined,
      byPrefix(
        row("pextrw", mmx.pextrw, ["Gd", "Nq", "Ib"], sse),
        row("pextrw", integer.pextrw, ["Gd", "Ux", "Ib"], sse2),
      ),
    ),
  ],
  [
    0xc6,
    byPrefix(
      row("shufps", integer.shufps, ["Vx", "Wx", "Ib"], sse),
      row("shufpd", integer.shufpd, ["Vx", "Wx", "Ib"], sse2),
    ),
  ],
  pairwise(0xd0, "addsub"),
  shiftByRegister(0xd1, "psrlw", "shr.v16"),
  shiftByRegister(0xd2, "psrld", "shr.v32"),
  shiftByRegister(0xd3, "psrlq", "shr.v64"),
  laterInteger(0xd4, "paddq", "add.v64", sse2),
  packedInteger(0xd5, "pmullw", "mul.v16"),
  [
    0xd6,
    byPrefix(
      undefined,
      row("movq", move.movqStore, ["Wq", "Vx"], sse2),
      byMod(undefined, row("movq2dq", mmx.movq2dq, ["Vx", "Nq"], sse2)),
      byMod(undefined, row("movdq2q", mmx.movdq2q, ["Pq", "Ux"], sse2)),
    ),
  ],
  [
    0xd7,
    byMod(
      undefined,
      byPrefix(
        row("pmovmskb", mmx.pmovmskb, ["Gd", "Nq"], sse),
        row("pmovmskb", move.pmovmskb, ["Gd", "Ux"], sse2),
      ),
    ),
  ],
  packedInteger(0xd8, "psubusb", "subsat.u8"),
  packedInteger(0xd9, "psubusw", "subsat.u16"),
  laterInteger(0xda, "pminub", "min.u8"),
  packedInteger(0xdb, "pand", "and.v128"),
  packedInteger(0xdc, "paddusb", "addsat.u8"),
  packedInteger(0xdd, "paddusw", "addsat.u16"),
  laterInteger(0xde, "pmaxub", "max.u8"),
  packedInteger(0xdf, "pandn", "andnot.v128"),
  laterInteger(0xe0, "pavgb", "avg.u8"),
  shiftByRegister(0xe1, "psraw", "sar.v16"),
  shiftByRegister(0xe2, "psrad", "sar.v32"),
  laterInteger(0xe3, "pavgw", "avg.u16"),
  laterInteger(0xe4, "pmulhuw", "mulhigh.u16"),
  packedInteger(0xe5, "pmulhw", "mulhigh.s16"),
  [
    0xe6,
    byPrefix(
      undefined,
      row("cvttpd2dq", convert.cvttpd2dq, V_W, sse2),
      row("cvtdq2pd", convert.cvtdq2pd, ["Vx", "Wq"], sse2),
      row("cvtpd2dq", convert.cvtpd2dq, V_W, sse2),
    ),
  ],
  [
    0xe7,
    byMod(
      byPrefix(row("movntq", mmx.mov, ["Mq", "Pq"], sse), row("movntdq", move.movVector, ["Mx", "Vx"], sse2)),
      undefined,
    ),
  ],
  packedInteger(0xe8, "psubsb", "subsat.s8"),
  packedInteger(0xe9, "psubsw", "subsat.s16"),
  laterInteger(0xea, "pminsw", "min.s16"),
  packedInteger(0xeb, "por", "or.v128"),
  packedInteger(0xec, "paddsb", "addsat.s8"),
  packedInteger(0xed, "paddsw", "addsat.s16"),
  laterInteger(0xee, "pmaxsw", "max.s16"),
  [
    0xef,
    byPrefix(
      row("pxor", mmx.packed("xor.v128"), ["Pq", "Qq"], mmxFeature),
      row("pxor", integer.packedXor, V_W, sse2),
    ),
  ],
  [
    0xf0,
    byPrefix(
      undefined,
      undefined,
      undefined,
      byMod(row("lddqu", move.movVector, ["Vx", "Mu"], sse3), undefined),
    ),
  ],
  shiftByRegister(0xf1, "psllw", "shl.v16"),
  shiftByRegister(0xf2, "pslld", "shl.v32"),
  shiftByRegister(0xf3, "psllq", "shl.v64"),
  laterInteger(0xf4, "pmuludq", "muleven.u32", sse2),
  packedInteger(0xf5, "pmaddwd", "madd.s16"),
  laterInteger(0xf6, "psadbw", "sad.u8"),
  [
    0xf7,
    byMod(
      undefined,
      byPrefix(
        row("maskmovq", mmx.maskmovq, ["Pq", "Nq"], sse),
        row("maskmovdqu", sse41.maskmovdqu, ["Vx", "Ux"], sse2),
      ),
    ),
  ],
  packedInteger(0xf8, "psubb", "sub.v8"),
  packedInteger(0xf9, "psubw", "sub.v16"),
  packedInteger(0xfa, "psubd", "sub.v32"),
  laterInteger(0xfb, "psubq", "sub.v64", sse2),
  packedInteger(0xfc, "paddb", "add.v8"),
  packedInteger(0xfd, "paddw", "add.v16"),
  packedInteger(0xfe, "paddd", "add.v32"),
];

export const SSE_ROWS: readonly [number, Entry][] = [
  ...FLOATING_MOVES,
  ...FLOATING_ARITHMETIC,
  ...INTEGER_MOVES,
  ...INTEGER_ARITHMETIC,
];
