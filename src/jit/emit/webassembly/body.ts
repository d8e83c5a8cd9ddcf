/**
 * The body of one function: turns the operations of blocks into stack code.
 *
 * A pure value that is used once is emitted where it is used; one used more often gets a local. An expression that
 * reads guest state and still waits for its use when that state is assigned is put into a local just before:
 *
 *     get rax -> a       (waiting, depends on rax)
 *     set rax <- ...     a goes into a local; then the assignment
 *
 * Flags values are never emitted as a whole: whoever uses one asks for its code word, a or b.
 */

import { type GuestAddress, highHalf, lowHalf } from "../../../mmu/address.ts";
import type { IrBlock, IrInstruction } from "../../ir/block.ts";
import { type CallOpName, type IrType, type OpName, OP_NAMES, rowOf } from "../../ir/ops.ts";
import {
  type BranchHint,
  Bytes,
  NO_RESULT,
  OP,
  TYPE_F32,
  TYPE_F64,
  TYPE_I32,
  TYPE_I64,
  TYPE_V128,
  VECTOR,
  type WasmType,
} from "./bytes.ts";
import { accessGroups, type GroupedAccess } from "./access-groups.ts";
import { EMITTERS } from "./emitters.ts";
import type { FlagPart, FlagParts } from "./emitters-flags.ts";
import { FLAG_PARTS } from "./emitters-flags.ts";
import { FloatFacts } from "./float-facts.ts";
import { FloatMode } from "./float-mode.ts";
import { FLOAT_OPS, type FloatName, numbersOf, type NumberType } from "./float-ops.ts";
import { type AccessName, type HelperName, PADDED_BYTES, type Relocation } from "./imports.ts";
import type { StatePlaces } from "./places.ts";
import { packSite } from "./site.ts";

/** Types of the locals that hold values. */
const LOCAL_TYPE: { readonly [T in Exclude<IrType, "flags">]: WasmType } = {
  i1: TYPE_I32,
  i32: TYPE_I32,
  i64: TYPE_I64,
  v128: TYPE_V128,
};

interface Plan {
  readonly pure: boolean;
  readonly constant: boolean;
  readonly flags: boolean;
  readonly type: WasmType | undefined;
}

const PLANS = new Map<OpName, Plan>(
  OP_NAMES.map((op) => {
    const { effect, result } = rowOf(op);
    const plan: Plan = {
      pure: effect === "none" || (effect === "read" && op !== "tsc"),
      constant: op.startsWith("const."),
      flags: result === "flags",
      type: result === undefined || result === "flags" ? undefined : LOCAL_TYPE[result],
    };
    return [op, plan];
  }),
);

/** How often each part of a flags value is written out per use of the value. */
const FLAG_USES = 1;
/** `select.flags` chooses three times. */
const SELECT_USES = 3;

const NOWHERE = -1;
const NO_GROUPS: ReadonlyMap<number, GroupedAccess> = new Map();

/** What the emitters need of the function around them; `emit-region.ts` is it. */
export interface Frame {
  /** Pushes the place of the running space's tag entries. */
  pushTags(body: Body): void;
  /** Leaves the function because a helper refused. */
  leave(body: Body): void;
  /** Leaves to an address at the end of the current instruction. */
  leaveTo(body: Body, lo: number, hi: number): void;
  /** Brings the budget word up to date for a helper that looks at it. */
  beforeClock(body: Body): void;
  /** Takes over what the helper made of the budget word. */
  afterClock(body: Body): void;
}

export interface BodyInputs {
  readonly frame: Frame;
  readonly places: StatePlaces;
  /** Locals that exist before those made here. */
  readonly firstLocal: number;
  /** Short code: memory accesses call the functions of `access-functions.ts`. */
  readonly compact: boolean;
  /** Accesses of a block that lie close together look into the TLB once. */
  readonly grouping?: boolean;
  /** The locals with the site, in a function that is called from many. */
  readonly site?: readonly [rip: number, site: number];
}

/** What the emitters see. */
export class Body {
  readonly out = new Bytes(1024);
  readonly relocations: Relocation[] = [];
  readonly hints: BranchHint[] = [];
  readonly places: StatePlaces;
  readonly compact: boolean;
  /** The guest instruction being emitted: its address, and how many of its block came before it. */
  address: GuestAddress | 0 = 0;
  completed = 0;
  readonly #frame: Frame;
  /** Constructs that are open. */
  depth = 0;
  /** Types of the locals made here, in their order. */
  readonly localTypes: WasmType[] = [];

