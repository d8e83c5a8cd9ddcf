/** Slots of guest functions: stubs until bound, stubs again when what was bound is no longer true. */

import { beforeEach, describe, expect, test } from "vitest";
import { CacheCell } from "../../src/jit/cache/cell.ts";
import { CallTable } from "../../src/jit/call-table.ts";
import { compileModule, type WasmUnit } from "../../src/jit/emit/webassembly/compile.ts";
import { MEMORY_NAME, OP } from "../../src/jit/emit/webassembly/bytes.ts";
import { createStats } from "../../src/jit/stats.ts";
import { STATUS_GO_PREEMPTIBLE } from "../../src/jit/unit.ts";
import { address, type GuestAddress } from "../../src/mmu/address.ts";
import { CALL_CACHE_BYTE, CALL_CACHE_ENTRIES } from "../../src/mmu/layout.ts";

const MARK = 77;
/** A function that gives MARK; the slots take only WebAssembly functions. */
const FUNCTION = compileModule(
  [{ body: new Uint8Array([0, OP.i32Const, 0x80 | MARK, 0, OP.end]), relocations: [] }],
  {
    imports: () => ({ [MEMORY_NAME]: new WebAssembly.Memory({ initial: 1, maximum: 65536 }) }),
    table: false,
  },
)[0] as WasmUnit;

let words: Int32Array;
let calls: CallTable;
beforeEach(() => {
  words = new Int32Array((CALL_CACHE_BYTE >> 2) + CALL_CACHE_ENTRIES * 4);
  calls = new CallTable(words, createStats());
});

function cellAt(at: number): CacheCell {
  const cell = new CacheCell(address(at), undefined, () => null);
  cell.region = { enter: FUNCTION, pages: [], bytes: 1 };
  return cell;
}
const calling = (slot: number): number =>
  (calls.table as unknown as { get(slot: number): WasmUnit }).get(slot)(0);
/** What the call cache says of an address, as emitted code looks: the slot, or 0. */
function cached(at: number): number {
  const entry = (CALL_CACHE_BYTE >> 2) + (at % CALL_CACHE_ENTRIES) * 4;
  const hit = words[entry] === (at | 0) && words[entry + 1] === Math.floor(at / 2 ** 32);
  return hit ? (words[entry + 2] ?? 0) : 0;
}

test("a slot is a stub until its function is bound", () => {
  const slot = calls.slotOf(address(0x401000));
  expect(calling(slot)).toBe(STATUS_GO_PREEMPTIBLE);
  calls.bind(cellAt(0x401000));
  expect(calling(slot)).toBe(MARK);
  expect(calls.slotOf(address(0x401000))).toBe(slot);
});

test("computed calls find a bound function, and only under its whole address", () => {
  calls.bind(cellAt(0x401010));
  expect(cached(0x401010)).toBe(calls.slotOf(address(0x401010)));
  expect(cached(0x1_0040_1010)).toBe(0);
  expect(cached(0x401010 + CALL_CACHE_ENTRIES)).toBe(0);
  calls.bind(cellAt(0x1_0040_1010));
  expect(cached(0x401010)).toBe(0);
  expect(calling(cached(0x1_0040_1010))).toBe(MARK);
});

describe("unbindAll", () => {
  test("every slot and every place of the call cache leads to the stub", () => {
    const all = [0x401000, 0x401010, 0x401010 + CALL_CACHE_ENTRIES, 0x7fff_ffff_f000];
    for (const at of all) calls.bind(cellAt(at));
    calls.unbindAll();
    for (const at of all) {
      expect(calling(calls.slotOf(address(at)))).toBe(STATUS_GO_PREEMPTIBLE);
      expect(cached(at)).toBe(0);
    }
  });

  test("a cell is bound again under a new epoch", () => {
    const cell = cellAt(0x401000);
    calls.bind(cell);
    expect(cell.bound).toBe(calls.epoch);
    calls.unbindAll();
    expect(cell.bound).not.toBe(calls.epoch);
    calls.bind(cell);
    expect(calling(calls.slotOf(cell.address))).toBe(MARK);
  });
});

test("when all slots are taken, further functions stay stubs and the others work", () => {
  const first = cellAt(0x401000);
  calls.bind(first);
  for (let k = 1; k < 8191; k++) expect(calls.slotOf((0x500000 + k) as GuestAddress)).not.toBe(0);
  const late = cellAt(0x600000);
  expect(calls.slotOf(late.address)).toBe(0);
  calls.bind(late);
  expect(cached(0x600000)).toBe(0);
  expect([calling(0), calling(calls.slotOf(first.address))]).toEqual([STATUS_GO_PREEMPTIBLE, MARK]);
});
