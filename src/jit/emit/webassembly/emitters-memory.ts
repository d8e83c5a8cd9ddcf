/**
 * Guest memory. Fast path of an access of `size` bytes at the 64-bit address `a`, with lo its low half and t the tag
 * entry of its page (see `mmu/layout.ts`):
 *
 *     ((a + size - 1) | 4095) != tag of t                 above 4 GiB, across pages, not allowed
 *       ? slow path: lo, hi, size, where the guest is -> 1 when refused; values pass through scratch
 *       : memory[delta of t + lo]
 *
 * One branch per access; alignment does not matter inside a page.
 */

import {
  SCRATCH_BYTE,
  STATE_BYTE,
  TABLES_BYTE,
  TAGS_BYTE,
  TAG_DELTA,
  TAG_READ,
  TAG_SHIFT,
  TAG_WRITE,
} from "../../../mmu/layout.ts";
import { ACCESS_ALIGNED, ACCESS_MODIFY, type OpName } from "../../ir/ops.ts";
import { TABLE_WORD } from "../../ir/state.ts";
import type { AccessGroup } from "./access-groups.ts";
import type { Body } from "./body.ts";
import { NO_RESULT, OP, TYPE_I32, TYPE_I64, TYPE_V128, VECTOR, type WasmType } from "./bytes.ts";
import type { Emitter } from "./emitters.ts";
import { ACCESS_SIGNATURES, type AccessName } from "./imports.ts";

const PAGE_MASK = 4095;

export interface Access {
  readonly bytes: number;
  readonly type: WasmType;
  /** Instruction after a possible vector prefix. */
  readonly load: number;
  readonly store: number;
}

export const ACCESSES = {
  byte: { bytes: 1, type: TYPE_I32, load: OP.i32Load8, store: OP.i32Store8 },
  half: { bytes: 2, type: TYPE_I32, load: OP.i32Load16, store: OP.i32Store16 },
  word: { bytes: 4, type: TYPE_I32, load: OP.i32Load, store: OP.i32Store },
  long: { bytes: 8, type: TYPE_I64, load: OP.i64Load, store: OP.i64Store },
  vector: { bytes: 16, type: TYPE_V128, load: VECTOR.load, store: VECTOR.store },
} as const satisfies Record<string, Access>;

export function move(body: Body, { type }: Access, op: number, offset: number): void {
  if (type === TYPE_V128) body.vectorMemory(op, offset);
  else body.memory(op, offset);
}

/** Where the accessed page is: locals for the address, its low half, and the place of the page's tag entry. */
export interface Place {
  readonly address: number;
  readonly lo: number;
  readonly entry: number;
}

/** Pushes the place of the running space's tag entries, from the state block. */
export function loadTags(body: Body): void {
  body.const32(0);
  body.memory(OP.i32Load, STATE_BYTE + TABLE_WORD);
  body.const32(TAG_SHIFT);
  body.op(OP.i32Shl);
  body.const32(TAGS_BYTE - ((TABLES_BYTE >> 2) << TAG_SHIFT));
  body.op(OP.i32Add);
}

/** Puts the address into locals and looks up its page. */
function placeOf(body: Body, value: number): Place {
  const address = body.newLocal(TYPE_I64);
  body.value(value);
  body.localSet(address);
  return placeAt(body, address);
}

/** Looks up the page of the address in a local. */
export function placeAt(body: Body, address: number): Place {
  const lo = body.newLocal(TYPE_I32);
  const entry = body.newLocal(TYPE_I32);
  body.localGet(address);
  body.op(OP.i32WrapI64);
  body.localTee(lo);
  body.const32(12);
  body.op(OP.i32ShrU);
  body.const32(TAG_SHIFT);
  body.op(OP.i32Shl);
  body.pushTags();
  body.op(OP.i32Add);
  body.localSet(entry);
  return { address, lo, entry };
}