  readonly #firstLocal: number;
  readonly #site: BodyInputs["site"];
  /** Locals not in use, by type. */
  readonly #free = new Map<WasmType, number[]>([
    [TYPE_I32, []],
    [TYPE_I64, []],
    [TYPE_F32, []],
    [TYPE_F64, []],
    [TYPE_V128, []],
  ]);
  readonly #used: { readonly type: WasmType; readonly local: number }[] = [];

  /** Accesses of the block that share a look at the TLB, by the index of their operation. */
  #groups: ReadonlyMap<number, GroupedAccess> = NO_GROUPS;
  readonly #grouping: boolean;
  #emitting = NOWHERE;
  #code: readonly IrInstruction[] = [];
  #uses = new Uint16Array(0);
  /** Per value: the local it is in, or NOWHERE. Flags values: their first of three. */
  #local = new Int32Array(0);
  /** State that a waiting value depends on; see `dependency`. */
  #depends = new Int32Array(0);
  #waiting: number[] = [];
  /** Values that are numbers on the stack and in their locals, not the bits of one. None in short code. */
  #numbers: ReadonlyMap<number, NumberType> = new Map();
  readonly facts = new FloatFacts();
  readonly mode: FloatMode;

  constructor({ frame, places, firstLocal, compact, grouping = false, site }: BodyInputs) {
    this.#grouping = grouping;
    this.#site = site;
    this.#frame = frame;
    this.places = places;
    this.#firstLocal = firstLocal;
    this.compact = compact;
    this.mode = new FloatMode(this);
  }

  /** Begins a block; the locals of the one before are free again. */
  begin(block: IrBlock): void {
    const { code } = block;
    this.#code = code;
    if (code.length > this.#uses.length) {
      const size = Math.max(256, 2 * code.length);
      this.#uses = new Uint16Array(size);
      this.#local = new Int32Array(size);
      this.#depends = new Int32Array(size);
    }
    this.#uses.fill(0, 0, code.length);
    this.#local.fill(NOWHERE, 0, code.length);
    this.#depends.fill(0, 0, code.length);
    this.#waiting = [];
    for (const { type, local } of this.#used) this.#free.get(type)?.push(local);
    this.#used.length = 0;
    this.#groups = this.#grouping ? accessGroups(code) : NO_GROUPS;
    this.#countUses(block);
    if (this.compact) return;
    this.#numbers = numbersOf(code);
    this.facts.begin(code);
    if (code.some(({ op }) => FLOAT_OPS.has(op))) this.mode.renew(this);
  }

  #countUses({ code, exit }: IrBlock): void {
    const uses = this.#uses;
    if (exit.kind === "branch") uses[exit.condition] = 1;
    // Both halves of a computed target are looked at.
    if (exit.kind === "indirect") uses[exit.target] = 2;
    for (const { base } of new Set([...this.#groups.values()].map(({ group }) => group))) {
      uses[base] = (uses[base] as number) + 1;
    }
    for (let i = code.length - 1; i >= 0; i--) {
      const { op, args } = code[i] as IrInstruction;
      const plan = PLANS.get(op) as Plan;
      const own = uses[i] as number;
      if (own === 0 && plan.pure) continue;
      for (let k = 0; k < args.length; k++) {
        const arg = args[k] as number;
        const times = !plan.flags ? 1 : own * (op === "select.flags" && k === 0 ? SELECT_USES : FLAG_USES);
        uses[arg] = (uses[arg] as number) + times;
      }
    }
  }

  /** The group of the access that is being emitted. */
  get grouped(): GroupedAccess | undefined {
    return this.#groups.get(this.#emitting);
  }

  /** Emits operation `index`, or lets it wait for its use. */
  emit(index: number): void {
    const instruction = this.#code[index] as IrInstruction;
    const plan = PLANS.get(instruction.op) as Plan;
    if (!plan.pure) {
      this.#emitting = index;
      this.#emitNow(index);
      if (plan.type === undefined) return;
      // What memory operations produce is put down at once: they stay in order.
      if (this.#uses[index] === 0) this.out.byte(OP.drop);
      else this.#put(index, plan.type);
      return;
    }
    const uses = this.#uses[index] as number;
    if (uses === 0 || plan.constant) return;
    let depends = this.places.dependency(instruction.op, instruction.imm);
    for (const arg of instruction.args) depends |= this.#depends[arg] as number;
    this.#depends[index] = depends;
    if (uses > 1 && !plan.flags && !this.#isCheap(instruction)) {
      this.#emitNow(index);
      this.#put(index, plan.type as WasmType);
      return;
    }
    if (depends !== 0) this.#waiting.push(index);
  }

  /** Reads of locals cost nothing to repeat. */
  #isCheap({ op, imm }: IrInstruction): boolean {
    return this.places.isLocal(op, imm);
  }

  /** Pushes a value, of a number its bits. */
  value(index: number): void {
    this.#push(index);
    const number = this.#numbers.get(index);
    if (number !== undefined) this.toBits(number);
  }

  /** Pushes the number that a value is or has the bits of. */
  number(index: number, type: NumberType): void {
    this.#push(index);
    if (!this.#numbers.has(index)) this.op(type === TYPE_F64 ? OP.f64ReinterpretI64 : OP.f32ReinterpretI32);
  }

  isNumber(index: number): boolean {
    return this.#numbers.has(index);
  }

  #push(index: number): void {
    this.#uses[index] = (this.#uses[index] as number) - 1;
    const local = this.#local[index] as number;
    if (local !== NOWHERE) this.localGet(local);
    else this.#emitNow(index);
  }

  /** The constant that a value is, low half; undefined when it is none. */
  constantOf(index: number): number | undefined {
    const { op, imm } = this.#code[index] as IrInstruction;
    return op === "const.i32" || op === "const.i64" || op === "const.i1" ? imm[0] : undefined;
  }

  instruction(index: number): IrInstruction {
    return this.#code[index] as IrInstruction;
  }

  /** Pushes one part of a flags value. A use of the value asks for its parts in the order code, a, b. */
  flagPart(index: number, which: keyof FlagParts): void {
    if (which === "b") this.#uses[index] = (this.#uses[index] as number) - 1;
    const local = this.#local[index] as number;
    if (local !== NOWHERE) {
      this.localGet(local + (which === "code" ? 0 : which === "a" ? 1 : 2));
      return;
    }
    const { op, args, imm } = this.#code[index] as IrInstruction;
    const emit = (FLAG_PARTS[op as keyof typeof FLAG_PARTS] as FlagParts)[which] as FlagPart;
    emit(this, args, imm);
  }

  /** To be called before state changes: waiting values that read it are put into locals. Leaves the stack alone. */
  settle(dependency: number): void {
    const waiting = this.#waiting;
    let still = 0;
    for (const index of waiting) {
      if (this.#uses[index] === 0) continue;
      if (((this.#depends[index] as number) & dependency) === 0) {
        waiting[still++] = index;
        continue;
      }
      const { op } = this.#code[index] as IrInstruction;
      const plan = PLANS.get(op) as Plan;
      if (plan.flags) this.#putFlags(index);
      else {
        this.#emitNow(index);
        this.#put(index, plan.type as WasmType);
      }
      this.#depends[index] = 0;
    }
    waiting.length = still;
  }

  /** A fresh local; free again at the end of the block. */
  newLocal(type: WasmType): number {
    const local = this.#free.get(type)?.pop() ?? this.ownLocal(type);
    this.#used.push({ type, local });
    return local;
  }

  /** The local made last is free again. */
  release(type: WasmType, local: number): void {
    this.#used.pop();
    this.#free.get(type)?.push(local);
  }

  /** A fresh local for the whole function. */
  ownLocal(type: WasmType): number {
    return this.#firstLocal + this.localTypes.push(type) - 1;
  }

  /** Pops into a local for value `index`. */
  #put(index: number, type: WasmType): void {
    const local = this.newLocal(this.#numbers.get(index) ?? type);
    this.localSet(local);
    this.#local[index] = local;
    this.#depends[index] = 0;
  }

  #putFlags(index: number): void {
    this.flagPart(index, "code");
    this.flagPart(index, "a");
    this.flagPart(index, "b");
    // Three neighbours, so not from the free ones.
    const [code, a, b] = [TYPE_I32, TYPE_I64, TYPE_I64].map((type) => this.ownLocal(type as WasmType)) as [
      number,
      number,
      number,
    ];
    this.localSet(b);
    this.localSet(a);
    this.localSet(code);
    this.#local[index] = code;
  }

  #emitNow(index: number): void {
    const { op, args, imm } = this.#code[index] as IrInstruction;
    const number = this.#numbers.get(index);
    if (number !== undefined && !FLOAT_OPS.has(op))
      this.#extractNumber(args[0] as number, imm[0] as number, number);
    else EMITTERS[op](this, args, imm);
  }

  #extractNumber(vector: number, lane: number, type: NumberType): void {
    this.value(vector);
    this.vectorLane(type === TYPE_F64 ? VECTOR.f64Extract : VECTOR.f32Extract, lane);
  }

  // The function around.

  pushTags(): void {
    this.#frame.pushTags(this);
  }
  leave(): void {
    this.#frame.leave(this);
  }
  leaveTo(lo: number, hi: number): void {
    this.#frame.leaveTo(this, lo, hi);
  }
  beforeClock(): void {
    this.#frame.beforeClock(this);
  }
  afterClock(): void {
    this.#frame.afterClock(this);
  }
  /** Pops what a helper returned: 1 when it refused. */
  leaveIfRefused(): void {
    this.ifUnlikely();
    this.leave();
    this.end();
  }
  /** Pushes where the guest is, for a helper that may refuse: see `packSite`. */
  pushSite(access: number): void {
    if (this.#site !== undefined) {
      for (const local of this.#site) this.localGet(local);
      return;
    }
    this.const32(lowHalf(this.address));
    this.const32(packSite(highHalf(this.address), this.completed, access));
  }

  // Instructions.

  op(code: number): void {
    this.out.byte(code);
  }
  const32(value: number): void {
    this.out.byte(OP.i32Const);
    this.out.signed(value);
  }
  const64(low: number, high: number): void {
    this.out.byte(OP.i64Const);
    this.out.signed64(low, high);
  }
  localGet(local: number): void {
    this.out.byte(OP.localGet);
    this.out.unsigned(local);
  }
  localSet(local: number): void {
    this.out.byte(OP.localSet);
    this.out.unsigned(local);
  }
  localTee(local: number): void {
    this.out.byte(OP.localTee);
    this.out.unsigned(local);
  }
  vector(code: number): void {
    this.out.byte(OP.vector);
    this.out.unsigned(code);
  }
  vectorLane(code: number, lane: number): void {
    this.vector(code);
    this.out.byte(lane);
  }
  vectorConst(words: readonly number[]): void {
    this.vector(VECTOR.const);
    for (let k = 0; k < 4; k++) this.out.int32(words[k] ?? 0);
  }
  /** Load or store at a constant byte place plus what is on the stack, alignment unspecified. */
  memory(code: number, offset: number): void {
    this.out.byte(code);
    this.out.byte(0);
    this.out.unsigned(offset);
  }
  vectorMemory(code: number, offset: number): void {
    this.vector(code);
    this.out.byte(0);
    this.out.unsigned(offset);
  }
  /** Replaces a number by its bits. */
  toBits(type: NumberType): void {
    this.op(type === TYPE_F64 ? OP.i64ReinterpretF64 : OP.i32ReinterpretF32);
  }
  /** Replaces a 64-bit number by its halves, low first. */
  halves(): void {
    const local = this.newLocal(TYPE_I64);
    this.localTee(local);
    this.op(OP.i32WrapI64);
    this.localGet(local);
    this.highHalf();
    this.release(TYPE_I64, local);
  }
  /** Replaces a 64-bit number by its high half. */
  highHalf(): void {
    this.const64(32, 0);
    this.op(OP.i64ShrU);
    this.op(OP.i32WrapI64);
  }
  /** Calls an imported function. */
  call(name: HelperName | AccessName | CallOpName | FloatName): void {
    this.out.byte(OP.call);
    this.relocations.push({ at: this.out.length, name });
    for (let k = 0; k < PADDED_BYTES; k++) this.out.byte(0);
  }
  /** Opens a block, loop or if. */
  block(code: number, type: number): void {
    this.depth++;
    this.out.byte(code);
    this.out.byte(type);
  }
  /** Says what is known of the branch that comes next. */
  hint(likely: boolean): void {
    this.hints.push({ at: this.out.length, likely });
  }
  /** Opens an `if` that is hardly ever taken: what it holds should not cost the code around it registers. */
  ifUnlikely(type: number = NO_RESULT): void {
    this.hint(false);
    this.block(OP.if, type);
  }
  /** Branches to the construct that was opened as number `depth` when the condition does not hold: hardly ever. */
  unless(depth: number): void {
    this.op(OP.i32Eqz);
    this.hint(false);
    this.branchTo(depth, OP.brIf);
  }
  end(): void {
    this.depth--;
    this.out.byte(OP.end);
  }
  /** Branches to the construct that was opened as number `depth` counted from the outside. */
  branchTo(depth: number, code: number = OP.br): void {
    this.out.byte(code);
    this.out.unsigned(this.depth - depth);
  }
}
