/**
 * Text to functions: the only place that calls `new Function`. Many units share one source, which halves what the
 * JavaScript engine spends per unit. A source begins by binding the helpers and cells it uses to constants.
 */

import type { CheckLevel } from "../../../invariant.ts";
import { demand } from "../../../invariant.ts";
import type { IrBlock } from "../../ir/block.ts";
import type { JitOptions } from "../../options.ts";
import type { Cell, JavaScriptUnit, UnitRequest } from "../../unit.ts";
import { auditSource } from "./audit.ts";
import { type Code, CodeText, EMPTY, cellName, js, unitName } from "./code.ts";
import { emitBlock } from "./emit-block.ts";
import { helperCode, type HelperName, NAMES } from "./helper-names.ts";
import type { Runtime } from "./runtime.ts";

/** Text of one source; more units start another one. */
const MAX_SOURCE = 200_000;

/** What a source is run with. */
export interface Surroundings {
  readonly helpers: object;
  readonly words?: Int32Array;
  readonly halves?: Uint16Array;
  readonly bytes?: Uint8Array;
  readonly cells?: readonly Cell[];
  readonly units?: readonly object[];
  readonly checks: CheckLevel;
}

/** Runs emitted text once and gives what it returns. Under full checks its whole tree is audited before. */
export function instantiate<T>(text: CodeText, helpers: ReadonlySet<HelperName>, around: Surroundings): T {
  const head = new CodeText();
  head.line(USE_STRICT);
  let list = EMPTY;
  for (const name of helpers) {
    list = js`${list}${list === EMPTY ? EMPTY : COMMA}${helperCode(name)} = ${NAMES.H}.${helperCode(name)}`;
  }
  if (list !== EMPTY) head.line(js`const ${list};`);
  head.appendUntagged(text);
  const source = head.text;
  if (around.checks === "full") demand(auditSource(source));
  const make = new Function("H", "I", "W", "B", "C", "U", source) as (...values: unknown[]) => T;
  return make(around.helpers, around.words, around.halves, around.bytes, around.cells, around.units);
}

const USE_STRICT = js`"use strict";`;
const COMMA = js`, `;

class Unit implements JavaScriptUnit {
  run: () => Cell | null = unfinished;
  readonly block: IrBlock;
  /** Per guest instruction, the first line of the function that belongs to it. */
  readonly firstLines: readonly number[];

  constructor(block: IrBlock, firstLines: readonly number[]) {
    this.block = block;
    this.firstLines = firstLines;
  }

  get instructions(): IrBlock["instructions"] {
    return this.block.instructions;
  }

  /** The JavaScript engine keeps the text anyway. */
  get source(): string {
    return this.run.toString();
  }

  get sourceBytes(): number {
    return this.source.length;
  }
}

const unfinished = (): Cell | null => null;

/** Where the lines of a compiled unit come from: per guest instruction its first line, counted from 0. */
export const firstLinesOf = (unit: JavaScriptUnit): readonly number[] =>
  unit instanceof Unit ? unit.firstLines : [];

function firstLines(tags: readonly number[], instructions: number): number[] {
  const lines: number[] = [];
  for (let line = 0; line < tags.length; line++) {
    while (lines.length <= (tags[line] ?? -1)) lines.push(line);
  }
  while (lines.length < instructions) lines.push(tags.length);
  return lines;
}

/** One source in the making. */
class Batch {
  readonly helpers = new Set<HelperName>();
  readonly units: Unit[] = [];
  readonly #text = new CodeText();
  readonly #cells: Cell[] = [];
  readonly #names = new Map<Cell, Code>();
  readonly #addresses = new Map<number, number>();
  #functions = EMPTY;

  get length(): number {
    return this.#text.length;
  }

  cell(cell: Cell): Code {
    let name = this.#names.get(cell);
    if (name === undefined) {
      name = cellName(this.#cells.length);
      this.#cells.push(cell);
      this.#names.set(cell, name);
    }
    return name;
  }

  add(request: UnitRequest, options: JitOptions): void {
    const { block } = request;
    const serial = this.#addresses.get(block.address) ?? 0;
    this.#addresses.set(block.address, serial + 1);
    const functionName = unitName(block.address, serial);
    const unit = this.units.length;
    const text = emitBlock({ request, options, names: this, functionName, unit });
    this.units.push(new Unit(block, firstLines(text.lineTags, block.instructions.length)));
    this.#text.appendUntagged(text);
    this.#functions = unit === 0 ? functionName : js`${this.#functions}, ${functionName}`;
  }

  compile(runtime: Runtime, checks: CheckLevel): void {
    const { helpers, units } = this;
    const text = new CodeText();
    let list = EMPTY;
    for (const [k, name] of [...this.#names.values()].entries()) {
      list = js`${list}${k === 0 ? EMPTY : COMMA}${name} = ${NAMES.C}[${k}]`;
    }
    if (list !== EMPTY) text.line(js`const ${list};`);
    text.appendUntagged(this.#text);
    text.line(js`return [${this.#functions}];`);
    text.line(js`//# sourceURL=capjit://${unitName(units[0]?.block.address ?? 0, 0)}.js`);
    const { words, halves, bytes } = runtime;
    const cells = this.#cells;
    const around: Surroundings = { helpers: runtime.called, words, halves, bytes, cells, units, checks };
    const functions = instantiate<(() => Cell | null)[]>(text, helpers, around);
    for (const [k, unit] of units.entries()) unit.run = functions[k] ?? unfinished;
  }
}

/** Compiles blocks, in as few sources as their size allows. The result has the order of the requests. */
export function compileUnits(
  requests: readonly UnitRequest[],
  runtime: Runtime,
  options: JitOptions,
  checks: CheckLevel,
): JavaScriptUnit[] {
  const compiled: JavaScriptUnit[] = [];
  let batch = new Batch();
  for (const request of requests) {
    if (batch.length > MAX_SOURCE) {
      batch.compile(runtime, checks);
      compiled.push(...batch.units);
      batch = new Batch();
    }
    batch.add(request, options);
  }
  if (batch.units.length > 0) batch.compile(runtime, checks);
  compiled.push(...batch.units);
  return compiled;
}
