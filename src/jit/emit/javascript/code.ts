/**
 * JavaScript text as a type. Only this file makes `Code`: from templates written in our source, safe integers,
 * other code, and names drawn from closed sets. No guest byte and no host string can become a token.
 *
 * A piece of code also says what the emitters need to know about it: the constant it stands for, whether naming
 * it twice costs nothing (`atom`), and which state locals it reads (`deps`), so that it can be moved past
 * everything but an assignment to those.
 */

import { InvariantError } from "../../../invariant.ts";

class JsCode {
  private readonly text: string;
  /** Bit set of the state locals it reads; see `stateBit`. */
  readonly deps: number;
  /** The int32 it stands for (truth values: 0 or 1), if known. */
  readonly constant: number | undefined;
  /** A name or a literal: may be repeated. */
  readonly atom: boolean;

  constructor(text: string, deps: number, constant: number | undefined, atom: boolean) {
    this.text = text;
    this.deps = deps;
    this.constant = constant;
    this.atom = atom;
  }

  static textOf(code: JsCode): string {
    return code.text;
  }

  /** The one place where text is joined; see `js`. */
  static join(strings: readonly string[], parts: readonly (JsCode | number)[]): JsCode {
    let text = strings[0] ?? "";
    let deps = 0;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i];
      if (typeof part === "number") {
        text += literal(part);
      } else if (part instanceof JsCode) {
        text += part.text;
        deps |= part.deps;
      } else {
        throw new InvariantError(["JIT-6 only code and safe integers become code"]);
      }
      text += strings[i + 1] ?? "";
    }
    return new JsCode(text, deps, undefined, false);
  }
}

/** Text that is safe to run. Only the type of the class is exported: nobody else can make one. */
export type Code = JsCode;
export type { JsCode };

function literal(value: number): string {
  if (!Number.isSafeInteger(value)) throw new InvariantError(["JIT-6 a literal is a safe integer"]);
  return value < 0 ? `(${value})` : `${value}`;
}

/** Code from a template. An expression with an operator brings its own parentheses. */
export const js = (strings: TemplateStringsArray, ...parts: readonly (Code | number)[]): Code =>
  JsCode.join(strings, parts);

/** For printing, compiling and comparing; text never becomes code again. */
export const textOf = (code: Code): string => JsCode.textOf(code);

const SMALL = 256;
const SMALL_INTS = Array.from({ length: 2 * SMALL }, (_, i) => makeInt(i - SMALL));

function makeInt(value: number): Code {
  return new JsCode(literal(value), 0, value, true);
}

/** An int32 constant. */
export function int(value: number): Code {
  const int32 = value | 0;
  const small = int32 >= -SMALL && int32 < SMALL ? SMALL_INTS[int32 + SMALL] : undefined;
  return small ?? makeInt(int32);
}

/** A constant between 0 and 2^32 - 1, for unsigned comparisons; not an int32 value. */
export const unsigned = (value: number): Code => js`${value >>> 0}`;

export const ZERO = int(0);
export const TRUE: Code = new JsCode("true", 0, 1, true);
export const FALSE: Code = new JsCode("false", 0, 0, true);
/** A word of a flags value that its kind does not use: whatever is there may stay. */
export const ABSENT: Code = new JsCode("0", 0, 0, true);
export const EMPTY: Code = new JsCode("", 0, undefined, false);

/** The bit of the state local at a byte offset. Distant offsets may share one; that only costs a copy. */
export const stateBit = (offset: number): number => 1 << ((offset >> 2) & 31);

/** `v7`: a value of the running function, assigned once. */
export const valueName = (serial: number): Code => new JsCode(`v${serial}`, 0, undefined, true);
const STATE_NAMES: Code[] = [];
/** `r128`: the local of the state word at byte offset 128; it changes. */
export const stateName = (offset: number): Code =>
  (STATE_NAMES[offset >> 2] ??= new JsCode(`r${offset}`, stateBit(offset), undefined, true));
/** `I[1056]`: a state word where it lies; `view` is the name of the view. */
export const statePlace = (offset: number, view: Code, index: number): Code =>
  new JsCode(`${JsCode.textOf(view)}[${literal(index)}]`, stateBit(offset), undefined, true);
/** `l3`: the labelled block before block 3 of a region, and `h3`: the loop that begins with it. */
export const labelName = (block: number): Code => new JsCode(`l${block}`, 0, undefined, true);
export const loopName = (block: number): Code => new JsCode(`h${block}`, 0, undefined, true);
/** `c3`: the cell number 3 of a batch. */
export const cellName = (serial: number): Code => new JsCode(`c${serial}`, 0, undefined, true);
/** `b_401000`: the function of the unit at this address. Several in one source get a serial. */
export const unitName = (address: number, serial: number): Code =>
  new JsCode(`b_${address.toString(16)}${serial === 0 ? "" : `_${serial}`}`, 0, undefined, true);
/** `region_401000`: the function of the region that begins at this address. */
export const regionName = (address: number): Code =>
  new JsCode(`region_${address.toString(16)}`, 0, undefined, true);

/** Code for each of a closed set of names. */
export function identifiers<const T extends string>(names: readonly T[]): { readonly [K in T]: Code } {
  const table: Partial<Record<T, Code>> = {};
  for (const name of names) {
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) throw new InvariantError([`JIT-6 not a name: ${name}`]);
    table[name] = new JsCode(name, 0, undefined, true);
  }
  return table as { readonly [K in T]: Code };
}

/** Lines put together from code; what `compile.ts` hands to the JavaScript engine. */
export class CodeText {
  /** Grown by concatenation: the JavaScript engine joins the pieces once, when it reads the text. */
  #text = "";
  /** One number per line: the tag that was current when it was added. */
  readonly lineTags: number[] = [];
  tag = -1;

  line(code: Code): void {
    this.#text += JsCode.textOf(code) + "\n";
    this.lineTags.push(this.tag);
  }

  append(other: CodeText): void {
    for (const tag of other.lineTags) this.lineTags.push(tag);
    this.#text += other.#text;
  }

  /** Appends where nobody will ask for the tags of the lines any more. */
  appendUntagged(other: CodeText): void {
    this.#text += other.#text;
  }

  get text(): string {
    return this.#text;
  }

  /** Of the text, in characters. */
  get length(): number {
    return this.#text.length;
  }
}
