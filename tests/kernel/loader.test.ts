/** Which programs are refused beyond the parser, where an image lies, and that a failed load keeps nothing. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { buildCapSet } from "../../src/kernel/capset.ts";
import { FrameAllocator } from "../../src/kernel/frame-allocator.ts";
import { Ledger } from "../../src/kernel/ledger.ts";
import { loadProgram, planImage, planPages } from "../../src/kernel/loader.ts";
import type { ImagePlan, LoadErrorKind } from "../../src/kernel/loader.ts";
import { defaultMemoryMap } from "../../src/kernel/memory-map.ts";
import { brokenMemoryRules, brokenSharingRules } from "../../src/kernel/objects/memory-checks.ts";
import { address } from "../../src/mmu/address.ts";
import { createMmu } from "../../src/mmu/create-mmu.ts";
import { buildElf } from "../support/elf.ts";
import type { ElfPart } from "../support/elf.ts";

const TEXT: ElfPart = { vaddr: 0x20_0123, flags: 5, bytes: [0x90, 0xc3], memoryBytes: 0x80 };
const tls = (memoryBytes: number, align: number, bytes: number[] = []): ElfPart => ({
  type: "tls",
  vaddr: 0x30_0000,
  flags: 4,
  bytes,
  memoryBytes,
  align,
});

function planOf(parts: readonly ElfPart[], entry = 0x20_0123): ImagePlan {
  const result = planImage(buildElf(parts, entry));
  if (result.status !== "ok") throw new Error(result.text);
  return result.plan;
}

describe("refused images", () => {
  const RW = { flags: 6, bytes: [] };
  test.each([
    ["below the image area", { ...RW, vaddr: 0x1f_f000, memoryBytes: 0x1000 }, "segmentOutsideImageArea"],
    ["at address 0", { ...RW, vaddr: 0, memoryBytes: 0x1000 }, "segmentOutsideImageArea"],
    [
      "into the gap below the stack",
      { ...RW, vaddr: 0xfe_f000, memoryBytes: 0x1001 },
      "segmentOutsideImageArea",
    ],
    ["high above everything", { ...RW, vaddr: 0x7fff_0000_0000, memoryBytes: 1 }, "segmentOutsideImageArea"],
    ["on the stack", { ...RW, vaddr: 0x100_f000, memoryBytes: 0x1000 }, "segmentOverlapsFixedPages"],
    ["on the TLS region", { ...RW, vaddr: 0x11f_f000, memoryBytes: 1 }, "segmentOverlapsFixedPages"],
    ["on the ring page", { ...RW, vaddr: 0x120_0000, memoryBytes: 1 }, "segmentOverlapsFixedPages"],
    [
      "on the CapSet page",
      { ...RW, vaddr: 0x130_0fff, memoryBytes: 1, align: 0 },
      "segmentOverlapsFixedPages",
    ],
    ["over all of it", { ...RW, vaddr: 0x40_0000, memoryBytes: 2 ** 46 }, "segmentOverlapsFixedPages"],
    [
      "writable and executable",
      { ...RW, flags: 7, vaddr: 0x40_0000, memoryBytes: 1 },
      "segmentWritableAndExecutable",
    ],
    ["without read", { ...RW, flags: 2, vaddr: 0x40_0000, memoryBytes: 1 }, "segmentNotReadable"],
  ] as const)("a segment %s", (_name, part, kind) => {
    const result = planImage(buildElf([TEXT, part], 0x20_0123));
    expect(result).toMatchObject({ status: "refused", kind });
    expect((result as { text: string }).text).toMatch(/^segment 1 \(0x[0-9a-f]+\.\.0x[0-9a-f]+\) /);
  });

  test("each says with what and where", () => {
    const text = (part: ElfPart): string =>
      (planImage(buildElf([TEXT, part], 0x20_0123)) as { text: string }).text;
    expect(text({ ...RW, vaddr: 0x100_f000, memoryBytes: 0x1000 })).toBe(
      "segment 1 (0x100f000..0x1010000) overlaps the stack (0x1000000..0x1010000)",
    );
    expect(text({ ...RW, vaddr: 0xfe_f000, memoryBytes: 0x1001 })).toBe(
      "segment 1 (0xfef000..0xff0001) is outside the image area 0x200000..0xff0000",
    );
  });

  test.each([
    [0x10_0000, 1],
    [0xf_fff9, 8],
    [1, 2 ** 20],
    [1, 2 ** 63],
  ])("TLS of %i bytes aligned to %i does not fit", (memoryBytes, align) => {
    expect(planImage(buildElf([TEXT, tls(memoryBytes, align)], 0x20_0123))).toMatchObject({
      status: "refused",
      kind: "tlsTooLarge",
    });
  });

  test("a refusal of the parser passes through", () => {
    expect(planImage(new Uint8Array(3))).toMatchObject({ status: "refused", kind: "fileTooSmall" });
  });

  test("a segment without memory maps nothing, wherever it is and whatever its flags say", () => {
    const plan = planOf([TEXT, { vaddr: 0x120_0000, flags: 7, bytes: [], memoryBytes: 0 }]);
    expect(plan.regions.map(({ mapping }) => mapping)).toEqual(["image segment 0", "stack"]);
  });
});

/** Kind of refusal per file of `guests/out`; a `bad-` file without a row here fails. */
const BAD_GUESTS: Readonly<Record<string, LoadErrorKind>> = {
  "bad-class.elf": "notElf64",
  "bad-entry.elf": "entryNotExecutable",
  "bad-filesz.elf": "segmentFileOutOfBounds",
  "bad-kernel.elf": "segmentOutsideUserHalf",
  "bad-machine.elf": "notX86_64",
  "bad-magic.elf": "badMagic",
  "bad-null.elf": "segmentOutsideImageArea",
  "bad-offset.elf": "segmentPageOffsetMismatch",
  "bad-overlap.elf": "overlappingSegments",
  "bad-ring.elf": "segmentOverlapsFixedPages",
  "bad-stack.elf": "segmentOverlapsFixedPages",
  "bad-truncated.elf": "programHeadersOutOfBounds",
  "bad-type.elf": "notExecutable",
  "bad-unreadable.elf": "segmentNotReadable",
  "bad-wx.elf": "segmentWritableAndExecutable",
};

