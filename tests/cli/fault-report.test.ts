/** A fault report says who, what, where in the program, with which registers, code, callers and page. */

import { describe, expect, test } from "vitest";
import { capjit, temporaryFolder } from "./command.ts";
import { hex, program, TEXT } from "./guest-elf.ts";

const folder = temporaryFolder();

/** _start: calls `outer`, which makes a frame and calls `inner`, which stores to its own code page. */
const STORE_TO_CODE = program(
  hex(
    "48 c7 c0 2a 00 00 00", // 00 mov rax, 42
    "e8 01 00 00 00", // 07 call outer
    "f4", // 0c hlt
    "55", // 0d outer: push rbp
    "48 89 e5", // 0e mov rbp, rsp
    "e8 02 00 00 00", // 11 call inner
    "5d", // 16 pop rbp
    "c3", // 17 ret
    "55", // 18 inner: push rbp
    "48 89 e5", // 19 mov rbp, rsp
    "bb 00 00 40 00", // 1c mov ebx, 0x400000
    "48 89 43 08", // 21 mov [rbx+8], rax
    "c9 c3", // 25 leave; ret
  ),
  [
    { name: "_start", address: TEXT, size: 0xd },
    { name: "outer", address: TEXT + 0xd, size: 0xb },
    { name: "_ZN3app5inner17h0123456789abcdefE", address: TEXT + 0x18, size: 0xf },
  ],
);

async function reportOf(image: Uint8Array, ...options: readonly string[]): Promise<string> {
  const { code, stderr } = await capjit("run", folder.write("guest.elf", image), "--quiet", ...options);
  expect(code).toBe(139);
  return stderr;
}

test("a write to a read-only page, with symbols and frame pointers", async () => {
  const report = await reportOf(STORE_TO_CODE);
  expect(report.split("\n")).toEqual([
    "capjit: process 1 (init, program guest.elf), thread 1: #PF page fault: write at 0x400008, the page does not allow it (error code 0x7)",
    "  at 0x400021 <app::inner+0x9>",
    "  page 0x400000: image segment 0, R-X",
    "    by loader: segment 0 R-X",
    "  registers",
    "    rax     000000000000002a   rbx     0000000000400000   rcx     0000000000000000",
    expect.stringMatching(/^ {4}rdx {5}[0-9a-f]{16} {3}rsi/),
    expect.stringMatching(/^ {4}rbp {5}/),
    expect.stringMatching(/^ {4}r9 {6}/),
    expect.stringMatching(/^ {4}r12 {5}/),
    expect.stringMatching(/^ {4}r15 {5}0{16} {3}rip {5}0000000000400021 {3}rflags {2}0000000000000202$/),
    expect.stringMatching(/^ {4}fs_base {1}/),
    "  code",
    expect.stringMatching(/^ {6}0x400018 {2}55 +push rbp$/),
    expect.stringMatching(/^ {6}0x400019 {2}48 89 e5 +mov rbp, rsp$/),
    expect.stringMatching(/^ {6}0x40001c {2}bb 00 00 40 00 +mov ebx, 0x400000$/),
    expect.stringMatching(/^ {4}> 0x400021 {2}48 89 43 08 +mov qword ptr \[rbx\+0x8\], rax$/),
    expect.stringMatching(/^ {6}0x400025 {2}c9 +leave$/),
    expect.stringMatching(/^ {6}0x400026 {2}c3 +ret$/),
    expect.stringMatching(/^ {6}0x400027 {2}00 00 /),
    expect.stringMatching(/^ {6}0x400029 {2}00 00 /),
    "  backtrace (frame pointers)",
    "    1  0x400016 <outer+0x9>",
    "    2  0x40000c <_start+0xc>",
    "",
  ]);
});

test("the report does not depend on how code was cut into blocks", async () => {
  expect(await reportOf(STORE_TO_CODE, "--plain")).toBe(await reportOf(STORE_TO_CODE));
});

test("the same facts as JSON", async () => {
  const { stderr } = await capjit("run", folder.write("guest.elf", STORE_TO_CODE), "--json");
  expect(JSON.parse(stderr)).toMatchObject({
    outcome: "init-fault",
    faults: [
      {
        exception: "#PF page fault",
        errorCode: 7,
        address: "0x400008",
        rip: "0x400021",
        symbol: "app::inner+0x9",
        page: { address: "0x400000", protection: "R-X", mapping: "image segment 0" },
        registers: { rax: "0x2a", rip: "0x400021" },
        backtrace: ["0x400016", "0x40000c"],
      },
    ],
  });
});

test("without frame pointers, return addresses found on the stack", async () => {
  const report = await reportOf(
    program(
      hex(
        "31 ed", // 00 xor ebp, ebp
        "e8 01 00 00 00", // 02 call f
        "f4", // 07 hlt
        "6a 05", // 08 f: push 5
        "0f 0b", // 0a ud2
      ),
      [{ name: "_start", address: TEXT, size: 8 }],
    ),
  );
  expect(report).toContain("thread 1: #UD invalid opcode\n");
  expect(report).toContain(
    "  return addresses on the stack (some may be stale)\n    1  0x400007 <_start+0x7>\n",
  );
});

describe("other exceptions", () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ["a division by zero", "31 c9 f7 f1", "#DE divide error\n  at 0x400002"],
    ["a privileged instruction", "f4", "#GP general protection\n  at 0x400000"],
    ["a breakpoint, RIP behind it", "cc 90", "#BP breakpoint\n  at 0x400001"],
    ["a read of nothing", "31 c0 8b 00", "read at 0x0, no accessible page (error code 0x4)\n  at 0x400002"],
    ["a wild jump", "48 b8 00 90 78 56 34 12 00 00 ff e0", "execute at 0x123456789000, no accessible page"],
    [
      "an access beyond the canonical addresses",
      "48 b8 00 00 00 00 00 00 00 80 8b 00",
      "#GP general protection",
    ],
    ["a push below the stack", "bc 00 00 00 01 50", "write at 0xfffff8, no accessible page (error code 0x6)"],
  ];
  test.each(rows)("%s", async (_what, code, text) => {
    expect(await reportOf(program(hex(code)))).toContain(text);
  });
});

test("a page that nobody mapped says so", async () => {
  const report = await reportOf(program(hex("31 c0 8b 00")));
  expect(report).toContain("  page 0x0: nothing is mapped or reserved there, ---\n");
});
