/**
 * JIT-6: emitted code holds nothing but what the emitters are meant to write. The text is parsed again by a
 * parser that is not ours, and every node of the tree must be on the list below: its kind, its operator, its
 * names. A string, a property of an unknown object, a call to an unknown function or a loop with a condition is
 * refused, however it came there.
 *
 * The parser is loaded at the first audit: a run without checks never pays for it.
 */

import { createRequire } from "node:module";
import type * as Acorn from "acorn";
import { FIXED_NAMES, HELPER_NAMES } from "./helper-names.ts";

type Node = Acorn.AnyNode;
type Verdict = string | undefined;

let acorn: typeof Acorn | undefined;
const parser = (): typeof Acorn => (acorn ??= createRequire(import.meta.url)("acorn") as typeof Acorn);

const HELPERS: ReadonlySet<string> = new Set(HELPER_NAMES);
const FIXED: ReadonlySet<string> = new Set(FIXED_NAMES);
/** v7 value, r128 state word, c3 cell, b_401000 and region_401000 units. */
const OWN_NAME = /^(?:[vrc]\d+|b_[0-9a-f]+(?:_\d+)?|region_[0-9a-f]+)$/;
/** l3 block, h3 loop, the loop around the switch. */
const LABEL = /^(?:[lh]\d+|again)$/;
const VIEWS: ReadonlySet<string> = new Set(["I", "W", "B"]);
const ARRAYS: ReadonlySet<string> = new Set(["I", "W", "B", "C", "U"]);
const COMMENT = /^# sourceURL=capjit:\/\/(?:b|region)_[0-9a-f]+\.js$/;

const BINARY = new Set([
  "+", "-", "&", "|", "^", "<<", ">>", ">>>", "===", "!==", "<", "<=", ">", ">=",
]); // prettier-ignore
const UNARY = new Set(["-", "~", "!"]);
const ASSIGNMENT = new Set(["=", "-="]);

const fine = (): Verdict => undefined;
const unless = (holds: boolean, complaint: string): Verdict => (holds ? undefined : complaint);

const nameOf = (node: Node | null | undefined): string => (node?.type === "Identifier" ? node.name : "");

/** A name that may stand anywhere: of a value, a word, a cell, a unit, a helper or a view. */
const isKnownName = (name: string): boolean => OWN_NAME.test(name) || HELPERS.has(name) || FIXED.has(name);

function judgeMember(node: Acorn.MemberExpression): Verdict {
  const object = nameOf(node.object);
  if (node.optional === true) return "optional access";
  if (node.computed) return unless(ARRAYS.has(object), `element of ${object || node.object.type}`);
  const property = nameOf(node.property);
  const isHelper = object === "H" && HELPERS.has(property);
  const isRunOfCell = /^c\d+$/.test(object) && property === "run";
  return unless(isHelper || isRunOfCell, `property of ${object || node.object.type}`);
}

function judgeTarget(node: Node): Verdict {
  if (node.type === "MemberExpression") {
    return unless(node.computed && VIEWS.has(nameOf(node.object)), "assignment to a property");
  }
  return unless(/^(?:[vr]\d+|[enkdq])$/.test(nameOf(node)), `assignment to ${nameOf(node) || node.type}`);
}

function judgeFunction(node: Acorn.Function): Verdict {
  if (node.async || node.generator) return "a function that can wait";
  return unless(
    node.params.every((param) => /^r\d+$/.test(nameOf(param))),
    "a parameter that is no state word",
  );
}

/** A helper, or what a cell runs. */
function judgeCall({ optional, callee, arguments: args }: Acorn.CallExpression): Verdict {
  const isRun =
    callee.type === "MemberExpression" && /^c\d+$/.test(nameOf(callee.object)) && args.length === 0;
  return unless(
    !optional && (isRun || HELPERS.has(nameOf(callee))),
    `a call of ${nameOf(callee) || callee.type}`,
  );
}