describe("built guests", () => {
  const folder = new URL("../../guests/out/", import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith(".elf"));

  test.each(files)("%s", (name) => {
    const result = planImage(readFileSync(new URL(name, folder)));
    if (name.startsWith("bad-")) expect(result).toMatchObject({ status: "refused", kind: BAD_GUESTS[name] });
    else expect(result.status).toBe("ok");
  });

  test("every kind of bad image is among them", () => {
    expect(files).toEqual(expect.arrayContaining(Object.keys(BAD_GUESTS)));
  });
});

describe("TLS", () => {
  test.each([
    [8, 8, 0x110_0010, 0x110_0008],
    [0x18, 8, 0x110_0020, 0x110_0008],
    [1, 0, 0x110_0010, 0x110_000f],
    [0x21, 0x40, 0x110_0040, 0x110_0000],
    [0x1000, 0x1000, 0x110_1000, 0x110_0000],
    [0xf_fff0, 1, 0x11f_fff0, 0x110_0000],
  ])(
    "of %i bytes aligned to %i: the block ends at the thread pointer",
    (memoryBytes, align, pointer, start) => {
      const plan = planOf([TEXT, tls(memoryBytes, align, [1])]);
      expect(plan.fsBase).toBe(pointer);
      const region = plan.regions.find(({ mapping }) => mapping === "TLS");
      expect(region?.contents.map(({ at }) => at)).toEqual([start, pointer]);
      expect(region?.first).toBe(0x1100);
      expect(region?.count).toBe(Math.ceil((pointer + 8) / 4096) - 0x1100);
    },
  );

  test("an all-zero header means no TLS", () => {
    const plan = planOf([TEXT, { type: "tls", vaddr: 0, flags: 4, bytes: [], memoryBytes: 0, align: 0 }]);
    expect(plan.fsBase).toBe(0);
    expect(plan.regions.some(({ mapping }) => mapping === "TLS")).toBe(false);
  });
});

function machine(ramBytes = 2 << 20) {
  const mmu = createMmu({ ramBytes, checks: "full" });
  const frames = new FrameAllocator(mmu, defaultMemoryMap(ramBytes));
  return { mmu, frames, ledger: new Ledger(), free: frames.freeCount };
}

const PARTS: readonly ElfPart[] = [
  TEXT,
  { vaddr: 0x20_1000, flags: 4, bytes: [7], memoryBytes: 1 },
  { vaddr: 0x20_2ffe, flags: 6, bytes: [1, 2, 3, 4], memoryBytes: 0x3000 },
  tls(0x18, 8, [9]),
];

function capSetPage(): Uint8Array {
  const built = buildCapSet([{ name: "console", capId: 0, interfaceId: 1n }]);
  if (built.status !== "ok") throw new Error(built.text);
  return built.page;
}

