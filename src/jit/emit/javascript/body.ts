/**
 * The body of one emitted function: turns operations into statements and expressions.
 *
 * State words live in mutable locals (`r128`). A pure value that is used once becomes part of the expression
 * that uses it; a value used more often, and everything memory operations produce, gets a name. An expression
 * that reads a state local and is still waiting for its use when that local is assigned is named just before:
 *
 *     get rax -> a       (waiting: r128)
 *     set rax <- ...     const v1 = r128; r128 = ...
 *     ... a ...          v1
 */

import type { IrExit, IrInstruction } from "../../ir/block.ts";
import { ABSENT, type Code, CodeText, ZERO, js, stateBit, stateName, textOf, valueName } from "./code.ts";
import { type Demands, demandsOf } from "./demand.ts";
import { EMITTERS } from "./emitters.ts";
import { helperCode, type HelperName, NAMES } from "./helper-names.ts";
import { wordOf } from "./places.ts";
import { ALLOW_CODE, type Parts, SITE_SHIFT, UNNEEDED } from "./parts.ts";

/** Longer expressions get a name, so that neither text nor nesting grows without bound. */
const MAX_EXPRESSION = 240;

export interface BodyOptions {
  readonly inlineMemory: boolean;
  readonly allowCode: boolean;
  /** State words are read and written where they lie: no locals, no write-back, the shortest code. */
  readonly inPlace: boolean;
  /** Collects the helpers used, for the head of the source. */
  readonly helpers: Set<HelperName>;
  /** The body is one of several in a function, which sees to what must be loaded and written back. */
  readonly shared?: SharedBody;
}

/** What the bodies of one function have in common. */
export interface SharedBody {
  /** Names given so far. */
  names: number;
}

export class Body {
  readonly out = new CodeText();
  readonly options: BodyOptions;
  /** Number of the guest instruction being emitted, and how many of its block come before it. */
  site = 0;
  completed = 0;
  /** What the emitters met: helpers that may throw, ways out before the end, flat-table look-ups. */
  mayThrow = false;
  mayLeave = false;
  usesTable = false;
  usesEntry = false;
  /** State words that must hold the guest's value on entry, and those assigned so far. */
  readonly loaded = new Set<number>();
  readonly assigned = new Set<number>();
  /** State words whose value is known at this point. */
  readonly known = new Map<number, Code>();
  /** Places where a helper may throw, with the number of words assigned before. */
  readonly throws: { readonly site: number; readonly assigned: number }[] = [];
  /** Called around helpers that look at the budget word. */
  beforeClock: () => void = () => undefined;
  afterClock: () => void = () => undefined;
  /** Leaves the function when the condition holds, after the current instruction; set by `emit-block.ts`. */
  leaveIf: (condition: Code, lo: number, hi: number) => void = () => undefined;

  readonly #code: readonly IrInstruction[];
  readonly #demands: Demands;
  readonly #values: (Parts | undefined)[];
  readonly #waiting: number[] = [];
  readonly #shared: SharedBody;

  constructor(code: readonly IrInstruction[], exit: IrExit | undefined, options: BodyOptions, result = -1) {
    this.#code = code;
    this.options = options;
    this.#shared = options.shared ?? { names: 0 };
    this.#demands = demandsOf(code, exit, result);
    this.#values = new Array<Parts | undefined>(code.length);
  }

  // What emitters use.

  line(code: Code): void {
    this.out.line(code);
  }

