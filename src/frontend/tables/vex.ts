/**
 * What is behind the VEX and EVEX prefixes. Of these only instructions on general registers are implemented; the
 * rest is one row that names the prefix, so that a gap is reported as such.
 */

import { SF } from "../../jit/ir/flags.ts";
import * as alu from "../lift/alu.ts";
import * as bits from "../lift/bits.ts";
import { pdep, pext } from "../lift/bmi2.ts";
import * as rotate from "../lift/rotate.ts";
import * as shift from "../lift/shift.ts";
import * as muldiv from "../lift/muldiv.ts";
import { UNDEFINED_BMI } from "./families.ts";
import { byPrefix, byReg, type OpcodeMap, opcodeMap, row, unsupported } from "./row.ts";

/** What is behind VEX and is not in the maps below. */
export const VEX_ROW = unsupported("vex");
export const EVEX_ROW = unsupported("evex");

const bmi = { feature: "bmi1", undefinedFlags: UNDEFINED_BMI } as const;
const bmi2 = { feature: "bmi2" } as const;

export const VEX_0F38: OpcodeMap = opcodeMap([
  [0xf2, byPrefix(row("andn", alu.andn, ["Gy", "By", "Ey"], bmi))],
  [
    0xf3,
    byPrefix(
      byReg([
        undefined,
        row("blsr", bits.blsr, ["By", "Ey"], bmi),
        row("blsmsk", bits.blsmsk, ["By", "Ey"], bmi),
        row("blsi", bits.blsi, ["By", "Ey"], bmi),
      ]),
    ),
  ],
  [
    0xf5,
    byPrefix(
      row("bzhi", bits.bzhi, ["Gy", "Ey", "By"], { ...bmi2, undefinedFlags: UNDEFINED_BMI }),
      undefined,
      row("pext", pext, ["Gy", "By", "Ey"], bmi2),
      row("pdep", pdep, ["Gy", "By", "Ey"], bmi2),
    ),
  ],
  [0xf6, byPrefix(undefined, undefined, undefined, row("mulx", muldiv.mulx, ["Gy", "By", "Ey"], bmi2))],
  [
    0xf7,
    byPrefix(
      row("bextr", bits.bextr, ["Gy", "Ey", "By"], { ...bmi, undefinedFlags: UNDEFINED_BMI | SF }),
      row("shlx", shift.shlx, ["Gy", "Ey", "By"], bmi2),
      row("sarx", shift.sarx, ["Gy", "Ey", "By"], bmi2),
      row("shrx", shift.shrx, ["Gy", "Ey", "By"], bmi2),
    ),
  ],
]);

export const VEX_0F3A: OpcodeMap = opcodeMap([
  [0xf0, byPrefix(undefined, undefined, undefined, row("rorx", rotate.rorx, ["Gy", "Ey", "Ib"], bmi2))],
]);
