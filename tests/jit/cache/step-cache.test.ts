import { expect, test } from "vitest";
import { address, type GuestAddress } from "../../../src/mmu/address.ts";
import { StepCache } from "../../../src/jit/cache/step-cache.ts";
import { BlockBuilder, type IrExit } from "../../../src/jit/ir/block.ts";
import type { JavaScriptUnit } from "../../../src/jit/unit.ts";

const AT = address(0x401010);
const SYSCALL: IrExit = { kind: "syscall", next: AT };

/** A unit of one instruction. */
function unitOf(at: GuestAddress, length: number, exit: IrExit = SYSCALL): JavaScriptUnit {
  const builder = new BlockBuilder(at);
  builder.begin(at, length);
  const block = builder.finish(exit);
  return { run: () => null, block, instructions: block.instructions, source: "", sourceBytes: 0 };
}

const page = (value = 0): Uint8Array => new Uint8Array(4096).fill(value);

test("a step is found while its own bytes are the same, whatever stands around it", () => {
  const cache = new StepCache();
  const unit = unitOf(AT, 3);
  cache.add(unit, page());
  const other = page();
  other[0x0f] = other[0x13] = 1;
  expect(cache.find(AT, other)).toBe(unit);
  other[0x12] = 1;
  expect(cache.find(AT, other)).toBeUndefined();
  expect(cache.find(address(0x402010), page())).toBeUndefined();
});

test("an instruction that crosses the page's end is not kept, one that ends there is", () => {
  const cache = new StepCache();
  cache.add(unitOf(address(0x401ffe), 3), page());
  expect(cache.size).toBe(0);
  cache.add(unitOf(address(0x401ffe), 2), page());
  expect(cache.size).toBe(1);
});

test("an undefined encoding is not kept: later bytes may have had a say", () => {
  const cache = new StepCache();
  cache.add(unitOf(AT, 1, { kind: "fault", vector: 6, errorCode: 0, rip: AT }), page());
  expect(cache.size).toBe(0);
});

test("the number of steps is bounded", () => {
  const cache = new StepCache();
  for (let i = 0; i < 5000; i++) cache.add(unitOf(address(0x400000 + i * 4096), 1), page());
  expect(cache.size).toBeLessThanOrEqual(1024);
});
