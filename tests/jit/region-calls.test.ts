/** Computed calls in regions: found in the call cache by their whole address, or left to the engine. */

import { describe, expect, test } from "vitest";
import { RAX, RBX, RSP } from "../../src/frontend/guest-state.ts";
import { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS } from "../../src/jit/options.ts";
import { CALL_CACHE_ENTRIES } from "../../src/mmu/layout.ts";
import { bytes } from "../support/asm.ts";
import { RW } from "./cache/toy-machine.ts";
import { X86Machine } from "./x86-machine.ts";

const CODE = 0x401000;
const STACK = 0x800000;
const HOT: JitOptions = { ...DEFAULT_OPTIONS, regionEntries: 1, javascriptRegionEntries: 1 };
const REGIONS: readonly (readonly [string, JitOptions])[] = [
  ["WebAssembly", { ...HOT, tier: "wasm" }],
  ["JavaScript", { ...HOT, tier: "js" }],
];

const littleEndian = (value: number): string =>
  Array.from({ length: 8 }, (_, k) =>
    ((BigInt(value) >> BigInt(8 * k)) & 255n).toString(16).padStart(2, "0"),
  ).join(" ");
/** mov rax, target; call rax */
const call = (target: number): string => `48 b8 ${littleEndian(target)} ff d0 `;

/** mov ecx, 20; each target in turn; dec ecx; jnz; syscall */
function program(targets: readonly number[]): Uint8Array {
  const body = bytes(`${targets.map(call).join("")} ff c9`);
  return bytes(
    `b9 14 00 00 00 ${Buffer.from(body).toString("hex").replace(/../g, "$& ")}` +
      `75 ${(256 - body.length - 2).toString(16)} 0f 05`,
  );
}

/** Registers and count after three runs. */
function results(options: JitOptions, targets: readonly number[]): unknown[] {
  const m = new X86Machine(options);
  const space = m.space();
  m.map(space, STACK, m.frame(), RW);
  m.code(space, CODE, program(targets));
  for (const [k, target] of targets.entries()) {
    // add ebx, imm8; ret
    const page = new Uint8Array(4096);
    page.set(bytes(`83 c3 ${(k + 1).toString(16).padStart(2, "0")} c3`), target % 4096);
    m.code(space, target - (target % 4096), page);
  }
  const ends: unknown[] = [];
  for (let run = 0; run < 3; run++) {
    m.setGeneral(RBX, 0);
    m.setGeneral(RSP, STACK + 0x800);
    ends.push(m.run(CODE), m.generals(), m.rip, m.engine.instructions);
    expect(m.general(RBX)).toBe(20n * BigInt((targets.length * (targets.length + 1)) / 2));
  }
  if (options.regions) expect(m.engine.stats.regionsCompiled).toBeGreaterThan(0);
  return ends;
}

describe.each(REGIONS)("regions in %s", (_backEnd, shape) => {
  test.each([
    ["one target", [0x402000]],
    ["targets of different places in the cache", [0x402010, 0x403020, 0x404030]],
    ["targets that share a place in the cache", [0x402000, 0x402000 + 4 * CALL_CACHE_ENTRIES]],
    ["targets with equal low halves", [0x402000, 0x1_0040_2000, 0x7fff_0040_2000]],
  ])("%s", (_name, targets) => {
    expect(results(shape, targets)).toEqual(results(PLAIN_OPTIONS, targets));
  });

  test("a target outside the user half faults as a fetch, and one that is not mapped", () => {
    for (const [target, vector] of [
      [0x700000, 14],
      [2 ** 47, 13],
    ] as const) {
      const ends = [shape, PLAIN_OPTIONS].map((options) => {
        const m = new X86Machine(options);
        const space = m.space();
        m.map(space, STACK, m.frame(), RW);
        m.code(space, CODE, program([target]));
        m.setGeneral(RSP, STACK + 0x800);
        const exit = m.run(CODE);
        expect(exit).toMatchObject({ kind: "fault", fault: { vector } });
        expect(m.general(RAX)).toBe(BigInt(target));
        return [exit, m.generals(), m.rip, m.engine.instructions];
      });
      expect(ends[0]).toEqual(ends[1]);
    }
  });
});
