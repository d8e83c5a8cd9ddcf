/**
 * From a divergence to the smallest one like it: nodes are taken out, loops unrolled to one round, registers and
 * memory cleared, for as long as processor and executor still come to different results.
 */

import {
  CASE_DATA_AT,
  decodeResult,
  FCW_AT,
  FSW_AT,
  FTW_AT,
  GPR_AT,
  type Image,
  MXCSR_AT,
  newImage,
  resultBytes,
  RFLAGS_AT,
  STACK_AT,
  XMM_AT,
} from "../support/native-layout.ts";
import type { NativeCpu } from "../support/native.ts";
import { CODE_AREA_BYTES } from "../support/state.ts";
import type { SheetExecutor } from "./executors.ts";
import { childrenOf, type Node } from "./program.ts";
import { programAt, type Program } from "./programs.ts";
import { type Divergence, diverges } from "./run-sheet.ts";
import { place, type Specimen } from "./specimen.ts";

/** So often a case is run: units are translated again when they are hot. */
const REPEATS = 24;
const MAX_ATTEMPTS = 3000;

const isProgram = (specimen: Specimen): specimen is Program => "nodes" in specimen;

/** A sequence is a program without structure. */
function nodesOf(specimen: Specimen): readonly Node[] {
  if (isProgram(specimen)) return specimen.nodes;
  return specimen.pieces.map((piece) => ({ kind: "code", piece }));
}

/** The same node with other nodes in the place of its children. */
function withChildren(node: Node, children: readonly (readonly Node[])[]): Node {
  const [first = [], second = []] = children;
  switch (node.kind) {
    case "code":
      return node;
    case "group":
      return { ...node, nodes: first };
    case "loop":
    case "call":
    case "pushed":
      return { ...node, body: first };
    case "if":
      return { ...node, body: first, otherwise: second };
  }
}

/** Everything that is one step smaller, the largest steps first. */
function* smaller(nodes: readonly Node[]): Generator<readonly Node[]> {
  const half = nodes.length >> 1;
  if (half > 0) {
    yield nodes.slice(half);
    yield nodes.slice(0, half);
  }
  for (const i of nodes.keys()) yield [...nodes.slice(0, i), ...nodes.slice(i + 1)];
  for (const [i, node] of nodes.entries()) {
    const put = (...instead: readonly Node[]): readonly Node[] => [
      ...nodes.slice(0, i),
      ...instead,
      ...nodes.slice(i + 1),
    ];
    const children = childrenOf(node);
    if (children.length > 0) yield put(...children.flat());
    if (node.kind === "loop" && node.count > 1) yield put({ ...node, count: 1 });
    for (const [k, below] of children.entries()) {
      for (const less of smaller(below))
        yield put(
          withChildren(
            node,
            children.map((child, n) => (n === k ? less : child)),
          ),
        );
    }
  }
}

export class Shrinker {
  readonly #native: NativeCpu;
  readonly #executor: SheetExecutor;
  #attempts = 0;

  constructor(native: NativeCpu, executor: SheetExecutor) {
    this.#native = native;
    this.#executor = executor;
  }

  /** The smallest divergence found; undefined when the case alone does not show it. */
  shrink(found: Divergence): Divergence | undefined {
    const alone = this.#try(found, nodesOf(found.specimen), found.start);
    if (alone === undefined) return undefined;
    let best: Divergence = alone;
    while (this.#attempts <= MAX_ATTEMPTS) {
      const next: Divergence | undefined = this.#smallerCode(best) ?? this.#smallerState(best);
      if (next === undefined) break;
      best = next;
    }
    return best;
  }

  #smallerCode(from: Divergence): Divergence | undefined {
    for (const nodes of smaller(nodesOf(from.specimen))) {
      const next = nodes.length === 0 ? undefined : this.#try(from, nodes, from.start);
      if (next !== undefined) return next;
      if (this.#attempts > MAX_ATTEMPTS) return undefined;
    }
    return undefined;
  }

  /** Clears one thing after another in one go; undefined when nothing could be cleared. */
  #smallerState(from: Divergence): Divergence | undefined {
    let best: Divergence | undefined;
    for (const clear of clearings(from.start.length)) {
      const { start, specimen } = best ?? from;
      const cleared = Buffer.from(start);
      clear(cleared);
      if (cleared.equals(start)) continue;
      best = this.#try(from, nodesOf(specimen), cleared) ?? best;
    }
    return best;
  }

  /** The divergence of these nodes from this start, if there is one. */
  #try(from: Divergence, nodes: readonly Node[], start: Buffer): Divergence | undefined {
    this.#attempts++;
    const { parts, executor } = from;
    const specimen = {
      ...programAt(nodes, from.specimen.offset),
      undefinedFlags: from.specimen.undefinedFlags,
    };
    if (specimen.offset + specimen.code.length > CODE_AREA_BYTES + 16) return undefined;
    const image = imageOf(from.image, specimen);
    const size = resultBytes(parts);
    const wanted = this.#native.runBatch({ parts, images: [image], count: 1, cases: start });
    const want = decodeResult(wanted.subarray(0, size));
    if (want.ending.kind === "timeout") return undefined;
    this.#executor.load(image);
    for (let i = 0; i < REPEATS; i += this.#executor.oneOf) {
      const results = Buffer.alloc(size);
      this.#executor.run({ parts, cases: start, caseAt: 0, results, resultAt: 0 });
      const got = decodeResult(results);
      if (diverges(specimen, want, got)) return { executor, specimen, parts, image, start, want, got };
    }
    return undefined;
  }
}

/** The specimen alone on its pages. */
function imageOf(like: Image, specimen: Specimen): Image {
  const image = newImage();
  image.set(like.subarray(CODE_AREA_BYTES), CODE_AREA_BYTES);
  place(image, specimen);
  return image;
}

type Clear = (start: Buffer) => void;
const zeros =
  (at: number, length: number): Clear =>
  (start) =>
    start.fill(0, at, at + length);

const RSP = 4;
const R15 = 15;

/** What can be set to its plainest value, in the order in which it is tried. */
function clearings(caseBytes: number): Clear[] {
  const list: Clear[] = [
    (start) => start.writeUInt32LE(0x1f80, MXCSR_AT),
    (start) => start.writeUInt16LE(0x37f, FCW_AT),
    (start) => start.writeUInt16LE(0, FSW_AT),
    (start) => start.writeUInt32LE(0, FTW_AT),
    (start) => start.writeUInt32LE(0x202, RFLAGS_AT),
    zeros(CASE_DATA_AT, caseBytes - CASE_DATA_AT),
    zeros(XMM_AT, 256),
    zeros(STACK_AT, 128),
  ];
  for (let i = 0; i < 16; i++) if (i !== RSP && i !== R15) list.push(zeros(GPR_AT + 8 * i, 8));
  for (let i = 0; i < 16; i++) list.push(zeros(XMM_AT + 16 * i, 16));
  for (let i = 0; i < 8; i++) list.push(zeros(STACK_AT + 16 * i, 16));
  for (let size = 4096; size >= 16; size >>= 2) {
    for (let at = CASE_DATA_AT; at < caseBytes; at += size)
      list.push(zeros(at, Math.min(size, caseBytes - at)));
  }
  return list;
}