/** Pushes a number that is not zero when the access needs the slow path. */
export function pushSlow(body: Body, place: Place, bytes: number, access: number, write: boolean): void {
  body.localGet(place.entry);
  body.memory(OP.i64Load32U, write || (access & ACCESS_MODIFY) !== 0 ? TAG_WRITE : TAG_READ);
  body.localGet(place.address);
  if (bytes > 1) {
    body.const64(bytes - 1, 0);
    body.op(OP.i64Add);
  }
  body.const64(PAGE_MASK, 0);
  body.op(OP.i64Or);
  body.op(OP.i64Ne);
  if ((access & ACCESS_ALIGNED) === 0) return;
  body.localGet(place.lo);
  body.const32(bytes - 1);
  body.op(OP.i32And);
  body.op(OP.i32Or);
}

/** Pushes the host offset of the access. */
export function pushHost(body: Body, { entry, lo }: Place): void {
  body.localGet(entry);
  body.memory(OP.i32Load, TAG_DELTA);
  body.localGet(lo);
  body.op(OP.i32Add);
}

/** Calls the slow path, and leaves the function when it refuses. */
function callSlow(
  body: Body,
  name: "load" | "store" | "probe",
  place: Place,
  bytes: number,
  access: number,
): void {
  body.localGet(place.lo);
  body.localGet(place.address);
  body.highHalf();
  body.const32(bytes);
  body.pushSite(access);
  body.call(name);
  body.leaveIfRefused();
}

/** The function for an access out of line, or undefined. */
function accessName({ bytes }: Access, flags: number, write: boolean): AccessName | undefined {
  const kind = write ? "store" : (flags & ACCESS_MODIFY) !== 0 ? "modify" : "load";
  const name = `${kind}${(flags & ACCESS_ALIGNED) !== 0 ? "Aligned" : ""}${bytes * 8}`;
  return name in ACCESS_SIGNATURES ? (name as AccessName) : undefined;
}

/** Pushes what the function for an access out of line returns; leaves when it refuses. */
function callAccess(body: Body, name: AccessName, { args, flags }: Wanted): void {
  body.value(args[0] ?? 0);
  body.pushSite(flags);
  if (args[1] !== undefined) body.value(args[1]);
  body.call(name);
  body.leaveIfRefused();
}

interface Wanted {
  readonly access: Access;
  readonly args: readonly number[];
  readonly flags: number;
  readonly write: boolean;
}

/** Looks up the page for all accesses of a group. */
function openGroup(body: Body, group: AccessGroup): void {
  const { base, low, high, writes } = group;
  const address = body.newLocal(TYPE_I64);
  body.value(base);
  if (low !== 0) {
    body.const64(low, low >> 31);
    body.op(OP.i64Add);
  }
  body.localSet(address);
  const place = placeAt(body, address);
  group.local = body.newLocal(TYPE_I32);
  body.const32(0);
  pushHost(body, place);
  pushSlow(body, place, high - low, 0, writes);
  body.op(OP.select);
  body.localSet(group.local);
}

/** An access whose page the group knows: no look at the TLB. False when there is no group. */
function accessInGroup(body: Body, wanted: Wanted): boolean {
  const { access, args, flags, write } = wanted;
  const name = accessName(access, flags, write);
  if (body.grouped === undefined || name === undefined) return false;
  const { group, distance } = body.grouped;
  if (group.local < 0) openGroup(body, group);
  const offset = distance - group.low;
  let value = -1;
  if (write) {
    value = body.newLocal(access.type);
    body.value(args[1] ?? 0);
    body.localSet(value);
  }
  body.localGet(group.local);
  body.op(OP.i32Eqz);
  if ((flags & ACCESS_ALIGNED) !== 0) {
    body.localGet(group.local);
    body.const32(offset);
    body.op(OP.i32Add);
    body.const32(access.bytes - 1);
    body.op(OP.i32And);
    body.op(OP.i32Or);
  }
  body.ifUnlikely(write ? NO_RESULT : access.type);
  body.value(args[0] ?? 0);
  body.pushSite(flags);
  if (write) body.localGet(value);
  body.call(name);
  body.leaveIfRefused();
  body.op(OP.else);
  body.localGet(group.local);
  if (write) body.localGet(value);
  move(body, access, write ? access.store : access.load, offset);
  body.end();
  return true;
}

