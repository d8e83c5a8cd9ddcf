import { describe, expect, test } from "vitest";
import { type Cpu, type CpuOptions, createCpu } from "../src/cpu.ts";

const CODE = 0x401000n;
const DATA = 0x800000n;
const STACK = 0x7fff_0000_0000n;

/** A processor with code at CODE, a data page and a stack. */
function load(code: readonly number[], options: CpuOptions = {}): Cpu {
  const cpu = createCpu({ memoryBytes: 4 << 20, checks: "full", ...options });
  cpu.map(CODE, 0x1000, "rx");
  cpu.write(CODE, Uint8Array.from(code));
  cpu.map(DATA, 0x1000, "rw");
  cpu.map(STACK, 0x2000, "rw");
  cpu.set("rsp", STACK + 0x2000n);
  cpu.set("rip", CODE);
  return cpu;
}

const SYSCALL = [0x0f, 0x05];
/** mov eax, imm32 */
const movEax = (value: number): number[] => [0xb8, value & 255, (value >> 8) & 255, (value >> 16) & 255, 0];

test("runs to a system call", () => {
  const cpu = load([...movEax(42), ...SYSCALL]);
  expect(cpu.run()).toEqual({ kind: "syscall", instructions: 2, rip: CODE + 7n });
  expect([cpu.get("rax"), cpu.get("rcx")]).toEqual([42n, CODE + 7n]);
});

test("a loop: exact counts, limits and stop addresses", () => {
  // xor eax, eax; mov ecx, 10; l: add eax, ecx; dec ecx; jnz l; syscall
  const code = [0x31, 0xc0, 0xb9, 10, 0, 0, 0, 0x01, 0xc8, 0xff, 0xc9, 0x75, 0xfa, ...SYSCALL];
  expect(load(code).run()).toMatchObject({ kind: "syscall", instructions: 33 });
  const limited = load(code);
  expect(limited.run({ maxInstructions: 7 })).toEqual({
    kind: "limit",
    instructions: 7,
    rip: CODE + 11n,
  });
  expect(limited.run({ maxInstructions: 0 }).instructions).toBe(0);
  const stopped = load(code);
  expect(stopped.run({ until: CODE + 7n })).toEqual({ kind: "until", instructions: 2, rip: CODE + 7n });
  expect(stopped.run({ until: CODE + 13n })).toEqual({ kind: "until", instructions: 30, rip: CODE + 13n });
  expect(stopped.get("rax")).toBe(55n);
});

test("a stop address need not be mapped, nor be in the user half", () => {
  // ret to what lies on the stack
  for (const until of [0xdead000n, 0xffff_ffff_ffff_fff0n]) {
    const cpu = load([0xc3]);
    cpu.set("rsp", STACK);
    const target = new Uint8Array(8);
    new DataView(target.buffer).setBigUint64(0, until, true);
    cpu.write(STACK, target);
    expect(cpu.run({ until })).toEqual({ kind: "until", instructions: 1, rip: until });
  }
});

describe("faults name the instruction and leave its state", () => {
  test("page fault", () => {
    // mov eax, 7; mov [rbx], eax
    const cpu = load([...movEax(7), 0x89, 0x03]);
    cpu.set("rbx", 0x1234_5678n);
    expect(cpu.run()).toEqual({
      kind: "fault",
      instructions: 1,
      rip: CODE + 5n,
      fault: { vector: 14, errorCode: 6, address: 0x1234_5678n },
    });
  });

  test("privileged instruction", () => {
    const cpu = load([0x90, 0xf4]);
    expect(cpu.run()).toEqual({
      kind: "fault",
      instructions: 1,
      rip: CODE + 1n,
      fault: { vector: 13, errorCode: 0, address: 0n },
    });
  });

  test("int3 is a trap: the next instruction, and it counts", () => {
    const cpu = load([0xcc]);
    expect(cpu.run({ until: CODE + 1n })).toMatchObject({
      kind: "fault",
      instructions: 1,
      rip: CODE + 1n,
      fault: { vector: 3 },
    });
  });

  test("fetch from memory that is not executable", () => {
    const cpu = load([0x90]);
    cpu.set("rip", DATA);
    expect(cpu.run()).toEqual({
      kind: "fault",
      instructions: 0,
      rip: DATA,
      fault: { vector: 14, errorCode: 0x15, address: DATA },
    });
  });
});