describe("a loaded program", () => {
  const parts = machine();
  const plan = planOf(PARTS);
  const loaded = loadProgram(parts, plan, capSetPage());
  if (loaded.status !== "ok") throw new Error(loaded.text);
  const { memory } = loaded;
  const bytesAt = (at: number, length: number): number[] => {
    const into = new Uint8Array(length);
    expect(memory.space.peek(address(at), into)).toBe(true);
    return [...into];
  };

  test("has its bytes where the file says, and zeros around them", () => {
    expect(bytesAt(0x20_0120, 8)).toEqual([0, 0, 0, 0x90, 0xc3, 0, 0, 0]);
    expect(bytesAt(0x20_2ffc, 8)).toEqual([0, 0, 1, 2, 3, 4, 0, 0]);
    expect(bytesAt(0x110_0008, 9)).toEqual([9, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(new DataView(Uint8Array.from(bytesAt(plan.fsBase, 8)).buffer).getBigUint64(0, true)).toBe(
      BigInt(plan.fsBase),
    );
    expect(bytesAt(plan.stackPointer, 8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(new TextDecoder().decode(Uint8Array.from(bytesAt(0x130_0000, 8)))).toBe("capsetv1");
  });

  test("has a stack pointer as after a call", () => {
    expect(plan.stackPointer % 16).toBe(8);
    expect(plan.stackPointer).toBe(0x100_fff8);
  });

  test("has exactly these pages, for these reasons", () => {
    expect([...memory.layout()].map((l) => [l.first, l.count, l.mapping, l.protection, l.by])).toEqual([
      [0x200, 1, "image segment 0", "rx", "loader: segment 0 R-X"],
      [0x201, 1, "image segment 1", "r", "loader: segment 1 R--"],
      [0x202, 4, "image segment 2", "rw", "loader: segment 2 RW-"],
      [0x1000, 16, "stack", "rw", "loader: stack RW-"],
      [0x1100, 1, "TLS", "rw", "loader: TLS RW-"],
      [0x1200, 1, "ring", "rw", "loader: ring RW-"],
      [0x1300, 1, "CapSet", "r", "loader: CapSet R--"],
    ]);
    expect([...memory.space.entries()]).toHaveLength(planPages(plan) + 2);
    expect(memory.space.check(address(0x130_0000), 1, "write")).toBeDefined();
    expect(memory.space.check(address(0xff_ffff), 1, "read")).toBeDefined();
    expect(memory.space.check(address(0x101_0000), 1, "read")).toBeDefined();
  });

  test("is charged for none of them, and breaks no rule", () => {
    expect(memory.charges()).toEqual({ frameGrantPages: 0, virtualReservationPages: 0 });
    expect(brokenMemoryRules(memory)).toEqual([]);
    const usedAtStart = parts.frames.frameCount - parts.free;
    expect(
      brokenSharingRules({ frames: parts.frames, usedAtStart, memories: [memory], objects: [] }),
    ).toEqual([]);
  });

  test("gives everything back", () => {
    memory.teardown();
    expect(parts.frames.freeCount).toBe(parts.free);
    expect(parts.mmu.brokenRules()).toEqual([]);
  });
});

test("a load that runs out of frames keeps nothing, wherever it runs out", () => {
  const plan = planOf(PARTS);
  const parts = machine();
  const whole = loadProgram(parts, plan, capSetPage());
  if (whole.status !== "ok") throw new Error(whole.text);
  const needed = parts.free - parts.frames.freeCount;
  whole.memory.teardown();
  const hoard = parts.frames.allocateMany(parts.frames.freeCount) ?? [];
  const texts = new Set<string>();
  for (let left = 0; left < needed; left++) {
    expect(parts.frames.freeCount).toBe(left);
    const result = loadProgram(parts, plan, capSetPage());
    if (result.status === "ok") throw new Error("loaded with too few frames");
    expect(result.status).toBe("overloaded");
    texts.add(result.text.replace(/\d+ pages/, "n pages"));
    expect(parts.frames.freeCount).toBe(left);
    parts.frames.free(hoard.pop() ?? never());
  }
  expect(texts.size).toBeGreaterThan(5);
  expect([...texts]).toContain("CapSet: no frames left for n pages");
  expect(loadProgram(parts, plan, capSetPage()).status).toBe("ok");
  expect(parts.mmu.brokenRules()).toEqual([]);
});

function never(): never {
  throw new Error("the hoard is empty");
}
