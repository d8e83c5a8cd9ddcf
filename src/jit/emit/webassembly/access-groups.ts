/**
 * Accesses of a block that lie close together: same base value, constant distances. The first of them looks up the
 * page for all, so the others need no look at the TLB.
 *
 *     mov rax, [rbx+8]          t = tag entry of rbx+8;  g = rbx+8..rbx+32 on that page, allowed ? host place of rbx+8 : 0
 *                               g ? memory[g]      : full access
 *     add [rbx+24], rax         g ? memory[g + 16] : full access
 *
 * Sound within a block: what takes permissions out of a TLB (a change of the page tables, a frame that begins to hold
 * code) happens between runs, or while a called function runs, never between two instructions of a block. A refused
 * or slow access goes its usual way on its own, so faults are exact.
 */

import type { IrInstruction } from "../../ir/block.ts";
import { ACCESS_MODIFY, type OpName } from "../../ir/ops.ts";

/** Bytes from the first to behind the last access of a group: a larger window leaves its page more often. */
const MAX_SPAN = 512;

const LOADS: Partial<Record<OpName, number>> = {
  "load8.i32": 1,
  "load16.i32": 2,
  "load.i32": 4,
  "load.i64": 8,
  "load.v128": 16,
};
const STORES: Partial<Record<OpName, number>> = {
  "store8.i32": 1,
  "store16.i32": 2,
  "store.i32": 4,
  "store.i64": 8,
  "store.v128": 16,
};

/** Several accesses; distances from the base value in bytes. */
export interface AccessGroup {
  /** Value that the addresses are distances from. */
  readonly base: number;
  low: number;
  /** Behind the last byte. */
  high: number;
  writes: boolean;
  members: number;
  /** Local with the host place of `base + low`, or 0; made when the first access is emitted. */
  local: number;
}

export interface GroupedAccess {
  readonly group: AccessGroup;
  /** Distance from the group's base. */
  readonly distance: number;
}

/** The accesses that belong to groups of two or more, by the index of their operation. */
export function accessGroups(code: readonly IrInstruction[]): ReadonlyMap<number, GroupedAccess> {
  const grouped = new Map<number, GroupedAccess>();
  const open = new Map<number, AccessGroup>();
  for (const [index, { op, imm, args }] of code.entries()) {
    const bytes = LOADS[op] ?? STORES[op];
    if (bytes === undefined) continue;
    const { base, distance } = splitAddress(code, args[0] as number);
    const writes = op in STORES || ((imm[0] ?? 0) & ACCESS_MODIFY) !== 0;
    let group = open.get(base);
    if (group === undefined || !extend(group, distance, bytes)) {
      group = { base, low: distance, high: distance + bytes, writes, members: 0, local: -1 };
      open.set(base, group);
    }
    group.writes ||= writes;
    group.members++;
    grouped.set(index, { group, distance });
  }
  for (const [index, { group }] of grouped) if (group.members < 2) grouped.delete(index);
  return grouped;
}

/** Takes one more access in; false when the group would become too wide. */
function extend(group: AccessGroup, distance: number, bytes: number): boolean {
  const low = Math.min(group.low, distance);
  const high = Math.max(group.high, distance + bytes);
  if (high - low > MAX_SPAN) return false;
  group.low = low;
  group.high = high;
  return true;
}

/** An address as a value and a constant distance from it. */
function splitAddress(code: readonly IrInstruction[], address: number): { base: number; distance: number } {
  const { op, args } = code[address] as IrInstruction;
  if (op === "add.i64") {
    const [first, second] = args as [number, number];
    const distance = smallConstant(code[second] as IrInstruction);
    if (distance !== undefined) return { base: first, distance };
    const swapped = smallConstant(code[first] as IrInstruction);
    if (swapped !== undefined) return { base: second, distance: swapped };
  }
  return { base: address, distance: 0 };
}

/** A constant that fits 31 bits with its sign; others are left alone. */
function smallConstant({ op, imm }: IrInstruction): number | undefined {
  const [low = 0, high = 0] = imm;
  const small = op === "const.i64" && high === low >> 31 && Math.abs(low) < 2 ** 30;
  return small ? low : undefined;
}
