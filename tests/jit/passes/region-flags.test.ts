/** Conditions on flags that another block of the region sets. */

import { describe, expect, test } from "vitest";
import type { IrBlock } from "../../../src/jit/ir/block.ts";
import { CONDITIONS } from "../../../src/jit/ir/flags.ts";
import { parseBlock } from "../../../src/jit/ir/parse.ts";
import { printBlock } from "../../../src/jit/ir/print.ts";
import { verify } from "../../../src/jit/ir/verify.ts";
import { lowerRegionFlags } from "../../../src/jit/passes/region-flags.ts";
import { runBlock, SimpleMemory, STATE_BYTES } from "../../support/evaluator.ts";

const block = (at: number, body: string, exit: string): IrBlock =>
  parseBlock(`block 0x${at.toString(16)}\n; 0x${at.toString(16)} len 1\n${body}\nexit ${exit}`);

/** `cmp` of two 64-bit slots; goes on at two addresses. */
const compare = (at: number, taken: number, notTaken: number, flags = "flags.sub.i64 %a %b"): IrBlock =>
  block(
    at,
    `%a = get.i64 @128
     %b = get.i64 @136
     %f = ${flags}
     set.flags %f
     %z = eq.i64 %a %b`,
    `branch %z 0x${taken.toString(16)} 0x${notTaken.toString(16)}`,
  );

/** Asks one condition of the flags it finds. */
const ask = (at: number, condition: string): IrBlock =>
  block(
    at,
    `%f = get.flags
     %c = cond ${condition} %f`,
    "branch %c 0x9000 0x9001",
  );

const lower = (...blocks: readonly IrBlock[]): readonly IrBlock[] => {
  for (const one of blocks) expect(verify(one)).toEqual([]);
  const lowered = lowerRegionFlags({ blocks, entries: [0], returns: true }).blocks;
  for (const one of lowered) expect(verify(one)).toEqual([]);
  return lowered;
};

const opsOf = ({ code }: IrBlock): string[] => code.map(({ op }) => op);

describe("made concrete", () => {
  test("cmp in one block, jl and je in the two behind it", () => {
    const [first, less, equal] = lower(compare(0x1000, 0x2000, 0x3000), ask(0x2000, "l"), ask(0x3000, "z"));
    expect(opsOf(first as IrBlock)).toContain("set.flags");
    expect(opsOf(less as IrBlock)).toContain("slt.i64");
    expect(opsOf(equal as IrBlock)).toContain("eq.i64");
    for (const asker of [less, equal]) expect(opsOf(asker as IrBlock)).not.toContain("cond");
  });

  test("through a block that leaves the flags alone", () => {
    const through = block(0x2000, "%a = get.i64 @128\nset.i64 @144 %a", "jump 0x3000 jump");
    const asker = lower(compare(0x1000, 0x2000, 0x3000), through, ask(0x3000, "b"))[2] as IrBlock;
    expect(opsOf(asker)).not.toContain("cond");
  });

  test("around a loop whose every way in compares", () => {
    const again = compare(0x2000, 0x2000, 0x3000);
    const asker = lower(compare(0x1000, 0x2000, 0x3000), again, ask(0x3000, "g"))[2] as IrBlock;
    expect(opsOf(asker)).not.toContain("cond");
  });

  test("the flags as bits", () => {
    const asker = block(0x2000, "%f = get.flags\n%b = bits.flags %f\nset.i32 @144 %b", "jump 0x9000 jump");
    const [, lowered] = lower(compare(0x1000, 0x2000, 0x2000), asker);
    expect(opsOf(lowered as IrBlock)).not.toContain("bits.flags");
  });
});

describe("left alone", () => {
  const untouched = (index: number, ...blocks: readonly IrBlock[]): void => {
    const lowered = lower(...blocks)[index] as IrBlock;
    expect(printBlock(lowered)).toBe(printBlock(blocks[index] as IrBlock));
  };

  test("flags that the region's caller set", () => {
    untouched(0, ask(0x1000, "z"));
    untouched(0, block(0x1000, "%f = get.flags\n%c = cond z %f", "branch %c 0x1000 0x2000"));
  });

  test("an entry that is also reached from inside", () => {
    const entry = block(0x1000, "%f = get.flags\n%c = cond z %f", "branch %c 0x2000 0x9000");
    untouched(0, entry, compare(0x2000, 0x1000, 0x9000));
  });

  test("two kinds that meet", () => {
    const other = compare(0x2000, 0x3000, 0x3000, "flags.logic.i64 %a");
    untouched(2, compare(0x1000, 0x2000, 0x3000), other, ask(0x3000, "z"));
  });

  test("two widths of one kind that meet", () => {
    const narrow = block(
      0x2000,
      `%a = get.i32 @128
       %f = flags.sub.i32 32 %a %a
       set.flags %f`,
      "jump 0x3000 jump",
    );
    untouched(2, compare(0x1000, 0x2000, 0x3000), narrow, ask(0x3000, "z"));
  });

  test("what a called function returned with", () => {
    const call = (exit: string): IrBlock =>
      block(
        0x1000,
        `%a = get.i64 @128
         %f = flags.sub.i64 %a %a
         set.flags %f`,
        exit,
      );
    untouched(1, call("jump 0x5000 call return-to 0x2000"), ask(0x2000, "z"));
    untouched(1, call("indirect %a call return-to 0x2000"), ask(0x2000, "z"));
  });

  test("flags that the block itself has set in the meantime", () => {
    const asker = block(
      0x2000,
      `%a = get.i64 @144
       %f = flags.logic.i64 %a
       set.flags %f
       %g = get.flags
       %c = cond z %g`,
      "branch %c 0x9000 0x9001",
    );
    untouched(1, compare(0x1000, 0x2000, 0x2000), asker);
  });

  test("a way out in the middle of a block that sets other flags at its end", () => {
    const early = block(
      0x2000,
      `%a = get.i64 @128
       %n = const.i64 0 0
       %z = eq.i64 %a %n
       exit.if 12288 0 %z
       %f = flags.logic.i64 %a
       set.flags %f`,
      "jump 0x3000 jump",
    );
    untouched(2, compare(0x1000, 0x2000, 0x9000), early, ask(0x3000, "z"));
  });
});

const MAKERS = [
  "flags.sub.i64 %a %b",
  "flags.add.i64 %a %b",
  "flags.logic.i64 %a",
  "flags.sbb.i64 %a %b %i",
  "flags.inc.i64 %a %i",
  "flags.dec.i64 %a %i",
  "flags.bits %l",
];

test.each(MAKERS)("every condition on %s is what it was, for edge operands", (maker) => {
  const edges = [0n, 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 0x8d5n];
  const set = block(
    0x1000,
    `%a = get.i64 @128
     %b = get.i64 @136
     %i = const.i1 1
     %l = low.i32 %a
     %f = ${maker}
     set.flags %f`,
    "jump 0x2000 jump",
  );
  for (const condition of CONDITIONS) {
    const asker = ask(0x2000, condition);
    const lowered = lower(set, asker)[1] as IrBlock;
    expect(opsOf(lowered)).not.toContain("cond");
    for (const a of edges) {
      for (const b of edges) {
        const ends = [asker, lowered].map((second) => {
          const state = new Uint8Array(STATE_BYTES);
          new DataView(state.buffer).setBigUint64(128, a, true);
          new DataView(state.buffer).setBigUint64(136, b, true);
          runBlock(set, state, new SimpleMemory());
          return runBlock(second, state, new SimpleMemory()).rip;
        });
        expect(ends[1], `${condition} of ${a} ${b}`).toBe(ends[0]);
      }
    }
  }
});
