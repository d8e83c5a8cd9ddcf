/**
 * The operand codes of the manual's opcode map (Intel SDM vol. 2, appendix A.2) that the tables use, one line
 * each. Where an operand comes from and how wide it is stands here and nowhere else: the decoder reads which
 * bytes to fetch, lift/operands.ts how to load and store, instruction.ts how to print.
 *
 * Deviations from the manual's letters, all for lack of one:
 *   Is   Ib sign-extended to the operand size          I2   the second immediate (ENTER, EXTRQ)
 *   Wu   W of 128 bits that need not be aligned        M?   memory only, R?, U?, N? register only
 *   y    also for immediates and registers of 32 or 64 bits
 */

/** Where an operand is. */
export type OperandKind =
  /** General register or memory by ModRM; register only; memory only; memory address without access. */
  | "rm"
  | "memory"
  | "address"
  | "reg"
  /** Register in the low opcode bits; VEX.vvvv; fixed register `number`. */
  | "opcode"
  | "vvvv"
  | "fixed"
  | "immediate"
  | "immediate2"
  /** The constant 1 of D0 and D1. */
  | "one"
  | "relative"
  | "offset"
  /** rSI and rDI of string instructions. */
  | "source"
  | "destination"
  | "xreg"
  | "xrm"
  | "mmreg"
  | "mmrm"
  /** ST(0), and ST(i) by ModRM.rm. */
  | "top"
  | "stack"
  | "segment"
  | "fixedSegment"
  | "control"
  | "debug";

/** Widths that depend on the operand size: v = 16, 32, 64; y = 32, 64; z = 16, 32; p = far pointer of 16:v. */
export const SIZE_V = -1;
export const SIZE_Y = -2;
export const SIZE_P = -3;
export const SIZE_Z = -4;

/** Which bytes follow the opcode for the operand. */
export type ImmediateForm = "none" | "b" | "bs" | "w" | "z" | "v" | "offset" | "wb" | "bb";

export interface OperandCode {
  readonly kind: OperandKind;
  /** Bits, or one of the SIZE_ constants; 0 where a size has no meaning. */
  readonly bits: number;
  /** Register number of a fixed operand. */
  readonly number: number;
  readonly form: ImmediateForm;
  /** Needs a ModRM byte. */
  readonly modrm: boolean;
  /** A memory operand of 16 bytes must be aligned. */
  readonly aligned: boolean;
}

const plain = { number: 0, form: "none", modrm: false, aligned: false } as const;
const byModrm = (kind: OperandKind, bits: number, aligned = false): OperandCode => ({
  ...plain,
  kind,
  bits,
  modrm: true,
  aligned,
});
const fixed = (number: number, bits: number): OperandCode => ({ ...plain, kind: "fixed", bits, number });
const other = (kind: OperandKind, bits: number): OperandCode => ({ ...plain, kind, bits });
const immediate = (form: ImmediateForm, bits: number, kind: OperandKind = "immediate"): OperandCode => ({
  ...plain,
  kind,
  bits,
  form,
});

export const OPERAND_CODES = {
  // General registers and memory.
  Eb: byModrm("rm", 8),
  Ew: byModrm("rm", 16),
  Ed: byModrm("rm", 32),
  Eq: byModrm("rm", 64),
  Ev: byModrm("rm", SIZE_V),
  Ez: byModrm("rm", SIZE_Z),
  Ey: byModrm("rm", SIZE_Y),
  Gb: byModrm("reg", 8),
  Gw: byModrm("reg", 16),
  Gd: byModrm("reg", 32),
  Gq: byModrm("reg", 64),
  Gv: byModrm("reg", SIZE_V),
  Gy: byModrm("reg", SIZE_Y),
  By: other("vvvv", SIZE_Y),
  M: byModrm("address", 0),
  Mb: byModrm("memory", 8),
  Mw: byModrm("memory", 16),
  Md: byModrm("memory", 32),
  Mq: byModrm("memory", 64),
  Mv: byModrm("memory", SIZE_V),
  My: byModrm("memory", SIZE_Y),
  Mp: byModrm("memory", SIZE_P),
  Mt: byModrm("memory", 80),
  // Fixed and opcode registers.
  Zb: other("opcode", 8),
  Zv: other("opcode", SIZE_V),
  AL: fixed(0, 8),
  CL: fixed(1, 8),
  AX: fixed(0, 16),
  DX: fixed(2, 16),
  eAX: fixed(0, SIZE_Z),
  rAX: fixed(0, SIZE_V),
  // Immediates and code addresses.
  Ib: immediate("b", 8),
  Is: immediate("bs", SIZE_V),
  Iw: immediate("w", 16),
  Iz: immediate("z", SIZE_V),
  Iv: immediate("v", SIZE_V),
  Iwb: immediate("wb", 16),
  Ibb: immediate("bb", 8),
  I2: other("immediate2", 8),
  "1": other("one", 8),
  Jb: immediate("bs", 64, "relative"),
  Jz: immediate("z", 64, "relative"),
  Ob: immediate("offset", 8, "offset"),
  Ov: immediate("offset", SIZE_V, "offset"),
  // String operands.
  Xb: other("source", 8),
  Xv: other("source", SIZE_V),
  Yb: other("destination", 8),
  Yv: other("destination", SIZE_V),
  Xz: other("source", SIZE_Z),
  Yz: other("destination", SIZE_Z),
  // Vector registers.
  Vx: byModrm("xreg", 128),
  Wx: byModrm("xrm", 128, true),
  Wu: byModrm("xrm", 128),
  Wq: byModrm("xrm", 64),
  Wd: byModrm("xrm", 32),
  Ww: byModrm("xrm", 16),
  Ux: byModrm("xrm", 128),
  Mx: byModrm("memory", 128, true),
  Mu: byModrm("memory", 128),
  Pq: byModrm("mmreg", 64),
  Qq: byModrm("mmrm", 64),
  Qd: byModrm("mmrm", 32),
  Nq: byModrm("mmrm", 64),
  // The register stack of the x87 unit.
  ST: other("top", 80),
  STi: byModrm("stack", 80),
  // Segment, control and debug registers.
  FS: { ...other("fixedSegment", 0), number: 4 },
  GS: { ...other("fixedSegment", 0), number: 5 },
  Sw: byModrm("segment", 16),
  Cd: byModrm("control", 64),
  Dd: byModrm("debug", 64),
} as const satisfies Readonly<Record<string, OperandCode>>;

export type OperandName = keyof typeof OPERAND_CODES;

export const operandCode = (name: OperandName): OperandCode => OPERAND_CODES[name];

/** Width in bits for an operand size of 2, 4 or 8 bytes. */
export function operandBits(code: OperandCode, operandBytes: number): number {
  if (code.bits >= 0) return code.bits;
  if (code.bits === SIZE_V) return operandBytes * 8;
  if (code.bits === SIZE_Y) return operandBytes === 8 ? 64 : 32;
  if (code.bits === SIZE_Z) return operandBytes === 2 ? 16 : 32;
  return 16 + operandBytes * 8;
}
