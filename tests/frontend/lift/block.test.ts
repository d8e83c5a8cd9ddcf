import { describe, expect, test } from "vitest";
import { address, PAGE_BYTES, USER_END } from "../../../src/mmu/address.ts";
import { bytes, CODE_ADDRESS, Cpu, lift, liftBlock } from "../../support/asm.ts";

const END = CODE_ADDRESS + PAGE_BYTES;
const nopPage = () => new Uint8Array(PAGE_BYTES).fill(0x90);
const addresses = (block: ReturnType<typeof liftBlock>) => block.instructions.map((insn) => insn.address);

describe("ends of blocks", () => {
  test("a control transfer", () => {
    const block = liftBlock(bytes("90 90 eb 02"));
    expect(addresses(block)).toEqual([CODE_ADDRESS, CODE_ADDRESS + 1, CODE_ADDRESS + 2]);
    expect(block.exit).toEqual({ kind: "jump", target: CODE_ADDRESS + 6, transfer: "jump" });
  });

  test("the limit of instructions cuts and falls through", () => {
    const block = liftBlock(bytes("90 48 89 c3 90"), { maxInstructions: 2 });
    expect(block.instructions).toHaveLength(2);
    expect(block.exit).toEqual({ kind: "jump", target: CODE_ADDRESS + 4, transfer: "fallthrough" });
  });

  test("the page's end cuts", () => {
    const block = liftBlock(bytes("90 90"), { at: END - 2, nextPage: nopPage() });
    expect(block.instructions).toHaveLength(2);
    expect(block.exit).toEqual({ kind: "jump", target: END, transfer: "fallthrough" });
  });

  test("a repeated string instruction stands alone and goes back to itself", () => {
    const before = liftBlock(bytes("90 f3 a4"));
    expect(before.exit).toEqual({ kind: "jump", target: CODE_ADDRESS + 1, transfer: "fallthrough" });
    const alone = liftBlock(bytes("f3 a4 90"));
    expect(alone.instructions).toHaveLength(1);
    expect(alone.exit).toMatchObject({ kind: "branch", taken: CODE_ADDRESS, notTaken: CODE_ADDRESS + 2 });
    // The prefix means nothing to other instructions.
    expect(liftBlock(bytes("f3 c3")).instructions).toHaveLength(1);
    expect(liftBlock(bytes("90 f3 89 c3 c3")).instructions).toHaveLength(3);
  });

  test("an instruction that always faults", () => {
    const block = liftBlock(bytes("90 f4 90"));
    expect(block.instructions).toHaveLength(2);
    expect(block.exit).toEqual({ kind: "fault", vector: 13, errorCode: 0, rip: CODE_ADDRESS + 1 });
  });
});

describe("instructions that cross a page", () => {
  test("are not part of the block before them", () => {
    const block = liftBlock(bytes("90 48"), { at: END - 2, nextPage: nopPage() });
    expect(block.instructions).toHaveLength(1);
    expect(block.exit).toEqual({ kind: "jump", target: END - 1, transfer: "fallthrough" });
  });

  test("are lifted alone", () => {
    const nextPage = nopPage();
    nextPage.set(bytes("89 c3"));
    const block = liftBlock(bytes("48"), { at: END - 1, nextPage });
    expect(block.instructions).toEqual([{ address: END - 1, length: 3, start: 0 }]);
    expect(block.exit).toEqual({ kind: "jump", target: END + 2, transfer: "fallthrough" });
  });

  test("fault at the second page when it cannot be executed, but only when they are first", () => {
    expect(lift(bytes("48"), { at: END - 1 })).toEqual({ kind: "fetch-fault", address: END });
    expect(liftBlock(bytes("90 48"), { at: END - 2 }).instructions).toHaveLength(1);
  });

  test("with 15 bytes on the first page are too long without the second", () => {
    const prefixes = new Uint8Array(15).fill(0x66);
    const block = liftBlock(prefixes, { at: END - 15 });
    expect(block.exit).toEqual({ kind: "fault", vector: 13, errorCode: 0, rip: END - 15 });
    expect(lift(prefixes.subarray(1), { at: END - 14 })).toEqual({ kind: "fetch-fault", address: END });
  });

  test("keep control transfers", () => {
    const nextPage = nopPage();
    nextPage.set(bytes("10 00 00 00"));
    expect(liftBlock(bytes("e8"), { at: END - 1, nextPage }).exit).toEqual({
      kind: "jump",
      target: END + 4 + 16,
      transfer: "call",
      returnTo: END + 4,
    });
  });
});

describe("the end of the user half", () => {
  const top = USER_END - PAGE_BYTES;

  test("falling off goes to an address that is not canonical", () => {
    const block = liftBlock(bytes("90"), { at: USER_END - 1 });
    expect(block.exit).toMatchObject({ kind: "indirect", transfer: "fallthrough" });
    expect(new Cpu().run("90", { at: USER_END - 1 }).rip).toBe(BigInt(USER_END));
  });

  test("an instruction that reaches over it is a general protection fault", () => {
    const fault = { kind: "fault", vector: 13, errorCode: 0, rip: USER_END - 1 };
    expect(liftBlock(bytes("48"), { at: USER_END - 1, nextPage: nopPage() }).exit).toEqual(fault);
  });

  test("a transfer over it faults at the transfer, with nothing done", () => {
    for (const code of ["e9 00 01 00 00", "e8 00 01 00 00", "eb 7f"]) {
      const at = top + PAGE_BYTES - 16;
      const cpu = new Cpu().set("rsp", 0x9000n);
      const exit = cpu.run(code, { at });
      expect(exit).toMatchObject({ kind: "fault", fault: { vector: 13 }, rip: BigInt(at) });
      expect(cpu.get("rsp")).toBe(0x9000n);
      expect(cpu.memory.bytes.size).toBe(0);
    }
  });

  test("a transfer below address zero goes to the upper half", () => {
    const exit = new Cpu().run("e9 00 f0 ff ff", { at: 0 });
    expect(exit).toMatchObject({ kind: "indirect", rip: 0xffff_ffff_ffff_f005n });
    expect(liftBlock(bytes("74 80"), { at: 0 }).exit.kind).toBe("indirect");
  });
});

test("lifting the same bytes again gives the same block, whatever was lifted between", () => {
  const code = bytes("48 8b 44 8d 10 48 01 d8 0f 84 10 00 00 00");
  const first = liftBlock(code);
  liftBlock(bytes("f3 a4"));
  expect(liftBlock(code)).toEqual(first);
  expect(first.address).toBe(address(CODE_ADDRESS));
});
