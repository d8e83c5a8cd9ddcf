/**
 * Conditions of flags whose kind only the code word tells. For each kind, width and condition met there is one
 * small function, compiled on first need from the IR's own expansion through the emitters of every other
 * operation: no second statement of what a flag is.
 */

import { type CheckLevel, InvariantError } from "../../../invariant.ts";
import { flagBitsCode, type FlagCode, flagReaderCode } from "../../ir/flag-lowering.ts";
import { CONDITIONS, FLAG_KINDS, type FlagWidth, KIND_MASK, WIDTH_SHIFT } from "../../ir/flags.ts";
import { Body } from "./body.ts";
import { instantiate } from "./compile.ts";
import { CodeText, js, stateName } from "./code.ts";
import { FLAG_OFFSETS } from "./emitters-state.ts";
import type { HelperName } from "./helper-names.ts";
import { part } from "./parts.ts";

type FlagReader = (code: number, al: number, ah: number, bl: number, bh: number) => boolean | number;

/** Kind and width in the code word. */
const FORM_BITS = 6;
const FORM_MASK = (1 << FORM_BITS) - 1;
const ALL_BITS = CONDITIONS.length;

export class FlagReaders {
  readonly #readers: (FlagReader | undefined)[] = new Array<FlagReader | undefined>(
    (CONDITIONS.length + 1) << FORM_BITS,
  ).fill(undefined);
  readonly #helpers: object;
  readonly #checks: CheckLevel;

  /** `helpers`: the runtime's functions, for readers that call one. */
  constructor(helpers: object, checks: CheckLevel) {
    this.#helpers = helpers;
    this.#checks = checks;
  }

  /** Whether condition number `condition` holds. */
  condition(condition: number, code: number, al: number, ah: number, bl: number, bh: number): boolean {
    const at = (condition << FORM_BITS) | (code & FORM_MASK);
    return (this.#readers[at] ?? this.#make(condition, code))(code, al, ah, bl, bh) as boolean;
  }

  /** The six flags at their places in RFLAGS. */
  bits(code: number, al: number, ah: number, bl: number, bh: number): number {
    const at = (ALL_BITS << FORM_BITS) | (code & FORM_MASK);
    return (this.#readers[at] ?? this.#make(ALL_BITS, code))(code, al, ah, bl, bh) as number;
  }

  #make(condition: number, code: number): FlagReader {
    const kind = FLAG_KINDS[code & KIND_MASK];
    if (kind === undefined) throw new InvariantError([`JIT-4 no flag kind ${code & KIND_MASK}`]);
    const width = (8 << ((code >> WIDTH_SHIFT) & 3)) as FlagWidth;
    const name = CONDITIONS[condition];
    const expansion = name === undefined ? flagBitsCode(kind, width) : flagReaderCode(kind, width, name);
    const reader = this.#compile(expansion);
    this.#readers[(condition << FORM_BITS) | (code & FORM_MASK)] = reader;
    return reader;
  }

  #compile({ code, result }: FlagCode): FlagReader {
    const helpers = new Set<HelperName>();
    const body = new Body(
      code,
      undefined,
      { inlineMemory: false, allowCode: false, inPlace: false, helpers },
      result,
    );
    for (let i = 0; i < code.length; i++) body.emit(i);
    const text = new CodeText();
    const [c, al, ah, bl, bh] = FLAG_OFFSETS.map(stateName);
    if (c === undefined || al === undefined || ah === undefined)
      throw new InvariantError(["JIT-6 flag words"]);
    text.line(js`return function (${c}, ${al}, ${ah}, ${bl ?? ah}, ${bh ?? ah}) {`);
    text.append(body.out);
    text.line(js`return ${part(body.take(result), 0)};`);
    text.line(js`};`);
    return instantiate<FlagReader>(text, helpers, { helpers: this.#helpers, checks: this.#checks });
  }
}
