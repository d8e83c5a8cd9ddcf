/**
 * A block becomes one function without parameters:
 *
 *     function b_401000() {
 *       let r128 = I[1056], r132 = I[1057], e = 0;      state words used: read once, kept in locals
 *       const T = I[1033];                              table of the running address space
 *       try {
 *         ...                                           see body.ts
 *         return (I[1032] -= 3) > 0 ? c0 : stopBudget(...);
 *       } finally {
 *         I[1056] = r128; I[1057] = r132;               words that were assigned go back at every way out
 *       }
 *     }
 *
 * A block that cannot throw writes back before it returns, and so does one that loops or leaves in its middle.
 * Compact code, for blocks that may never run again, has no locals: state words are used where they lie.
 *
 * The state writes of a guest instruction stand behind its last memory operation, so at a throw the locals hold
 * exactly the state at the start of the faulting instruction: faults are precise without bookkeeping per access.
 *
 * The budget word loses the number of completed instructions at every exit. When it is used up the unit says
 * whether this is a preemption point: a call, a return, a computed jump, or a jump backwards. That depends on the
 * guest program alone, not on how it was cut into blocks.
 */

import { type GuestAddress, fromHalves, highHalf, lowHalf } from "../../../mmu/address.ts";
import type { IrBlock, IrExit } from "../../ir/block.ts";
import type { JitOptions } from "../../options.ts";
import type { Cell, UnitRequest } from "../../unit.ts";
import { Body } from "./body.ts";
import { type Code, CodeText, EMPTY, ZERO, int, js, stateName } from "./code.ts";
import { type HelperName, NAMES } from "./helper-names.ts";
import * as i32 from "./int32.ts";
import * as i64 from "./int64.ts";
import { part } from "./parts.ts";
import { BUDGET_WORD, TABLE_WORD_WORD, wordOf } from "./places.ts";

const { I, T, U, e, n, x } = NAMES;

/** What the functions of one source share. */
export interface BatchNames {
  readonly helpers: Set<HelperName>;
  /** The name of a cell constant. */
  cell(cell: Cell): Code;
}

export interface EmitInput {
  readonly request: UnitRequest;
  readonly options: JitOptions;
  readonly names: BatchNames;
  readonly functionName: Code;
  /** Index of the unit in the array `U` of its source. */
  readonly unit: number;
}

/** The function's text; lines are tagged with the index of the guest instruction they belong to. */
export function emitBlock(input: EmitInput): CodeText {
  const first = new BlockEmission(input, undefined);
  const text = first.emit();
  // A way out in the middle writes back words that are only assigned behind it: known after one round.
  return first.leavesEarly && first.assigned.size > 0
    ? new BlockEmission(input, first.assigned).emit()
    : text;
}

class BlockEmission {
  leavesEarly = false;
  readonly #input: EmitInput;
  readonly #block: IrBlock;
  readonly #body: Body;
  readonly #allAssigned: ReadonlySet<number> | undefined;
  readonly #loops: boolean;
  /** The budget is kept in the local `n` while the function loops. */
  readonly #counts: boolean;

