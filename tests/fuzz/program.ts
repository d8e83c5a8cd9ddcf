/**
 * A program as a tree that can be cut down, and the assembler that makes bytes of it. Branches are relative and
 * stay inside their node, so a node may be taken out anywhere; only addresses of data depend on where a program
 * lies.
 */

import type { Piece } from "./specimen.ts";

/** An instruction; `reference` is the place of a displacement that counts from its end to an address. */
export interface Code {
  readonly kind: "code";
  readonly piece: Piece;
  readonly reference?: { readonly at: number; readonly address: number };
}

/** Nodes that only make sense together: an operand is prepared, used, and flags are defined again. */
export interface Group {
  readonly kind: "group";
  readonly nodes: readonly Node[];
}

/** How a loop counts: DEC and SUB of a register of its own, up to a bound, or LOOP with RCX on the stack. */
export const LOOP_FORMS = ["dec", "sub", "up", "loop"] as const;

export interface Loop {
  readonly kind: "loop";
  readonly form: (typeof LOOP_FORMS)[number];
  /** 13 or 14: R13 or R14. */
  readonly counter: number;
  readonly count: number;
  readonly body: readonly Node[];
}

/** Condition code 0..15 jumps over `body`, to `otherwise`. */
export interface If {
  readonly kind: "if";
  readonly condition: number;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

/** Ways to come to code behind the next instruction and back. */
export const CALL_FORMS = ["direct", "register", "recursive", "jump", "return"] as const;

export interface Call {
  readonly kind: "call";
  readonly form: (typeof CALL_FORMS)[number];
  /** Depth of a recursion. */
  readonly count: number;
  readonly body: readonly Node[];
}

/** PUSH and POP around a body. */
export interface Pushed {
  readonly kind: "pushed";
  readonly push: number;
  readonly pop: number;
  /** PUSHFQ and POPFQ. */
  readonly flags: boolean;
  readonly body: readonly Node[];
}

export type Node = Code | Group | Loop | If | Call | Pushed;

/** Everything below a node that may be taken out on its own. */
export function childrenOf(node: Node): readonly (readonly Node[])[] {
  switch (node.kind) {
    case "code":
      return [];
    case "group":
      return [node.nodes];
    case "loop":
    case "call":
    case "pushed":
      return [node.body];
    case "if":
      return [node.body, node.otherwise];
  }
}

/** The instructions of a program in the order of its text. */
export function piecesOf(nodes: readonly Node[]): Piece[] {
  return nodes.flatMap((node) =>
    node.kind === "code" ? [node.piece] : childrenOf(node).flatMap((below) => piecesOf(below)),
  );
}

interface Text {
  readonly bytes: readonly number[];
  /** Displacements to be filled in: they count from `end`. */
  readonly references: readonly { readonly at: number; readonly end: number; readonly address: number }[];
}

const EMPTY: Text = { bytes: [], references: [] };
const raw = (...bytes: number[]): Text => ({ bytes, references: [] });
const word = (value: number): number[] => [value, value >> 8, value >> 16, value >> 24].map((b) => b & 0xff);

function joined(...texts: readonly Text[]): Text {
  const bytes: number[] = [];
  const references: Text["references"][number][] = [];
  for (const text of texts) {
    for (const { at, end, address } of text.references)
      references.push({ at: at + bytes.length, end: end + bytes.length, address });
    bytes.push(...text.bytes);
  }
  return { bytes, references };
}

/** A jump over `distance` bytes, or back by them counted from its own start. */
function jump(opcode: number, distance: number): Text {
  if (distance >= 0 && distance < 128) return raw(opcode, distance);
  if (distance < 0 && distance - 2 >= -128) return raw(opcode, (distance - 2) & 0xff);
  const near = opcode === 0xeb ? [0xe9] : [0x0f, opcode + 0x10];
  const relative = distance >= 0 ? distance : distance - near.length - 4;
  return raw(...near, ...word(relative));
}

const JMP = 0xeb;
const JNZ = 0x75;
const JB = 0x72;
const JS = 0x78;

const inOne = (nodes: readonly Node[]): Text => joined(...nodes.map(textOf));

function codeText({ piece, reference }: Code): Text {
  const bytes = [...piece.bytes];
  if (reference === undefined) return { bytes, references: [] };
  return { bytes, references: [{ at: reference.at, end: bytes.length, address: reference.address }] };
}

/** `op r13d or r14d`: the ModRM byte with an opcode extension. */
const onCounter = (opcode: number, extension: number, counter: number): number[] => [
  0x41,
  opcode,
  0xc0 | (extension << 3) | (counter & 7),
];
const setCounter = (counter: number, value: number): Text => raw(0x41, 0xb8 | (counter & 7), ...word(value));

function loopText({ form, counter, count, body }: Loop): Text {
  const inner = inOne(body);
  if (form === "loop") {
    // push rcx; body; pop rcx; loop: where that reaches, and DEC with JNZ where not.
    const back = inner.bytes.length + 4;
    const end = back <= 128 ? raw(0xe2, -back & 0xff) : joined(raw(0xff, 0xc9), jump(JNZ, -(back - 2 + 2)));
    return joined(raw(0xb9, ...word(count)), raw(0x51), inner, raw(0x59), end);
  }
  const step =
    form === "dec"
      ? raw(...onCounter(0xff, 1, counter))
      : form === "sub"
        ? raw(...onCounter(0x83, 5, counter), 1)
        : raw(...onCounter(0xff, 0, counter), ...onCounter(0x83, 7, counter), count);
  const start = setCounter(counter, form === "up" ? 0 : count);
  const back = jump(form === "up" ? JB : JNZ, -(inner.bytes.length + step.bytes.length));
  return joined(start, inner, step, back);
}

function ifText({ condition, body, otherwise }: If): Text {
  const last = inOne(otherwise);
  const skip = last === EMPTY || last.bytes.length === 0 ? EMPTY : jump(JMP, last.bytes.length);
  const inner = joined(inOne(body), skip);
  return joined(jump(0x70 | condition, inner.bytes.length), inner, last);
}

const RET = raw(0xc3);
/** `lea r12, [rip+distance]`. */
const leaR12 = (distance: number): Text => raw(0x4c, 0x8d, 0x25, ...word(distance));
const CALL_R12 = raw(0x41, 0xff, 0xd4);
const JMP_R12 = raw(0x41, 0xff, 0xe4);
const PUSH_R12 = raw(0x41, 0x54);

/** `call` to a place so many bytes before its own start. */
const callBack = (distance: number): Text => raw(0xe8, ...word(-distance - 5));

function callText({ form, count, body }: Call): Text {
  const inner = inOne(body);
  switch (form) {
    case "direct": {
      const callee = joined(inner, RET);
      return joined(jump(JMP, callee.bytes.length), callee, callBack(callee.bytes.length));
    }
    case "register": {
      const callee = joined(inner, RET);
      const back = -(callee.bytes.length + 7);
      return joined(jump(JMP, callee.bytes.length), callee, leaR12(back), CALL_R12);
    }
    case "recursive": {
      // dec r12d; js over the call; call itself; body; ret
      const head = joined(raw(...onCounter(0xff, 1, 12)), jump(JS, 5));
      const callee = joined(head, callBack(head.bytes.length), inner, RET);
      const set = setCounter(12, count);
      const back = callBack(callee.bytes.length + set.bytes.length);
      return joined(jump(JMP, callee.bytes.length), callee, set, back);
    }
    case "jump":
      // Over a byte that no processor knows, to the body.
      return joined(leaR12(JMP_R12.bytes.length + 1), JMP_R12, raw(0x06), inner);
    case "return":
      return joined(leaR12(PUSH_R12.bytes.length + 2), PUSH_R12, RET, raw(0x06), inner);
  }
}

function pushedText({ push, pop, flags, body }: Pushed): Text {
  const inner = inOne(body);
  if (flags) return joined(raw(0x9c), inner, raw(0x9d));
  const form = (base: number, register: number): Text =>
    register < 8 ? raw(base | register) : raw(0x41, base | (register & 7));
  return joined(form(0x50, push), inner, form(0x58, pop));
}

function textOf(node: Node): Text {
  switch (node.kind) {
    case "code":
      return codeText(node);
    case "group":
      return inOne(node.nodes);
    case "loop":
      return loopText(node);
    case "if":
      return ifText(node);
    case "call":
      return callText(node);
    case "pushed":
      return pushedText(node);
  }
}

/** The bytes of a program that begins at a guest address. INT3 is not among them. */
export function assemble(nodes: readonly Node[], address: number): Uint8Array {
  const { bytes, references } = inOne(nodes);
  const code = Uint8Array.from(bytes);
  for (const { at, end, address: wanted } of references) code.set(word(wanted - (address + end)), at);
  return code;
}