  /** Names an expression: evaluated here, once. */
  temp(code: Code): Code {
    const name = valueName(++this.#shared.names);
    this.out.line(js`const ${name} = ${code};`);
    return name;
  }

  /** Code that may be used more than once. */
  atom(code: Code): Code {
    return code.atom ? code : this.temp(code);
  }

  /** A fresh local that statements assign. */
  variable(): Code {
    const name = valueName(++this.#shared.names);
    this.out.line(js`let ${name} = 0;`);
    return name;
  }

  helper(name: HelperName): Code {
    this.options.helpers.add(name);
    return helperCode(name);
  }

  /** The local of a state word, for reading. */
  state(offset: number): Code {
    if (this.options.inPlace) return wordOf(offset);
    const known = this.known.get(offset);
    if (known !== undefined) return known;
    if (!this.assigned.has(offset)) this.loaded.add(offset);
    return stateName(offset);
  }

  /** Assigns `count` neighbouring state words. */
  assign(offset: number, parts: Parts, count: number): void {
    let mask = 0;
    for (let k = 0; k < count; k++) mask |= stateBit(offset + 4 * k);
    this.#settle(mask);
    let codes = parts;
    for (let k = count - 1; k >= 0; k--) {
      codes = this.#before(codes, k, stateBit(offset + 4 * k));
      const code = codes[k] ?? ZERO;
      if (code !== ABSENT) this.#assignWord(offset + 4 * k, code);
    }
  }

  /** Assigns state words, all from the values before; parts that are `ABSENT` leave theirs alone. */
  assignWords(offsets: readonly number[], parts: Parts): void {
    let mask = 0;
    for (const offset of offsets) mask |= stateBit(offset);
    this.#settle(mask);
    let codes = parts;
    for (let k = offsets.length - 1; k >= 0; k--) {
      const offset = offsets[k] ?? 0;
      codes = this.#before(codes, k, stateBit(offset));
      const code = codes[k] ?? ZERO;
      if (code !== ABSENT) this.#assignWord(offset, code);
    }
  }

  /** Names those of the first `count` parts that read a state word about to change. */
  #before(parts: Parts, count: number, bit: number): Parts {
    let named: Code[] | undefined;
    for (let j = 0; j < count; j++) {
      const other = parts[j] ?? ZERO;
      if ((other.deps & bit) === 0) continue;
      named ??= [...parts];
      named[j] = this.temp(other);
    }
    return named ?? parts;
  }

  /** The last argument of a memory helper: where we are, and how to access. */
  siteOf(access: number): number {
    this.mayThrow = true;
    this.mayLeave = true;
    this.throws.push({ site: this.site, assigned: this.assigned.size });
    return (this.site << SITE_SHIFT) | access | (this.options.allowCode ? ALLOW_CODE : 0);
  }

  /** `e = I[T + page]`: the flat-table entry of the page that holds this address. */
  entry(lo: Code): Code {
    this.usesTable = true;
    this.usesEntry = true;
    return js`(${NAMES.e} = ${NAMES.I}[${NAMES.T} + (${lo} >>> 12) | 0])`;
  }

  // Walking the code.

  /** The parts of a value, for a last use. */
  take(value: number): Parts {
    const { uses } = this.#demands;
    uses[value] = (uses[value] ?? 1) - 1;
    return this.#values[value] ?? UNNEEDED;
  }

  emit(index: number): void {
    if (this.#demands.kept[index] === 0) return;
    const instruction = this.#code[index];
    if (instruction === undefined) return;
    const args: Parts[] = [];
    for (const arg of instruction.args) args.push(this.take(arg));
    const need = this.#demands.need[index] ?? 0;
    const parts = EMITTERS[instruction.op](this, args, instruction.imm, need);
    if (need !== 0) this.#values[index] = this.#place(index, parts, need);
  }

  #place(index: number, parts: Parts, need: number): Parts {
    const shared = (this.#demands.uses[index] ?? 0) > 1;
    const placed: Code[] = [];
    let deps = 0;
    for (let k = 0; k < parts.length; k++) {
      let part = (need & (1 << k)) === 0 ? ZERO : (parts[k] ?? ZERO);
      if (!part.atom && (shared || textOf(part).length > MAX_EXPRESSION)) part = this.temp(part);
      deps |= part.deps;
      placed.push(part);
    }
    if (deps !== 0) this.#waiting.push(index);
    return placed;
  }

  /** Names every waiting expression that reads a state local about to change. */
  #settle(mask: number): void {
    const waiting = this.#waiting;
    let still = 0;
    for (let i = 0; i < waiting.length; i++) {
      const index = waiting[i] as number;
      if ((this.#demands.uses[index] ?? 0) === 0) continue;
      const parts = this.#values[index] ?? UNNEEDED;
      let deps = 0;
      for (const part of parts) deps |= part.deps;
      if ((deps & mask) === 0) {
        waiting[still++] = index;
        continue;
      }
      this.#values[index] = parts.map((part) => ((part.deps & mask) === 0 ? part : this.temp(part)));
      if ((deps & ~mask) !== 0) waiting[still++] = index;
    }
    waiting.length = still;
  }

  #assignWord(offset: number, code: Code): void {
    if (this.options.inPlace) {
      const place = wordOf(offset);
      if (textOf(code) !== textOf(place)) this.out.line(js`${place} = ${code};`);
      return;
    }
    if (code.constant !== undefined) {
      if (this.known.get(offset)?.constant === code.constant) return;
      this.known.set(offset, code);
    } else {
      this.known.delete(offset);
    }
    // A way out before the first assignment writes the word back: it must then hold the guest's value.
    if (this.mayLeave && this.options.shared === undefined && !this.assigned.has(offset)) {
      this.loaded.add(offset);
    }
    this.assigned.add(offset);
    const name = stateName(offset);
    if (textOf(code) !== textOf(name)) this.out.line(js`${name} = ${code};`);
  }
}
