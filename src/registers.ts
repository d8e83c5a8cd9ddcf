/**
 * Guest registers by their names in the manual, for the embedding, debuggers and fault reports. RFLAGS is composed:
 * the status flags lie in the state block as kind and operands, and the reference evaluator makes bits of them.
 */

import { AC, composeRflags, DF, DIRECTION, ID, ID_AC, REGISTERS } from "./frontend/guest-state.ts";
import { closest } from "./input-error.ts";
import { BlockBuilder } from "./jit/ir/block.ts";
import { evaluate } from "./jit/ir/evaluate.ts";
import { flagCode, STATUS_FLAGS } from "./jit/ir/flags.ts";
import type { Machine } from "./jit/ir/meaning.ts";
import { FLAGS_A, FLAGS_B, FLAGS_CODE } from "./jit/ir/state.ts";
import { address } from "./mmu/address.ts";

const VECTORS = Array.from({ length: 16 }, (_, i) => `xmm${i}`);
/** Physical x87 registers; MMX register k is the low half of number k. */
const X87 = Array.from({ length: 8 }, (_, i) => `fpr${i}`);
const NUMBERED = Array.from({ length: 8 }, (_, i) => `r${i + 8}`);
/** Every name, in the order in which people like to read them. */
export const REGISTER_NAMES: readonly string[] = [
  ...["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"],
  ...NUMBERED,
  ...["rip", "rflags", "fs_base", "gs_base", "mxcsr"],
  ...VECTORS,
  ...["fcw", "fsw", "ftw", "fop", "fds", "fip", "fdp"],
  ...X87,
];
const KNOWN = new Set(REGISTER_NAMES);

/** The registers in a state block that begins at `offset` of the view. */
export class RegisterFile {
  readonly #view: DataView;
  readonly #offset: number;

  constructor(view: DataView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  /** The value as an unsigned number. `RangeError` for an unknown name. */
  get(name: string): bigint {
    if (name === "rflags") return BigInt(this.#rflags());
    const { offset, bytes } = placeOf(name);
    return this.#read(offset, bytes);
  }

  /** Negative values are taken as two's complement. `RangeError` for an unknown name or a value that is too wide. */
  set(name: string, value: bigint): void {
    const bytes = name === "rflags" ? 8 : placeOf(name).bytes;
    if (BigInt.asUintN(8 * bytes, value) !== value && BigInt.asIntN(8 * bytes, value) !== value) {
      throw new RangeError(`${name} has ${8 * bytes} bits; ${value} does not fit`);
    }
    if (name === "rflags") this.#setRflags(Number(BigInt.asUintN(32, value)));
    else this.#write(placeOf(name).offset, bytes, value);
  }

  #rflags(): number {
    const word = (offset: number): number => Number(this.#read(offset, 4));
    return composeRflags(this.#statusFlags(), word(DIRECTION), word(ID_AC));
  }

  #setRflags(value: number): void {
    this.#write(FLAGS_CODE, 4, BigInt(flagCode("bits", 8)));
    this.#write(FLAGS_A, 8, BigInt(value & STATUS_FLAGS));
    this.#write(FLAGS_B, 8, 0n);
    this.#write(DIRECTION, 4, BigInt(value & DF));
    this.#write(ID_AC, 4, BigInt(value & (ID | AC)));
  }

  /** Runs a block that reads the flags, with its one state write caught. */
  #statusFlags(): number {
    let bits = 0;
    const machine: Machine = {
      ...NO_MACHINE,
      getState: (offset, bytes) => this.#read(offset, bytes),
      setState: (_offset, _bytes, value) => void (bits = Number(value)),
    };
    evaluate(READ_FLAGS, machine);
    return bits;
  }

  #read(offset: number, bytes: number): bigint {
    const at = this.#offset + offset;
    if (bytes === 4) return BigInt(this.#view.getUint32(at, true));
    const low = this.#view.getBigUint64(at, true);
    return bytes === 8 ? low : low | (this.#view.getBigUint64(at + 8, true) << 64n);
  }

  #write(offset: number, bytes: number, value: bigint): void {
    const at = this.#offset + offset;
    if (bytes === 4) {
      this.#view.setUint32(at, Number(BigInt.asUintN(32, value)), true);
      return;
    }
    this.#view.setBigUint64(at, BigInt.asUintN(64, value), true);
    if (bytes === 16) this.#view.setBigUint64(at + 8, BigInt.asUintN(64, value >> 64n), true);
  }
}

function placeOf(name: string): { readonly offset: number; readonly bytes: number } {
  const place = KNOWN.has(name) ? REGISTERS[name] : undefined;
  if (place !== undefined) return place;
  const meant = closest(name, REGISTER_NAMES);
  throw new RangeError(
    `unknown register "${name}"${meant === undefined ? "" : `; did you mean "${meant}"?`}`,
  );
}

const READ_FLAGS = ((): Parameters<typeof evaluate>[0] => {
  const builder = new BlockBuilder(address(0));
  builder.begin(address(0), 1);
  builder.add("set.i32", 0, builder.add("bits.flags", builder.add("get.flags")));
  return builder.finish({ kind: "jump", target: address(1), transfer: "fallthrough" });
})();

const absent = (): never => {
  throw new TypeError("reading flags touches nothing but state");
};
const NO_MACHINE: Omit<Machine, "getState" | "setState"> = {
  load: absent,
  store: absent,
  probeWrite: absent,
  cpuid: absent,
  instructionsAtEntry: absent,
  random: absent,
};
