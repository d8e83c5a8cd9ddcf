/** Accesses that look into the TLB once: which belong together, and that results and faults stay those of single ones. */

import { describe, expect, test } from "vitest";
import { createCpu } from "../../src/cpu.ts";
import { accessGroups } from "../../src/jit/emit/webassembly/access-groups.ts";
import { parseBlock } from "../../src/jit/ir/parse.ts";
import { type JitOptions, PLAIN_OPTIONS } from "../../src/jit/options.ts";

/** What belongs together: the distances of each group from its base, in the order of the accesses. */
function groupsIn(body: string): number[][] {
  const { code } = parseBlock(`block 0x1000\n; 0x1000 len 1\n${body}\nexit syscall 0x1001`);
  const groups = new Map<unknown, number[]>();
  for (const { group, distance } of accessGroups(code).values()) {
    groups.set(group, [...(groups.get(group) ?? []), distance]);
  }
  return [...groups.values()];
}

describe("which accesses belong together", () => {
  test("constant distances from the same value", () => {
    expect(
      groupsIn(`%b = get.i64 @128
      %c = get.i64 @136
      %8 = const.i64 8 0
      %m = const.i64 -16 -1
      %x = add.i64 %b %8
      %y = add.i64 %m %b
      %z = add.i64 %c %8
      %1 = load.i64 plain %x
      %2 = load.i64 plain %z
      store.i64 plain %y %1
      store.i64 plain %b %2`),
    ).toEqual([[8, -16, 0]]);
  });

  test("not what lies far away", () => {
    expect(
      groupsIn(`%b = get.i64 @128
      %8 = const.i64 505 0
      %x = add.i64 %b %8
      %1 = load.i64 plain %b
      %2 = load.i64 plain %x`),
    ).toEqual([]);
  });
});

const CODE = 0x400000n;
const DATA = 0x600000n;
const PAGE = 4096n;
/** again: mov rax, [rbx+8]; add rax, rcx; mov [rbx+16], rax; mov [rbx+24], ecx; sub edx, 1; jnz again; syscall */
const PROGRAM = Uint8Array.of(
  ...[0x48, 0x8b, 0x43, 0x08, 0x48, 0x01, 0xc8, 0x48, 0x89, 0x43, 0x10, 0x89, 0x4b, 0x18],
  ...[0x83, 0xea, 0x01, 0x75, 0xed, 0x0f, 0x05],
);

type Prot = Parameters<ReturnType<typeof createCpu>["map"]>[2];

/** Makes the loop hot on the first page, then runs it at `at`, where the second page may be something else. */
function outcome(jit: Partial<JitOptions>, at: bigint, second: Prot | undefined) {
  const cpu = createCpu({ tier: jit.tier ?? "wasm", checks: "full", jit });
  cpu.map(CODE, 4096, "rx");
  cpu.write(CODE, PROGRAM);
  cpu.map(DATA, 4096, "rw");
  if (second !== undefined) cpu.map(DATA + PAGE, 4096, second);
  const exits = [DATA, at].map((rbx) => {
    for (const [register, value] of [
      ["rip", CODE],
      ["rbx", rbx],
      ["rcx", 0x11n],
      ["rdx", 40n],
    ] as const) {
      cpu.set(register, value);
    }
    return cpu.run({ maxInstructions: 10_000 });
  });
  const registers = (["rax", "rbx", "rcx", "rdx", "rip", "rflags"] as const).map((name) => cpu.get(name));
  const bytes = second === undefined ? 4096 : 8192;
  return { exits, registers, memory: cpu.read(DATA, bytes) };
}

describe("results and faults are those of single accesses", () => {
  const cases: [string, bigint, Prot | undefined, string][] = [
    ["inside a page", DATA + 64n, "rw", "syscall"],
    ["at the end of a page", DATA + PAGE - 28n, undefined, "syscall"],
    ["an access across pages", DATA + PAGE - 20n, "rw", "syscall"],
    ["the second access on a page that is not there", DATA + PAGE - 16n, undefined, "fault"],
    ["the second access on a page that is read-only", DATA + PAGE - 16n, "r", "fault"],
    ["the last access reaches a page that is not there", DATA + PAGE - 26n, undefined, "fault"],
    ["all on a page that is not accessible", DATA + PAGE, "none", "fault"],
    ["read from a page that must not be written", DATA + PAGE + 8n, "r", "fault"],
    ["above 4 GiB", 1n << 40n, "rw", "fault"],
  ];
  test.each(cases)("%s", (_name, at, second, kind) => {
    const grouped = outcome({ regionEntries: 1 }, at, second);
    expect(grouped.exits.map((exit) => exit.kind)).toEqual(["syscall", kind]);
    expect(outcome({ regionEntries: 1, accessGrouping: false }, at, second)).toEqual(grouped);
    expect(outcome(PLAIN_OPTIONS, at, second)).toEqual(grouped);
  });
});