  constructor(input: EmitInput, allAssigned: ReadonlySet<number> | undefined) {
    const { block, allowCodeWrites } = input.request;
    this.#input = input;
    this.#block = block;
    this.#allAssigned = allAssigned;
    this.#loops = input.options.selfLoops && !allowCodeWrites && loopTarget(block) !== undefined;
    // The time-stamp counter is derived from the budget word, and bulk operations count in it.
    this.#counts = this.#loops && !block.code.some(({ op }) => op === "tsc" || op.startsWith("bulk."));
    const compact = input.request.compact === true && !this.#loops;
    this.#body = new Body(block.code, block.exit, {
      inlineMemory: input.options.inlineMemory && !compact,
      inPlace: compact,
      allowCode: allowCodeWrites,
      helpers: input.names.helpers,
    });
    this.#body.leaveIf = (condition, lo, hi) => this.#leaveIf(condition, lo, hi);
  }

  get assigned(): ReadonlySet<number> {
    return this.#body.assigned;
  }

  emit(): CodeText {
    const { out } = this.#body;
    const { instructions, code } = this.#block;
    for (let k = 0; k < instructions.length; k++) {
      this.#body.site = k;
      this.#body.completed = k;
      out.tag = k;
      const end = instructions[k + 1]?.start ?? code.length;
      for (let i = instructions[k]?.start ?? end; i < end; i++) this.#body.emit(i);
    }
    this.#exit(this.#block.exit);
    return this.#wrap();
  }

  /** Function head, locals, and the catch clause around the finished body. */
  #wrap(): CodeText {
    const body = this.#body;
    const text = new CodeText();
    text.line(js`const ${this.#input.functionName} = (function ${this.#input.functionName}() {`);
    const locals = this.#locals();
    if (locals !== EMPTY) text.line(js`let ${locals};`);
    if (body.usesTable) text.line(js`const ${T} = ${I}[${TABLE_WORD_WORD}];`);
    const guarded = body.mayThrow && !body.options.inPlace;
    if (guarded) text.line(js`try {`);
    if (this.#loops) text.line(js`for (;;) {`);
    text.append(body.out);
    if (this.#loops) text.line(js`}`);
    if (guarded) {
      text.line(this.#finally ? js`} finally {` : js`} catch (${x}) {`);
      this.#spill(text);
      if (!this.#finally) text.line(js`throw ${x};`);
      text.line(js`}`);
    }
    text.line(EAGER_END);
    return text;
  }

  #locals(): Code {
    const { loaded, assigned, usesEntry } = this.#body;
    let list = EMPTY;
    const declare = (name: Code, value: Code): void => {
      list = list === EMPTY ? js`${name} = ${value}` : js`${list}, ${name} = ${value}`;
    };
    for (const offset of loaded) declare(stateName(offset), wordOf(offset));
    for (const offset of assigned) {
      if (!loaded.has(offset)) declare(stateName(offset), ZERO);
    }
    if (usesEntry) declare(e, ZERO);
    if (this.#counts) declare(n, js`${I}[${BUDGET_WORD}]`);
    return list;
  }

  #spill(text: CodeText): void {
    for (const offset of this.#allAssigned ?? this.#body.assigned) text.line(writeBack(offset));
    if (this.#counts) text.line(js`${I}[${BUDGET_WORD}] = ${n};`);
  }

  /** Known once the body is emitted: one write-back serves every way out. */
  get #finally(): boolean {
    return this.#body.mayThrow && !this.#loops && !this.leavesEarly;
  }

  #spillAtExit(): void {
    if (!this.#finally) this.#spill(this.#body.out);
  }

  #exit(exit: IrExit): void {
    const { out } = this.#body;
    switch (exit.kind) {
      case "jump":
        return this.#jump(exit.target, exit.transfer === "call" || exit.transfer === "return");
      case "branch":
        return this.#branch(part(this.#body.take(exit.condition), 0), exit.taken, exit.notTaken);
      case "indirect": {
        const target = this.#body.take(exit.target);
        const lo = this.#body.atom(i64.lo(target));
        const hi = this.#body.atom(i64.hi(target));
        this.#spillAtExit();
        return out.line(
          js`return ${this.#orStop(js`${this.#body.helper("follow")}(${lo}, ${hi})`, lo, hi, true)};`,
        );
      }
      case "syscall":
        this.#spillAtExit();
        return out.line(js`return ${this.#body.helper("stopSyscall")}(${U}[${this.#input.unit}]);`);
      case "fault":
        this.#spillAtExit();
        return out.line(js`return ${this.#body.helper("stopFault")}(${U}[${this.#input.unit}]);`);
    }
  }

  #jump(target: GuestAddress, leaves: boolean): void {
    if (this.#loops) return this.#again();
    this.#spillAtExit();
    this.#go(target, leaves || this.#isBackward(target));
  }

  #branch(condition: Code, taken: GuestAddress, notTaken: GuestAddress): void {
    const { out } = this.#body;
    if (this.#loops) {
      const again = taken === this.#block.address;
      out.line(js`if (${again ? condition : i32.negate(condition)}) {`);
      this.#again();
      out.line(js`}`);
      this.#spillAtExit();
      return this.#go(again ? notTaken : taken, this.#isBackward(again ? notTaken : taken));
    }
    this.#spillAtExit();
    if (condition.constant !== 0) {
      if (condition.constant === undefined) out.line(js`if (${condition}) {`);
      this.#go(taken, this.#isBackward(taken));
      if (condition.constant === undefined) out.line(js`}`);
      else return;
    }
    this.#go(notTaken, this.#isBackward(notTaken));
  }

  /** One more round of the loop, unless the budget is used up. */
  #again(): void {
    const { out } = this.#body;
    const { address } = this.#block;
    const count = this.#block.instructions.length;
    const left = this.#counts ? js`${n} = ${n} - ${count} | 0` : js`${I}[${BUDGET_WORD}] -= ${count}`;
    out.line(js`if ((${left}) > 0) continue;`);
    this.#spill(out);
    out.line(js`return ${this.#stop(int(lowHalf(address)), int(highHalf(address)), true)};`);
  }

  /** Leaves to a known address: to its cell where there is one. */
  #go(target: GuestAddress, preemptible: boolean, instructions?: number): void {
    const lo = int(lowHalf(target));
    const hi = int(highHalf(target));
    const cell = this.#input.request.link(target);
    const next =
      cell === undefined ? js`${this.#body.helper("follow")}(${lo}, ${hi})` : this.#input.names.cell(cell);
    this.#body.out.line(js`return ${this.#orStop(next, lo, hi, preemptible, instructions)};`);
  }

  /** `next`, or null when the budget is used up. */
  #orStop(next: Code, lo: Code, hi: Code, preemptible: boolean, instructions?: number): Code {
    const count = instructions ?? this.#block.instructions.length;
    return js`(${I}[${BUDGET_WORD}] -= ${count}) > 0 ? ${next} : ${this.#stop(lo, hi, preemptible)}`;
  }

  #stop(lo: Code, hi: Code, preemptible: boolean): Code {
    return js`${this.#body.helper("stopBudget")}(${lo}, ${hi}, ${preemptible ? 1 : 0})`;
  }

  /** `exit.if`: the current instruction is complete, and control goes forward. */
  #leaveIf(condition: Code, lo: number, hi: number): void {
    if (condition.constant === 0) return;
    this.leavesEarly = true;
    const { out } = this.#body;
    out.line(js`if (${condition}) {`);
    this.#spill(out);
    this.#go(fromHalves(lo, hi), false, this.#body.site + 1);
    out.line(js`}`);
  }

  /** Backwards from the jumping instruction, which is the last one. */
  #isBackward(target: GuestAddress): boolean {
    return target <= (this.#block.instructions.at(-1)?.address ?? 0);
  }
}

/** The parentheses make V8 compile a function at once instead of twice: most of a batch is run. */
const EAGER_END = js`});`;

const WRITE_BACKS: Code[] = [];
/** `I[1056] = r128;` for the state word at an offset. */
const writeBack = (offset: number): Code =>
  (WRITE_BACKS[offset >> 2] ??= js`${wordOf(offset)} = ${stateName(offset)};`);

/** The block's own address if its exit may lead there. */
export function loopTarget({ address, exit }: IrBlock): GuestAddress | undefined {
  if (exit.kind === "jump") return exit.target === address ? address : undefined;
  if (exit.kind === "branch") {
    return exit.taken === address || exit.notTaken === address ? address : undefined;
  }
  return undefined;
}
