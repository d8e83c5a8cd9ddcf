import { expect, test } from "vitest";
import * as ops from "../../src/jit/ir/ops.ts";
import { TABLE_WORD } from "../../src/jit/ir/state.ts";
import * as layout from "../../src/mmu/layout.ts";

test("the table pointer is the word that the engine's state layout names", () => {
  expect(layout.TABLE_POINTER_WORD * 4).toBe(layout.STATE_BYTE + TABLE_WORD);
});

test("the access flags are those of the IR", () => {
  expect([layout.ACCESS_MODIFY, layout.ACCESS_STACK, layout.ACCESS_ALIGNED]).toEqual([
    ops.ACCESS_MODIFY,
    ops.ACCESS_STACK,
    ops.ACCESS_ALIGNED,
  ]);
});

test("the parts of linear memory follow each other and offsets stay positive int32 values", () => {
  const starts = [
    layout.STATE_BYTE,
    layout.SCRATCH_BYTE,
    layout.TABLES_BYTE,
    layout.TAGS_BYTE,
    layout.FRAMES_BYTE,
  ];
  expect(starts).toEqual([...starts].sort((a, b) => a - b));
  expect(layout.SCRATCH_BYTE).toBe(layout.STATE_BYTE + layout.STATE_BYTES);
  expect(layout.SCRATCH_BYTE + 16).toBeLessThanOrEqual(layout.TABLES_BYTE);
  expect(layout.FRAMES_BYTE + layout.MAX_RAM_BYTES + layout.KERNEL_FRAMES * 4096).toBe(2 ** 31);
});
