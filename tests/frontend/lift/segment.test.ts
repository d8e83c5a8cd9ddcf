import { expect, test } from "vitest";
import { USER_CS, USER_SS } from "../../../src/frontend/guest-state.ts";
import { STATUS_FLAGS, ZF } from "../../../src/jit/ir/flags.ts";
import { Cpu } from "../../support/asm.ts";

const OTHERS = STATUS_FLAGS & ~ZF;
const OLD = 0x1122_3344_5566_7788n;

/** Result register and ZF after `code` with a selector in RCX and the destination RAX. */
function ask(code: string, selector: number, flags = OTHERS) {
  const cpu = new Cpu().set("rax", OLD).set("rcx", BigInt(selector) | 0xffff_0000n);
  cpu.flags = flags;
  cpu.run(code);
  expect(cpu.flags & OTHERS).toBe(flags & OTHERS);
  return { rax: cpu.get("rax"), found: (cpu.flags & ZF) !== 0 };
}

/** Null, kernel segments, the local table, and beyond. */
const ABSENT = [0, 3, 0x08, 0x10, 0x1f, 0x27, 0x28, 0x33, 0xfffb];

test("lar and lsl know the user's code and data, whatever privilege the selector asks with", () => {
  for (const privilege of [0, 1, 2, 3]) {
    const data = (USER_SS & ~3) | privilege;
    const code = (USER_CS & ~3) | privilege;
    expect(ask("0f 02 c1", data)).toEqual({ rax: 0xcf_f300n, found: true });
    expect(ask("0f 02 c1", code)).toEqual({ rax: 0xaf_fb00n, found: true });
    expect(ask("48 0f 02 c1", code)).toEqual({ rax: 0xaf_fb00n, found: true });
    expect(ask("66 0f 02 c1", code)).toEqual({ rax: 0x1122_3344_5566_fb00n, found: true });
    expect(ask("0f 03 c1", data)).toEqual({ rax: 0xffff_ffffn, found: true });
    expect(ask("48 0f 03 c1", data)).toEqual({ rax: 0xffff_ffffn, found: true });
    expect(ask("66 0f 03 c1", data)).toEqual({ rax: 0x1122_3344_5566_ffffn, found: true });
  }
});

test("what is not there leaves the destination as it is and clears ZF", () => {
  for (const selector of ABSENT) {
    for (const code of ["0f 02 c1", "48 0f 02 c1", "66 0f 02 c1", "0f 03 c1", "48 0f 03 c1", "66 0f 03 c1"]) {
      expect(ask(code, selector, STATUS_FLAGS)).toEqual({ rax: OLD, found: false });
    }
  }
});

test("verr accepts both, verw the data segment alone", () => {
  expect(ask("0f 00 e1", USER_CS).found).toBe(true);
  expect(ask("0f 00 e1", USER_SS).found).toBe(true);
  expect(ask("0f 00 e9", USER_CS, STATUS_FLAGS).found).toBe(false);
  expect(ask("0f 00 e9", USER_SS).found).toBe(true);
  for (const selector of ABSENT)
    for (const code of ["0f 00 e1", "0f 00 e9"])
      expect([selector, ask(code, selector, STATUS_FLAGS).found]).toEqual([selector, false]);
});
