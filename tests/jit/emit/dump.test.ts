/** Dumps: readable text that still is the unit, and a source map that leads back to guest instructions. */

import { SourceMapConsumer } from "source-map";
import { expect, test } from "vitest";
import { dumpUnit } from "../../../src/jit/emit/javascript/dump.ts";
import { parseBlock } from "../../../src/jit/ir/parse.ts";
import { compileOne, createEmitted } from "./bench-machine.ts";

const emitted = createEmitted();
const block = parseBlock(`block 0x401000
  ; 0x401000 len 4
    %0 = get.i64 @128
    %1 = const.i64 1 0
    %2 = add.i64 %0 %1
    set.i64 @128 %2
  ; 0x401004 len 1
  ; 0x401005 len 3
    %4 = get.i64 @136
    %5 = load.i32 plain %4
    set.i32 @144 %5
  exit jump 0x401008 fallthrough`);
const unit = compileOne(emitted, block);
const slotName = (offset: number): string | undefined =>
  ({ 128: "rax", 136: "rcx", 144: "rdx", 148: "not a name" })[offset];

test("golden: pretty text with guest names and addresses", async () => {
  const { javascript } = await dumpUnit(unit, "guest", { slotName });
  expect(javascript).toMatchInlineSnapshot(`
    "function b_401000() {
      let rax = I[1056], rax_1 = I[1057], rcx = I[1058], rcx_1 = I[1059], rdx = I[1060], e = 0;
      const T = I[1033];
      try {
        // 0x401000
        const v1 = rax + 1 | 0;
        rax_1 = rax_1 + (v1 >>> 0 < 1 ? 1 : 0) | 0;
        rax = v1;
        // 0x401004
        // 0x401005
        const v2 = rcx_1 === 0 && ((e = I[T + (rcx >>> 12) | 0]) & 1) > (rcx & 3) ? I[e + rcx >> 2] : ld32(rcx, rcx_1, 512);
        rdx = v2;
        return (I[1032] -= 3) > 0 ? follow(4198408, 0) : stopBudget(4198408, 0, 0);
      } finally {
        I[1057] = rax_1;
        I[1056] = rax;
        I[1060] = rdx;
      }
    }"
  `);
});

test("the source map leads from each line to its guest instruction", async () => {
  const { javascript, sourceMap } = await dumpUnit(unit);
  const lines = javascript.split("\n");
  const lineOf = (text: string): number => lines.findIndex((line) => line.includes(text)) + 1;
  await SourceMapConsumer.with(sourceMap, null, (map) => {
    const guestOf = (line: number): string | null =>
      map.originalPositionFor({ line, column: (lines[line - 1] ?? "").search(/\S/) }).name;
    expect(guestOf(lineOf("r128 + 1"))).toBe("0x401000");
    expect(guestOf(lineOf("ld32"))).toBe("0x401005");
    expect(guestOf(lineOf("return"))).toBe("0x401005");
    expect(map.sourceContentFor("guest")).toBe("0x401000\n0x401004\n0x401005");
    const named = new Set<string>();
    map.eachMapping(({ name }) => named.add(name));
    expect([...named].sort()).toEqual(["0x401000", "0x401005"]);
  });
});

test("the map can point into a listing made elsewhere", async () => {
  const { sourceMap } = await dumpUnit(unit, "b_401000.txt", { firstLine: 3 });
  await SourceMapConsumer.with(sourceMap, null, (map) => {
    const places = new Set<string>();
    map.eachMapping(({ source, originalLine }) => places.add(`${source}:${originalLine}`));
    expect([...places].sort()).toEqual(["b_401000.txt:3", "b_401000.txt:5"]);
  });
});