describe("memory", () => {
  test("read and write ignore permissions and cross pages", () => {
    const cpu = load([]);
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => i);
    cpu.map(0x10000n, 0x2000, "none");
    cpu.write(0x10f80n, bytes);
    expect(cpu.read(0x10f80n, 300)).toEqual(bytes);
  });

  test("written code is seen, however it was translated before", () => {
    const cpu = load([...movEax(1), ...SYSCALL]);
    for (const value of [1, 2, 3]) {
      cpu.write(CODE, Uint8Array.from(movEax(value)));
      cpu.set("rip", CODE);
      cpu.run();
      expect(cpu.get("rax")).toBe(BigInt(value));
    }
  });

  test("protect takes and gives rights, with the content kept", () => {
    const cpu = load([0x8b, 0x03, ...SYSCALL]);
    cpu.set("rbx", DATA);
    cpu.write(DATA, Uint8Array.of(9));
    const run = (): string => {
      cpu.set("rip", CODE);
      return cpu.run().kind;
    };
    expect(run()).toBe("syscall");
    cpu.protect(DATA, 0x1000, "none");
    expect(run()).toBe("fault");
    cpu.protect(DATA, 0x1000, "r");
    expect(run()).toBe("syscall");
    expect(cpu.get("rax")).toBe(9n);
  });

  test("unmapped memory is free again", () => {
    const cpu = createCpu({ memoryBytes: 1 << 20 });
    for (let round = 0; round < 5; round++) {
      cpu.map(DATA, 200 * 4096, "rw");
      expect(cpu.read(DATA, 1)).toEqual(Uint8Array.of(0));
      cpu.write(DATA, Uint8Array.of(1));
      cpu.unmap(DATA, 200 * 4096);
    }
    expect(() => cpu.read(DATA, 1)).toThrow(RangeError);
  });

  test.each<[string, (cpu: Cpu) => void, RegExp]>([
    ["mapped twice", (cpu) => cpu.map(DATA, 1, "r"), /0x800000 is mapped already/],
    ["not a page", (cpu) => cpu.map(DATA + 1n, 1, "r"), /not the start of a page/],
    ["empty", (cpu) => cpu.map(DATA, 0, "r"), /names no page/],
    ["negative", (cpu) => cpu.map(-1n, 1, "r"), /not an address/],
    ["kernel half", (cpu) => cpu.map(0xffff_8000_0000_0000n, 1, "r"), /not an address/],
    ["over the end", (cpu) => cpu.map(0x7fff_ffff_f000n, 0x2000, "r"), /not in the user half/],
    ["too much", (cpu) => cpu.map(0x10_0000_0000n, 2 ** 40, "r"), /out of memory/],
    ["a fraction", (cpu) => cpu.map(0x10000n, 1.5, "r"), /not in the user half/],
    ["protect nothing", (cpu) => cpu.protect(0x10000n, 1, "r"), /0x10000 is not mapped/],
    ["unmap nothing", (cpu) => cpu.unmap(0x10000n, 1), /0x10000 is not mapped/],
    ["write to nothing", (cpu) => cpu.write(DATA + 0xfffn, new Uint8Array(2)), /not all of it is mapped/],
    ["read from nothing", (cpu) => void cpu.read(0x10000n, 1), /not all of it is mapped/],
    ["unknown protection", (cpu) => cpu.map(0x10000n, 1, "rwx" as "rw"), /unknown protection "rwx"/],
    ["unknown register", (cpu) => void cpu.get("eax"), /unknown register "eax"; did you mean "rax"/],
    ["wide value", (cpu) => cpu.set("rax", 1n << 64n), /rax has 64 bits/],
    ["negative limit", (cpu) => void cpu.run({ maxInstructions: -1 }), /maxInstructions/],
    ["no limit", (cpu) => void cpu.run({ maxInstructions: NaN }), /maxInstructions/],
  ])("a mistake of the caller is one line: %s", (_name, action, message) => {
    const cpu = load([]);
    expect(() => action(cpu)).toThrow(RangeError);
    expect(() => action(cpu)).toThrow(message);
  });

  test("a refused map changes nothing", () => {
    const cpu = createCpu({ memoryBytes: 1 << 20 });
    expect(() => cpu.map(DATA, 256 * 4096, "rw")).toThrow(/out of memory/);
    cpu.map(DATA, 200 * 4096, "rw");
  });
});

describe("registers", () => {
  test.each(["rax", "r15", "rip", "fs_base", "gs_base"])("%s holds 64 bits", (name) => {
    const cpu = createCpu({ memoryBytes: 1 << 20 });
    cpu.set(name, 0x8123_4567_89ab_cdefn);
    expect(cpu.get(name)).toBe(0x8123_4567_89ab_cdefn);
    cpu.set(name, -1n);
    expect(cpu.get(name)).toBe(0xffff_ffff_ffff_ffffn);
  });

  test("xmm registers hold 128 bits", () => {
    const cpu = createCpu({ memoryBytes: 1 << 20 });
    const value = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210n;
    cpu.set("xmm15", value);
    expect([cpu.get("xmm15"), cpu.get("xmm14")]).toEqual([value, 0n]);
  });

  test("mxcsr and rflags have their values at reset", () => {
    const cpu = createCpu({ memoryBytes: 1 << 20 });
    expect([cpu.get("mxcsr"), cpu.get("rflags")]).toEqual([0x1f80n, 0x202n]);
  });

  test("rflags: status flags and the direction flag, computed and set", () => {
    // sub eax, 1 from 0: CF PF AF SF
    const cpu = load([0x83, 0xe8, 0x01, ...SYSCALL]);
    cpu.set("rax", 0n);
    cpu.run({ maxInstructions: 1 });
    expect(cpu.get("rflags")).toBe(0x202n | 0x1n | 0x4n | 0x10n | 0x80n);
    cpu.set("rflags", 0xcd5n | 0x100n);
    expect(cpu.get("rflags")).toBe(0x202n | 0xcd5n);
  });
});

test("options out of range are refused in one line", () => {
  expect(() => createCpu({ memoryBytes: 5 })).toThrow(RangeError);
  expect(() => createCpu({ features: ["x87plus"] })).toThrow(/unknown feature "x87plus"/);
  expect(() => createCpu({ tier: "fast" as "js" })).toThrow(/unknown tier/);
  expect(() => createCpu({ checks: "some" as "full" })).toThrow(/unknown check level/);
});

test("two processors do not share anything", () => {
  const [a, b] = [load([...movEax(1), ...SYSCALL]), load([...movEax(2), ...SYSCALL])];
  a.run();
  b.run();
  expect([a.get("rax"), b.get("rax")]).toEqual([1n, 2n]);
});