/** Node kinds that may occur, each with what must hold. */
const JUDGES: { readonly [K in Node["type"]]?: (node: Extract<Node, { type: K }>) => Verdict } = {
  Program: fine,
  BlockStatement: fine,
  IfStatement: fine,
  ReturnStatement: fine,
  TryStatement: fine,
  CatchClause: (node) => unless(nameOf(node.param) === "x", "a catch clause with another name"),
  ThrowStatement: (node) =>
    unless(nameOf(node.argument) === "x", "a throw of something else than what was caught"),
  VariableDeclarator: (node) => unless(node.id.type === "Identifier", "a destructuring"),
  FunctionDeclaration: judgeFunction,
  FunctionExpression: judgeFunction,
  ConditionalExpression: fine,
  Identifier: (node) => unless(isKnownName(node.name), `the name ${node.name}`),
  MemberExpression: judgeMember,
  VariableDeclaration: (node) => unless(node.kind !== "var", "var"),
  ExpressionStatement: (node) =>
    unless(node.directive === undefined || node.directive === "use strict", "a directive"),
  ForStatement: (node) => unless(!node.init && !node.test && !node.update, "a loop with a head"),
  LabeledStatement: fine,
  ContinueStatement: fine,
  BreakStatement: (node) => unless(node.label !== null, "a break without a label"),
  SwitchStatement: (node) =>
    unless(nameOf(node.discriminant) === "k", "a switch over something else than entries"),
  SwitchCase: (node) => unless(node.test?.type === "Literal", "a case without a number"),
  AssignmentExpression: (node) =>
    ASSIGNMENT.has(node.operator) ? judgeTarget(node.left) : `the operator ${node.operator}`,
  BinaryExpression: (node) => unless(BINARY.has(node.operator), `the operator ${node.operator}`),
  LogicalExpression: (node) => unless(node.operator !== "??", `the operator ${node.operator}`),
  UnaryExpression: (node) => unless(UNARY.has(node.operator), `the operator ${node.operator}`),
  CallExpression: judgeCall,
  ArrayExpression: (node) =>
    unless(
      node.elements.every((element) => /^(?:b|region)_/.test(nameOf(element))),
      "an array of something else than units",
    ),
  Literal: (node) =>
    unless(
      typeof node.value === "boolean" ||
        node.raw === "null" ||
        Number.isSafeInteger(node.value) ||
        node.value === "use strict",
      `the literal ${String(node.raw)}`,
    ),
};

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";

/** What is wrong with emitted text, each line beginning with JIT-6; empty when nothing is. */
export function auditSource(source: string): string[] {
  const broken: string[] = [];
  const report = (at: number, what: string): void => {
    broken.push(`JIT-6 emitted code holds ${what}, at ${JSON.stringify(source.slice(at, at + 40))}`);
  };
  let tree: Node;
  try {
    tree = parser().parse(source, {
      ecmaVersion: 2022,
      allowReturnOutsideFunction: true,
      onComment: (_block, text, start) => {
        if (!COMMENT.test(text)) report(start, "a comment");
      },
    });
  } catch (cause) {
    return [`JIT-6 emitted code does not parse: ${cause instanceof Error ? cause.message : String(cause)}`];
  }
  const open: Node[] = [tree];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const judge = JUDGES[node.type] as ((node: Node) => Verdict) | undefined;
    const verdict = judge === undefined ? node.type : judge(node);
    if (verdict !== undefined) report(node.start, verdict);
    for (const [key, child] of Object.entries(node) as [string, unknown][]) {
      // Judged with the member expression.
      if (key === "property" && node.type === "MemberExpression" && !node.computed) continue;
      if (key === "label" && isNode(child)) {
        if (!LABEL.test(nameOf(child))) report(child.start, `the label ${nameOf(child)}`);
        continue;
      }
      if (Array.isArray(child)) open.push(...child.filter(isNode));
      else if (isNode(child)) open.push(child);
    }
  }
  return broken;
}
