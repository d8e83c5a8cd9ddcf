/**
 * KER-32  Guest memory is read and written by the kernel through one door: `guest-memory.ts` checks an address that a
 * guest named and copies once, under the guard of its address space. The few places that touch frames of the kernel's
 * own making are listed with their reason. The ground truth is the source.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const KERNEL = resolve(import.meta.dirname, "../../src/kernel");
const DOOR = "guest-memory.ts";

/** What reaches guest bytes, and who may use it beside the door. */
const REACHES: readonly { readonly what: RegExp; readonly allowed: Readonly<Record<string, string>> }[] = [
  { what: /\bspace\.copy(?:In|Out)\(/, allowed: {} },
  { what: /\bspace\.(?:peek|poke)\(/, allowed: {} },
  {
    what: /\.frameBytes\(/,
    allowed: {
      "kernel.ts": "the ring page, by its frame, when its thread starts",
      "frame-allocator.ts": "the frames of the bitmap itself",
    },
  },
  {
    what: /\bmmu\.(?:bytes|words|view|memory)\b/,
    allowed: {
      "objects/page-frames.ts": "fills frames before a program can see them",
      "frame-allocator.ts": "the bitmap spans frames of its own",
    },
  },
];

export function brokenDoorRules(file: string, text: string): string[] {
  if (file === DOOR) return [];
  return REACHES.filter(({ what, allowed }) => what.test(text) && !(file in allowed)).map(
    ({ what }) => `KER-32 ${file} reaches guest memory by ${what.source}`,
  );
}

const files = readdirSync(KERNEL, { recursive: true, encoding: "utf8" })
  .map((name) => name.replaceAll("\\", "/"))
  .filter(
    (name) => name.endsWith(".ts") && !name.startsWith("schema/") && !/^invariants|memory-checks/.test(name),
  );

test("the kernel reaches guest memory through one door", () => {
  expect(files.length).toBeGreaterThan(40);
  expect(files.flatMap((file) => brokenDoorRules(file, readFileSync(join(KERNEL, file), "utf8")))).toEqual(
    [],
  );
});

test("every exception is needed", () => {
  for (const { what, allowed } of REACHES) {
    for (const file of Object.keys(allowed)) expect(readFileSync(join(KERNEL, file), "utf8")).toMatch(what);
  }
});

test("KER-32 notices another door", () => {
  for (const text of [
    "process.memory.space.copyIn(at, 4)",
    "space.poke(at, bytes)",
    "mmu.frameBytes(1)",
    "mmu.view",
  ]) {
    expect(brokenDoorRules("caps/new.ts", text)).toHaveLength(1);
    expect(brokenDoorRules(DOOR, text)).toEqual([]);
  }
});
