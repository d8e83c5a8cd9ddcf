import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, DECODED, TOO_LONG, TRUNCATED, UNDEFINED } from "../../src/frontend/decode.ts";
import { disassemble } from "../../src/frontend/disassemble.ts";
import { newInstruction, NO_SEGMENT } from "../../src/frontend/instruction.ts";
import { EVEX_ROW } from "../../src/frontend/tables/vex.ts";
import { bytes, CODE_ADDRESS } from "../support/asm.ts";
import { SWEEP } from "./byte-strings.ts";
import { compareDecoders } from "./decoder-check.ts";
import { reference } from "./iced.ts";

const insn = newInstruction(EVEX_ROW);
const decodeAll = (code: Uint8Array, end = code.length) => decode(code, 0, end, CODE_ADDRESS, insn);

describe("against iced-x86", () => {
  test("every opcode with every ModRM byte: validity, length, text, flags, but for listed reasons", () => {
    const found = compareDecoders(SWEEP, 20261130);
    expect(found.unexplained).toEqual([]);
    expect(found.texts).toBeGreaterThan(120_000);
  });

  test("random bytes have the same length when both decode them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 15, maxLength: 15 }), (code) => {
        const status = decodeAll(code);
        const theirs = reference(code, CODE_ADDRESS);
        const prefix = insn.row.mnemonic === "vex" || insn.row.mnemonic === "evex";
        if (status === DECODED && theirs.valid && !prefix) expect(insn.length).toBe(theirs.length);
      }),
      { numRuns: 3000 },
    );
  });

  test("VEX instructions on general registers", () => {
    const texts = {
      "c4 e2 70 f2 c2": "andn eax, ecx, edx",
      "c4 c2 f8 f3 cb": "blsr rax, r11",
      "c4 e2 78 f3 d1": "blsmsk eax, ecx",
      "c4 e2 f8 f3 58 10": "blsi rax, qword ptr [rax+0x10]",
      "c4 62 f0 f7 06": "bextr r8, qword ptr [rsi], rcx",
      "c4 e2 f1 f7 c2": "shlx rax, rdx, rcx",
    };
    for (const [code, text] of Object.entries(texts)) {
      const all = bytes(code);
      expect(disassemble(all, CODE_ADDRESS)).toEqual({ text, length: all.length });
      expect(reference(all, CODE_ADDRESS).text).toBe(text);
    }
  });
});

describe("limits", () => {
  test("fewer bytes than the instruction has are reported as truncated, at any cut", () => {
    const whole = bytes("66 f0 4c 81 84 88 11 22 33 44 55 66 77 88");
    expect(decodeAll(whole)).toBe(DECODED);
    const { length } = insn;
    for (let end = 0; end < length; end++) expect(decodeAll(whole, end)).toBe(TRUNCATED);
    expect(decodeAll(whole, length)).toBe(DECODED);
  });

  test("a truncated instruction does not read the bytes behind the end", () => {
    const code = bytes("0f 0b");
    expect(decodeAll(code, 1)).toBe(TRUNCATED);
    expect(decodeAll(code, 2)).toBe(DECODED);
  });

  test("fifteen bytes are allowed, sixteen are not", () => {
    const nop = (prefixes: number) => Uint8Array.from([...new Array<number>(prefixes).fill(0x66), 0x90]);
    expect(decodeAll(nop(14))).toBe(DECODED);
    expect(insn.length).toBe(15);
    expect(decodeAll(nop(15))).toBe(TOO_LONG);
    // An immediate may be what makes it too long: 9 prefixes and 81 04 25 disp32 imm16.
    const add = (prefixes: number) =>
      Uint8Array.from([...new Array<number>(prefixes).fill(0x2e), 0x66, 0x81, 0x04, 0x25, 1, 2, 3, 4, 5, 6]);
    expect(decodeAll(add(5))).toBe(DECODED);
    expect(insn.length).toBe(15);
    expect(decodeAll(add(6))).toBe(TOO_LONG);
  });

  test("a run of prefixes without end is too long, or truncated when the bytes end before", () => {
    const prefixes = new Uint8Array(64).fill(0x66);
    expect(decodeAll(prefixes)).toBe(TOO_LONG);
    expect(decodeAll(prefixes, 14)).toBe(TRUNCATED);
  });
});

describe("prefixes", () => {
  const text = (code: string) => disassemble(bytes(code), CODE_ADDRESS).text;

  test("REX counts only right before the opcode", () => {
    expect(text("48 66 89 c3")).toBe("mov bx, ax");
    expect(text("66 48 89 c3")).toBe("mov rbx, rax");
    expect(text("40 88 e3")).toBe("mov bl, spl");
    expect(text("88 e3")).toBe("mov bl, ah");
    expect(text("48 4c 89 c3")).toBe("mov rbx, r8");
  });

  test("of segment overrides only FS and GS count", () => {
    expect(text("64 8b 00")).toBe("mov eax, dword ptr fs:[rax]");
    expect(text("65 3e 8b 00")).toBe("mov eax, dword ptr gs:[rax]");
    expect(decodeAll(bytes("8b 00"))).toBe(DECODED);
    expect(insn.segment).toBe(NO_SEGMENT);
  });

  test("the last of F2 and F3 selects the instruction", () => {
    expect(text("f2 f3 0f 10 c1")).toBe("movss xmm0, xmm1");
    expect(text("f3 f2 0f 10 c1")).toBe("movsd xmm0, xmm1");
    expect(text("66 f3 0f 10 c1")).toBe("movss xmm0, xmm1");
  });

  test("LOCK needs a row that allows it and memory to lock", () => {
    const status = (code: string) => decodeAll(bytes(code));
    expect(status("f0 01 08")).toBe(DECODED);
    expect(status("f0 01 c8")).toBe(UNDEFINED);
    expect(status("f0 03 08")).toBe(UNDEFINED);
    expect(status("f0 39 08")).toBe(UNDEFINED);
    expect(status("f0 0f a3 08")).toBe(UNDEFINED);
    expect(status("f0 0f ab 08")).toBe(DECODED);
    expect(status("f0 90")).toBe(UNDEFINED);
  });

  test("VEX refuses 66, F2, F3, LOCK and REX before it", () => {
    const status = (code: string) => decodeAll(bytes(code));
    expect(status("c4 e2 70 f2 c2")).toBe(DECODED);
    for (const prefix of ["66", "f2", "f3", "f0", "48"]) {
      expect(status(`${prefix} c4 e2 70 f2 c2`)).toBe(UNDEFINED);
    }
  });

  test("addresses: RIP-relative, absolute, 32-bit, SIB without base", () => {
    expect(text("8b 05 10 00 00 00")).toBe("mov eax, dword ptr [0x401016]");
    expect(text("8b 04 25 f0 ff ff ff")).toBe("mov eax, dword ptr [0xfffffffffffffff0]");
    expect(text("67 8b 44 cd f0")).toBe("mov eax, dword ptr [ebp+ecx*8-0x10]");
    expect(text("43 8b 04 64")).toBe("mov eax, dword ptr [r12+r12*2]");
    expect(text("8b 04 24")).toBe("mov eax, dword ptr [rsp]");
    expect(text("a1 88 77 66 55 44 33 22 11")).toBe("mov eax, dword ptr [0x1122334455667788]");
  });

  test("what is no instruction is shown as such", () => {
    expect(text("06")).toBe("(bad)");
    expect(text("0f")).toBe("(truncated)");
    expect(disassemble(new Uint8Array(0), 0)).toEqual({ text: "(truncated)", length: 1 });
  });
});