const load =
  (access: Access): Emitter =>
  (body, args, imm) => {
    const flags = imm[0] ?? 0;
    const wanted = { access, args, flags, write: false };
    const outOfLine = body.compact ? accessName(access, flags, false) : undefined;
    if (outOfLine !== undefined) {
      callAccess(body, outOfLine, wanted);
      return;
    }
    if (accessInGroup(body, wanted)) return;
    const place = placeOf(body, args[0] ?? 0);
    pushSlow(body, place, access.bytes, flags, false);
    body.ifUnlikely(access.type);
    callSlow(body, "load", place, access.bytes, flags);
    body.const32(0);
    move(body, access, access.load, SCRATCH_BYTE);
    body.op(OP.else);
    pushHost(body, place);
    move(body, access, access.load, 0);
    body.end();
  };

const store =
  (access: Access): Emitter =>
  (body, args, imm) => {
    const flags = imm[0] ?? 0;
    const wanted = { access, args, flags, write: true };
    const outOfLine = body.compact ? accessName(access, flags, true) : undefined;
    if (outOfLine !== undefined) {
      callAccess(body, outOfLine, wanted);
      return;
    }
    if (accessInGroup(body, wanted)) return;
    const place = placeOf(body, args[0] ?? 0);
    const value = body.newLocal(access.type);
    body.value(args[1] ?? 0);
    body.localSet(value);
    pushSlow(body, place, access.bytes, flags, true);
    body.ifUnlikely();
    body.const32(0);
    body.localGet(value);
    move(body, access, access.store, SCRATCH_BYTE);
    callSlow(body, "store", place, access.bytes, flags);
    body.op(OP.else);
    pushHost(body, place);
    body.localGet(value);
    move(body, access, access.store, 0);
    body.end();
  };

/** The helper takes its instructions from the budget word. */
const bulk =
  (name: "bulkStore" | "bulkCopy"): Emitter =>
  (body, args, imm) => {
    body.beforeClock();
    body.const32(imm[0] ?? 1);
    for (const value of args) {
      body.value(value);
      body.halves();
    }
    body.call(name);
    body.afterClock();
  };

export const MEMORY_EMITTERS = {
  "load8.i32": load(ACCESSES.byte),
  "load16.i32": load(ACCESSES.half),
  "load.i32": load(ACCESSES.word),
  "load.i64": load(ACCESSES.long),
  "load.v128": load(ACCESSES.vector),
  "store8.i32": store(ACCESSES.byte),
  "store16.i32": store(ACCESSES.half),
  "store.i32": store(ACCESSES.word),
  "store.i64": store(ACCESSES.long),
  "store.v128": store(ACCESSES.vector),
  "probe.write": (body, args, imm) => {
    const [flags = 0, bytes = 1] = imm;
    const place = placeOf(body, args[0] ?? 0);
    pushSlow(body, place, bytes, flags, true);
    body.ifUnlikely();
    callSlow(body, "probe", place, bytes, flags);
    body.end();
  },
  "bulk.store": bulk("bulkStore"),
  "bulk.copy": bulk("bulkCopy"),
  "fault.if": (body, args, imm) => {
    const condition = args[0] ?? 0;
    if (body.constantOf(condition) === 0) return;
    body.value(condition);
    body.ifUnlikely();
    body.const32(imm[0] ?? 0);
    body.pushSite(0);
    body.call("raise");
    body.leave();
    body.end();
  },
} as const satisfies Partial<Record<OpName, Emitter>>;
