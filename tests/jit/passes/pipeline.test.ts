import { expect, test } from "vitest";
import { InvariantError } from "../../../src/invariant.ts";
import { parseBlock } from "../../../src/jit/ir/parse.ts";
import { DEFAULT_OPTIONS, PLAIN_OPTIONS } from "../../../src/jit/options.ts";
import { PASSES, runPasses } from "../../../src/jit/passes/pipeline.ts";

const block = parseBlock(`block 0x1000
; 0x1000 len 3
  %0 = get.i64 @128
  %1 = get.i64 @136
  %2 = flags.sub.i64 %0 %1
  set.flags %2
; 0x1003 len 2
  %4 = get.flags
  %5 = cond l %4
exit branch %5 0x1000 0x1005
`);

test("compare and branch through the whole pipeline", () => {
  const ops = runPasses(block, DEFAULT_OPTIONS, "full").code.map(({ op }) => op);
  expect(ops).toEqual(["get.i64", "get.i64", "flags.sub.i64", "set.flags", "slt.i64"]);
});

test("every pass has its switch", () => {
  expect(runPasses(block, PLAIN_OPTIONS, "full")).toBe(block);
  for (const { name, options } of PASSES) {
    for (const option of options) {
      const ran: string[] = [];
      runPasses(block, { ...PLAIN_OPTIONS, [option]: true }, "full", (pass) => ran.push(pass));
      expect(ran).toEqual(["lift", name]);
    }
  }
});

test("JIT-4 a block that is not well formed is refused before any pass, unless checks are off", () => {
  const broken = { ...block, instructions: [] };
  expect(() => runPasses(broken, DEFAULT_OPTIONS, "frugal")).toThrow(InvariantError);
  expect(() => runPasses(broken, DEFAULT_OPTIONS, "full")).toThrow(/^JIT-4 .*\(after lift\)$/);
  expect(() => runPasses(broken, DEFAULT_OPTIONS, "off")).not.toThrow();
});
