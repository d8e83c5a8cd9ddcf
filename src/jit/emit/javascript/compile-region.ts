/** A region to a unit. */

import type { CheckLevel } from "../../../invariant.ts";
import type { GuestAddress } from "../../../mmu/address.ts";
import type { GuestInstruction, IrBlock } from "../../ir/block.ts";
import type { Region } from "../../ir/region.ts";
import type { JitOptions } from "../../options.ts";
import type { Cell, CompiledUnit } from "../../unit.ts";
import { cellName, type Code, CodeText, EMPTY, js, regionName } from "./code.ts";
import { instantiate, type Surroundings } from "./compile.ts";
import { emitRegion } from "./emit-region.ts";
import { type HelperName, NAMES } from "./helper-names.ts";
import type { Runtime } from "./runtime.ts";

/** The function of a region, and where its instructions are. */
export interface RegionUnit extends CompiledUnit {
  /** By the number of an instruction: its address, and how many of its block come before it. */
  readonly addresses: readonly GuestAddress[];
  readonly completed: readonly number[];
  readonly source: string;
}

/** How a block ends, for the helpers that leave for good. */
export type BlockEnding = { readonly block: Pick<IrBlock, "exit" | "instructions"> };

export interface RegionRequest {
  readonly region: Region;
  readonly options: JitOptions;
  /** The cell for a direct exit, or undefined to leave through `follow`. */
  link(target: GuestAddress): Cell | undefined;
  /** What stands for a called function. */
  callee(target: GuestAddress): Cell;
  /** What a function returns to say that the guest goes on at RIP. */
  readonly goes: Cell;
}

export function compileRegion(request: RegionRequest, runtime: Runtime, checks: CheckLevel): RegionUnit {
  const { region, options, goes } = request;
  const entry = region.blocks[0] as IrBlock;
  const functionName = regionName(entry.address);
  const helpers = new Set<HelperName>();
  const cells = new Numbered<Cell>(cellName);
  const endings: object[] = [{}];
  const { text, order } = emitRegion({
    region,
    options,
    goes,
    functionName,
    helpers,
    cell: (cell) => cells.name(cell),
    unit: ({ exit, instructions }) =>
      endings.push({ block: { exit, instructions } } satisfies BlockEnding) - 1,
    link: (target) => request.link(target),
    callee: (target) => request.callee(target),
  });
  const source = new CodeText();
  if (cells.list.length > 0) source.line(js`const ${cells.bindings(NAMES.C)};`);
  source.appendUntagged(text);
  source.line(js`return [${functionName}];`);
  source.line(js`//# sourceURL=capjit://${functionName}.js`);
  const { words, halves, bytes } = runtime;
  const unit = new Unit(region, order);
  endings[0] = unit;
  const around: Surroundings = {
    helpers: runtime.helpers,
    words,
    halves,
    bytes,
    cells: cells.list,
    units: endings,
    checks,
  };
  const [run] = instantiate<(() => Cell | null)[]>(source, helpers, around);
  if (run !== undefined) unit.run = run;
  return unit;
}

/** Objects that a source is given, with their names. */
class Numbered<T extends object> {
  readonly list: T[] = [];
  readonly #names = new Map<T, Code>();
  readonly #nameOf: (serial: number) => Code;

  constructor(nameOf: (serial: number) => Code) {
    this.#nameOf = nameOf;
  }

  name(item: T): Code {
    let name = this.#names.get(item);
    if (name === undefined) {
      name = this.#nameOf(this.list.push(item) - 1);
      this.#names.set(item, name);
    }
    return name;
  }

  /** `c0 = C[0], c1 = C[1]` */
  bindings(array: Code): Code {
    let list = EMPTY;
    for (const [k, name] of [...this.#names.values()].entries()) {
      list = k === 0 ? js`${name} = ${array}[${k}]` : js`${list}, ${name} = ${array}[${k}]`;
    }
    return list;
  }
}

class Unit implements RegionUnit {
  run: () => Cell | null = unfinished;
  readonly spansBlocks = true;
  /** Those of the first block. */
  readonly instructions: readonly GuestInstruction[];
  readonly addresses: readonly GuestAddress[];
  readonly completed: readonly number[];

  constructor({ blocks }: Region, order: readonly number[]) {
    const inOrder = order.flatMap((index) => {
      const { instructions } = blocks[index] as IrBlock;
      return instructions.map(({ address }, completed) => ({ address, completed }));
    });
    this.instructions = (blocks[0] as IrBlock).instructions;
    this.addresses = inOrder.map(({ address }) => address);
    this.completed = inOrder.map(({ completed }) => completed);
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
