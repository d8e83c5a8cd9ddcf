/**
 * Compares our decoder with iced-x86 on byte strings: validity, length, text (mnemonic and operands), the status flags
 * that are left undefined, and whether an instruction changes status flags at all.
 */

import { decode, DECODED } from "../../src/frontend/decode.ts";
import { formatInstruction, type Instruction, newInstruction } from "../../src/frontend/instruction.ts";
import { createLifter } from "../../src/frontend/lift/block.ts";
import type { Row } from "../../src/frontend/tables/row.ts";
import { EVEX_ROW } from "../../src/frontend/tables/vex.ts";
import { address, PAGE_BYTES } from "../../src/mmu/address.ts";
import { Random } from "../fuzz/random.ts";
import { FEATURES } from "../support/executors.ts";
import { byteString, STRING_BYTES } from "./byte-strings.ts";
import { type Disagreement, type Rule, ruleFor } from "./decoder-rules.ts";
import { type Reference, references } from "./iced.ts";

const ADDRESS = 0x40_1000;
const BLOCK = 4096;
const MAX_UNEXPLAINED = 40;

export interface Comparison {
  readonly strings: number;
  /** Instructions that both know and whose text was compared. */
  readonly texts: number;
  /** Strings whose opcode map is not entered: VEX and EVEX beyond the instructions on general registers. */
  readonly notEntered: number;
  /** How often each rule explained a disagreement. */
  readonly explained: ReadonlyMap<Rule, number>;
  readonly unexplained: readonly string[];
}

const insn = newInstruction(EVEX_ROW);
const lift = createLifter({ features: new Set(FEATURES) });
const page = new Uint8Array(PAGE_BYTES);

/** Whether the lifted instruction changes the flags; the same for every instruction of a row and operand size. */
const changing = new Map<Row, Map<number, boolean>>();

function changesFlags({ row, operandBytes, length }: Instruction, bytes: Uint8Array): boolean {
  const known = changing.get(row) ?? new Map<number, boolean>();
  changing.set(row, known);
  const before = known.get(operandBytes);
  if (before !== undefined) return before;
  page.set(bytes.subarray(0, length));
  const block = lift(address(ADDRESS), { page, next: () => undefined }, 1);
  const changes = "code" in block && block.code.some(({ op }) => op === "set.flags");
  known.set(operandBytes, changes);
  return changes;
}

/** Counts in shifts and rotates decide whether they change flags, and so do prefixes of string comparisons. */
const DEPENDS = /^(rcl|rcr|rol|ror|sar|shl|shr|shld|shrd|(rep\w* )?(cmps|scas)[bwdq])/;

class Comparer {
  readonly explained = new Map<Rule, number>();
  readonly unexplained: string[] = [];
  texts = 0;
  notEntered = 0;

  compare(bytes: Uint8Array, theirs: Reference): void {
    const valid = decode(bytes, 0, STRING_BYTES, ADDRESS, insn) === DECODED;
    const name = insn.row.mnemonic;
    if (valid && (name === "vex" || name === "evex")) return void this.notEntered++;
    const ours = valid ? formatInstruction(insn) : "(bad)";
    const disagree = (kind: Disagreement): void => this.#note(kind, bytes, theirs, ours);
    if (valid !== theirs.valid) return disagree("validity");
    if (!valid) return;
    if (insn.length !== theirs.length) disagree("length");
    this.texts++;
    if (ours !== theirs.text) disagree("text");
    if (!insn.row.supported) return;
    if (insn.row.undefinedFlags !== theirs.undefinedFlags) disagree("flags");
    else if (this.#changesOthers(bytes, theirs, ours)) disagree("flags");
  }

  /** Exactly one of the two changes flags to something defined. What ends a block leaves flags to the kernel. */
  #changesOthers(bytes: Uint8Array, theirs: Reference, ours: string): boolean {
    const defined = theirs.changedFlags & ~theirs.undefinedFlags;
    if (insn.row.ends || DEPENDS.test(ours) || (defined === 0 && theirs.changedFlags !== 0)) return false;
    return changesFlags(insn, bytes) !== (defined !== 0);
  }

  #note(kind: Disagreement, bytes: Uint8Array, theirs: Reference, ours: string): void {
    const text = theirs.valid ? theirs.text : "(bad)";
    const plain = (from: string): string => from.replace(/^((lock|rep|repe|repne) )+/, "");
    const rule = ruleFor(kind, plain(text), plain(ours));
    if (rule !== undefined) this.explained.set(rule, (this.explained.get(rule) ?? 0) + 1);
    else if (this.unexplained.length < MAX_UNEXPLAINED) {
      const flags =
        kind === "flags" ? ` ${theirs.undefinedFlags.toString(16)} ${theirs.changedFlags.toString(16)}` : "";
      this.unexplained.push(`${kind} ${Buffer.from(bytes).toString("hex")}: ${text}${flags} / ${ours}`);
    }
  }
}

export function compareDecoders(strings: number, seed: number): Comparison {
  const random = new Random(seed);
  const comparer = new Comparer();
  const bytes = new Uint8Array(BLOCK * STRING_BYTES);
  for (let done = 0; done < strings; done += BLOCK) {
    for (let k = 0; k < BLOCK; k++)
      byteString(random, done + k, bytes.subarray(k * STRING_BYTES, (k + 1) * STRING_BYTES));
    for (const [k, theirs] of references(bytes, STRING_BYTES, ADDRESS).entries())
      comparer.compare(bytes.subarray(k * STRING_BYTES, (k + 1) * STRING_BYTES), theirs);
  }
  const { texts, notEntered, explained, unexplained } = comparer;
  return { strings: Math.ceil(strings / BLOCK) * BLOCK, texts, notEntered, explained, unexplained };
}
