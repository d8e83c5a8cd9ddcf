import { expect, test } from "vitest";
import { decode, DECODED } from "../../src/frontend/decode.ts";
import { FEATURE_BITS, isFeature } from "../../src/frontend/features.ts";
import { LiftContext } from "../../src/frontend/lift/context.ts";
import { nop } from "../../src/frontend/lift/move.ts";
import { read } from "../../src/frontend/lift/operands.ts";
import { formatInstruction, newInstruction } from "../../src/frontend/instruction.ts";
import { opcodeMap, row, type Row } from "../../src/frontend/tables/row.ts";
import { EVEX_ROW } from "../../src/frontend/tables/vex.ts";
import { STATUS_FLAGS } from "../../src/jit/ir/flags.ts";
import { address } from "../../src/mmu/address.ts";
import { bytes, CODE_ADDRESS, liftBlock } from "../support/asm.ts";
import { sweep } from "./sweep.ts";

const ALL_FEATURES = new Set(Object.keys(FEATURE_BITS).filter(isFeature));

interface Encoding {
  readonly code: Uint8Array;
  readonly row: Row;
  readonly text: string;
}

/** One encoding of every row in each of its forms: operand and address size, memory or register, REX, repeat. */
function encodings(): Encoding[] {
  const insn = newInstruction(EVEX_ROW);
  const found = new Map<Row, Map<string, Encoding>>();
  const take = (code: Uint8Array): void => {
    if (decode(code, 0, code.length, CODE_ADDRESS, insn) !== DECODED) return;
    const { row: made, operandBytes, addressBytes, memory, rex, repeat, segment, base, index, lock } = insn;
    const forms = found.get(made) ?? new Map<string, Encoding>();
    found.set(made, forms);
    const form = [operandBytes, addressBytes, memory, rex, repeat, segment, base, index, lock].join();
    if (!forms.has(form))
      forms.set(form, { code: code.slice(0, insn.length), row: made, text: formatInstruction(insn) });
  };
  sweep(({ bytes: code }) => take(code));
  for (const tail of ["c2", "44 88 10"]) {
    for (const w of ["70", "f0"]) {
      for (const pp of [0, 1, 2, 3]) {
        for (const opcode of ["f2", "f5", "f6", "f7"]) {
          const third = (Number.parseInt(w, 16) | pp).toString(16);
          take(bytes(`c4 e2 ${third} ${opcode} ${tail}`));
        }
      }
      for (const modrm of ["c8", "d0", "d8", "4c 88 10"]) take(bytes(`c4 e2 ${w} f3 ${modrm}`));
    }
  }
  for (const w of ["7b", "fb"])
    for (const tail of ["c2 05", "44 88 10 05"]) take(bytes(`c4 e3 ${w} f0 ${tail}`));
  return [...found.values()].flatMap((forms) => [...forms.values()]);
}

const ENCODINGS = encodings();

test("every row lifts to well-formed IR in every form, and ends its block exactly when it says so", () => {
  const problems: string[] = [];
  for (const { code, row: made, text } of ENCODINGS) {
    // A NOP behind it shows whether the block goes on.
    const block = liftBlock(Uint8Array.from([...code, 0x90]), {
      features: ALL_FEATURES,
      filler: 0x90,
      maxInstructions: 2,
    });
    const alone = block.instructions.length === 1;
    const repeated = made.repeatable && alone && block.exit.kind === "branch";
    if (alone !== made.ends && !repeated) problems.push(`${text}: ends ${made.ends}, alone ${alone}`);
    const unsupported = block.exit.kind === "fault" ? block.exit.unsupported : undefined;
    if ((unsupported !== undefined) === made.supported) problems.push(`${text}: unsupported ${unsupported}`);
  }
  expect(problems).toEqual([]);
  expect(new Set(ENCODINGS.map((encoding) => encoding.row)).size).toBeGreaterThan(900);
});

test("an unimplemented instruction names itself, an undefined one does not", () => {
  const exit = (code: string) => liftBlock(bytes(code)).exit;
  const rip = CODE_ADDRESS;
  const base = { kind: "fault", vector: 6, errorCode: 0, rip };
  expect(exit("66 0f 38 cf c1")).toEqual({ ...base, unsupported: "gf2p8mulb" });
  expect(exit("cb")).toEqual({ ...base, unsupported: "retf" });
  expect(exit("c5 f8 58 c1")).toEqual({ ...base, unsupported: "vex" });
  expect(exit("62 f1 7c 48 58 c1")).toEqual({ ...base, unsupported: "evex" });
  expect(exit("06")).toEqual(base);
  expect(exit("0f 0b")).toEqual(base);
  expect(exit("f0 01 c8")).toEqual(base);
});

test("without its feature an encoding is undefined, or what it was before the feature", () => {
  const features = new Set([...ALL_FEATURES].filter((name) => name !== "popcnt" && name !== "bmi1"));
  const popcnt = liftBlock(bytes("f3 0f b8 c1"), { features });
  expect(popcnt.exit).toEqual({ kind: "fault", vector: 6, errorCode: 0, rip: CODE_ADDRESS });
  const scan = liftBlock(bytes("0f bc c1"), { features }).code.map(({ op }) => op);
  expect(liftBlock(bytes("f3 0f bc c1"), { features }).code.map(({ op }) => op)).toEqual(scan);
  expect(liftBlock(bytes("f3 0f bc c1"), { features: ALL_FEATURES }).code.map(({ op }) => op)).not.toEqual(
    scan,
  );
});

test("flags that a row leaves undefined are status flags", () => {
  for (const { row: made } of ENCODINGS) expect(made.undefinedFlags & ~STATUS_FLAGS).toBe(0);
  const shifts = ENCODINGS.filter(({ text }) => text === "shl eax, 0x1" || text.startsWith("shl eax, cl"));
  expect(new Set(shifts.map(({ row: made }) => made.undefinedFlags)).size).toBe(2);
});

test("FE-1 notices an opcode with two rows", () => {
  const one = row("one", nop);
  expect(() =>
    opcodeMap([
      [0x10, one],
      [0x11, one],
    ]),
  ).not.toThrow();
  expect(() =>
    opcodeMap([
      [0x10, one],
      [0x10, row("two", nop)],
    ]),
  ).toThrow(/^FE-1/);
});

test("FE-2 notices a lifter that asks for an operand its row does not have", () => {
  const ctx = new LiftContext(address(CODE_ADDRESS), newInstruction(row("one", nop, ["Ib"])));
  expect(() => read(ctx, 0)).not.toThrow();
  expect(() => read(ctx, 1)).toThrow(/^FE-2 one/);
});
