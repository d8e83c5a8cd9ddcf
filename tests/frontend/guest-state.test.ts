import { expect, test } from "vitest";
import {
  composeRflags,
  GUEST_STATE_END,
  INITIAL_WORDS,
  REGISTERS,
  slotName,
} from "../../src/frontend/guest-state.ts";
import { GUEST_STATE } from "../../src/jit/ir/state.ts";
import { STATE_BYTES } from "../../src/mmu/layout.ts";

test("registers do not overlap, are aligned and lie inside the guest part of the state block", () => {
  const owners = new Map<number, string>();
  for (const [name, { offset, bytes }] of Object.entries(REGISTERS)) {
    expect(offset % bytes).toBe(0);
    if (name !== "rip") expect(offset).toBeGreaterThanOrEqual(GUEST_STATE);
    expect(offset + bytes).toBeLessThanOrEqual(GUEST_STATE_END);
    for (let byte = offset; byte < offset + bytes; byte++) {
      expect(owners.get(byte)).toBeUndefined();
      owners.set(byte, name);
    }
  }
  expect(GUEST_STATE_END).toBeLessThanOrEqual(STATE_BYTES);
  expect(Object.keys(REGISTERS)).toHaveLength(1 + 16 + 2 + 10 + 16 + 8);
});

test("slots print as the registers they hold", () => {
  for (const [name, { offset }] of Object.entries(REGISTERS)) expect(slotName(offset)).toBe(name);
  expect(slotName(GUEST_STATE + 4)).toBe("rax.high");
  expect(slotName(GUEST_STATE_END)).toBe(`state+${GUEST_STATE_END}`);
});

test("power-up values", () => {
  const values = new Map(INITIAL_WORDS);
  expect(values.get(REGISTERS["mxcsr"]?.offset ?? -1)).toBe(0x1f80);
  expect(values.get(REGISTERS["fcw"]?.offset ?? -1)).toBe(0x37f);
  expect(composeRflags(0x45, 0x400, 0x20_0000)).toBe(0x20_0647);
});
