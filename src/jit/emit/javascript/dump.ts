/**
 * A unit as people read it: pretty-printed, with state words under their guest names and the address of each
 * guest instruction before its statements, and a source map from the printed lines to guest instructions.
 *
 * The text is audited (JIT-6) and parsed again only here. Parser and printers are loaded at the first dump.
 */

import { hex } from "../../../mmu/address.ts";
import type * as Acorn from "acorn";
import type * as Astring from "astring";
import type { SourceMapGenerator } from "source-map";
import { demand } from "../../../invariant.ts";
import { FLAGS_A, FLAGS_B, FLAGS_CODE } from "../../ir/state.ts";
import type { JavaScriptUnit } from "../../unit.ts";
import { auditSource } from "./audit.ts";
import { firstLinesOf } from "./compile.ts";

export interface DumpedUnit {
  readonly javascript: string;
  /** Source map, version 3, as JSON. A mapping's name is the guest address. */
  readonly sourceMap: string;
}

export interface DumpStyle {
  /** The line of `source` that stands for the first guest instruction; the others follow it. */
  readonly firstLine?: number;
  /** The guest's name for what begins at an offset of the state block; other words keep their `r<offset>`. */
  readonly slotName?: (offset: number) => string | undefined;
}

/** Where the map of a dump without a listing points: a text of its own with one address per line. */
const OWN_SOURCE = "guest";

/** Prints a unit; `source` names the text that the source map points into. */
export async function dumpUnit(
  unit: JavaScriptUnit,
  source = OWN_SOURCE,
  style: DumpStyle = {},
): Promise<DumpedUnit> {
  const [acorn, astring, sourceMap] = await Promise.all([
    import("acorn"),
    import("astring"),
    import("source-map"),
  ]);
  const text = unit.source;
  demand(auditSource(text));
  const tree = acorn.parse(text, { ecmaVersion: 2022, locations: true });
  const { address, instructions } = unit.block;
  const addresses = instructions.map((instruction) => hex(instruction.address));
  new Preparation(firstLinesOf(unit), addresses, style.slotName ?? (() => undefined)).prepare(tree);
  const collector = new LineCollector();
  const javascript = astring.generate(tree as unknown as Parameters<typeof Astring.generate>[0], {
    comments: true,
    sourceMap: collector as unknown as SourceMapGenerator,
  });
  const map = new sourceMap.SourceMapGenerator({ file: `b_${address.toString(16)}.js` });
  if (source === OWN_SOURCE) map.setSourceContent(source, addresses.join("\n"));
  for (const [line, guest] of collector.guestOf) {
    const original = { line: (style.firstLine ?? 1) + guest, column: 0 };
    map.addMapping({ generated: { line, column: 0 }, original, source, name: addresses[guest] ?? "" });
  }
  return { javascript: javascript.trimEnd(), sourceMap: map.toString() };
}

type Node = Acorn.AnyNode & { comments?: { type: "Line"; value: string }[] };

/** Takes the place of a map while printing: notes which guest instruction each printed line begins with. */
class LineCollector {
  readonly guestOf = new Map<number, number>();

  /** Prepared nodes say in `loc` which guest instruction they belong to. */
  addMapping({ generated, original }: Parameters<SourceMapGenerator["addMapping"]>[0]): void {
    if (!this.guestOf.has(generated.line)) this.guestOf.set(generated.line, original.line);
  }
}

/** Renames state words, puts addresses before statements, and leaves in `loc` the guest instruction alone. */
class Preparation {
  readonly #firstLines: readonly number[];
  readonly #addresses: readonly string[];
  readonly #slotName: (offset: number) => string | undefined;
  /** Guest instructions whose address has been printed. */
  #printed = 0;

  constructor(
    firstLines: readonly number[],
    addresses: readonly string[],
    slotName: (offset: number) => string | undefined,
  ) {
    this.#firstLines = firstLines;
    this.#addresses = addresses;
    this.#slotName = slotName;
  }

  prepare(node: Node): void {
    const guest = this.#guestOf(node);
    if (guest !== undefined && /Statement$|^VariableDeclaration$/.test(node.type))
      this.#announce(node, guest);
    if (node.type === "Identifier") node.name = this.#readable(node.name);
    // What the catch clause and the head do belongs to no instruction.
    if (node.type === "CatchClause") return this.#forget(node);
    for (const child of Object.values(node) as unknown[]) {
      if (Array.isArray(child)) child.filter(isNode).forEach((each) => this.prepare(each));
      else if (isNode(child)) this.prepare(child);
    }
    if (guest === undefined) delete node.loc;
    else if (node.loc) node.loc.start = { ...node.loc.start, line: guest, column: 0 };
  }

  #forget(node: Node): void {
    if (node.type === "Identifier") node.name = this.#readable(node.name);
    for (const child of Object.values(node) as unknown[]) {
      if (Array.isArray(child)) child.filter(isNode).forEach((each) => this.#forget(each));
      else if (isNode(child)) this.#forget(child);
    }
    delete node.loc;
  }

  /** Index of the guest instruction whose lines the node begins in. */
  #guestOf(node: Node): number | undefined {
    const line = (node.loc?.start.line ?? 0) - 1;
    const next = this.#firstLines.findIndex((first) => first > line);
    const guest = (next < 0 ? this.#firstLines.length : next) - 1;
    return guest < 0 ? undefined : guest;
  }

  /** Names every instruction up to this one that was not named before; some have no statement of their own. */
  #announce(node: Node, guest: number): void {
    if (guest < this.#printed) return;
    const list = this.#addresses.slice(this.#printed, guest + 1);
    node.comments = list.map((address) => ({ type: "Line", value: ` ${address}` }));
    this.#printed = guest + 1;
  }

  /** `r132` as `rax_1`: word 1 of what the guest calls rax. */
  #readable(name: string): string {
    const offset = Number(/^r(\d+)$/.exec(name)?.[1] ?? -1);
    if (offset < 0) return name;
    for (let word = 0; word < 4; word++) {
      const at = offset - 4 * word;
      const slot = FLAG_WORDS.get(at) ?? this.#slotName(at);
      if (slot === undefined || !/^[a-z]\w*$/i.test(slot)) continue;
      return word === 0 ? slot : `${slot}_${word}`;
    }
    return name;
  }
}

const FLAG_WORDS: ReadonlyMap<number, string> = new Map([
  [FLAGS_CODE, "flags"],
  [FLAGS_A, "flags_a"],
  [FLAGS_B, "flags_b"],
]);

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
