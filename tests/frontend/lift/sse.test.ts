import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytes, Cpu, liftBlock } from "../../support/asm.ts";

const vector = fc.uint8Array({ minLength: 16, maxLength: 16 });

type Lanes = readonly bigint[];
function lanesOf(value: Uint8Array, bits: number): Lanes {
  const width = bits / 8;
  return Array.from({ length: 128 / bits }, (_, lane) => {
    let word = 0n;
    for (let i = width - 1; i >= 0; i--) word = (word << 8n) | BigInt(value[lane * width + i] ?? 0);
    return word;
  });
}
function fromLanes(lanes: Lanes, bits: number): Uint8Array {
  const width = bits / 8;
  const all = new Uint8Array(16);
  lanes.forEach((lane, index) => {
    for (let i = 0; i < width; i++) all[index * width + i] = Number((lane >> BigInt(8 * i)) & 0xffn);
  });
  return all;
}

const s = (bits: number, value: bigint): bigint => BigInt.asIntN(bits, value);
const ones = (bits: number): bigint => (1n << BigInt(bits)) - 1n;
const clamp = (value: bigint, low: bigint, high: bigint): bigint =>
  value < low ? low : value > high ? high : value;
const saturate = (bits: number, value: bigint): bigint =>
  clamp(value, -(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n);
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);

type Lane = (a: bigint, b: bigint) => bigint;
/** Opcode behind 66 0F, lane width, and what it does to a lane (low bits of the result count). */
const LANEWISE: readonly (readonly [name: string, opcode: number, bits: number, lane: Lane])[] = [
  ["paddb", 0xfc, 8, (a, b) => a + b],
  ["paddw", 0xfd, 16, (a, b) => a + b],
  ["paddd", 0xfe, 32, (a, b) => a + b],
  ["paddq", 0xd4, 64, (a, b) => a + b],
  ["psubb", 0xf8, 8, (a, b) => a - b],
  ["psubw", 0xf9, 16, (a, b) => a - b],
  ["psubd", 0xfa, 32, (a, b) => a - b],
  ["psubq", 0xfb, 64, (a, b) => a - b],
  ["paddsb", 0xec, 8, (a, b) => saturate(8, s(8, a) + s(8, b))],
  ["paddsw", 0xed, 16, (a, b) => saturate(16, s(16, a) + s(16, b))],
  ["paddusb", 0xdc, 8, (a, b) => least(a + b, ones(8))],
  ["paddusw", 0xdd, 16, (a, b) => least(a + b, ones(16))],
  ["psubsb", 0xe8, 8, (a, b) => saturate(8, s(8, a) - s(8, b))],
  ["psubsw", 0xe9, 16, (a, b) => saturate(16, s(16, a) - s(16, b))],
  ["psubusb", 0xd8, 8, (a, b) => most(a - b, 0n)],
  ["psubusw", 0xd9, 16, (a, b) => most(a - b, 0n)],
  ["pmullw", 0xd5, 16, (a, b) => a * b],
  ["pmulhw", 0xe5, 16, (a, b) => (s(16, a) * s(16, b)) >> 16n],
  ["pmulhuw", 0xe4, 16, (a, b) => (a * b) >> 16n],
  ["pmuludq", 0xf4, 64, (a, b) => (a & ones(32)) * (b & ones(32))],
  ["pmaddwd", 0xf5, 32, (a, b) => s(16, a) * s(16, b) + s(16, a >> 16n) * s(16, b >> 16n)],
  ["pavgb", 0xe0, 8, (a, b) => (a + b + 1n) >> 1n],
  ["pavgw", 0xe3, 16, (a, b) => (a + b + 1n) >> 1n],
  ["pminub", 0xda, 8, least],
  ["pmaxub", 0xde, 8, most],
  ["pminsw", 0xea, 16, (a, b) => least(s(16, a), s(16, b))],
  ["pmaxsw", 0xee, 16, (a, b) => most(s(16, a), s(16, b))],
  ["pcmpeqb", 0x74, 8, (a, b) => (a === b ? -1n : 0n)],
  ["pcmpeqw", 0x75, 16, (a, b) => (a === b ? -1n : 0n)],
  ["pcmpeqd", 0x76, 32, (a, b) => (a === b ? -1n : 0n)],
  ["pcmpgtb", 0x64, 8, (a, b) => (s(8, a) > s(8, b) ? -1n : 0n)],
  ["pcmpgtw", 0x65, 16, (a, b) => (s(16, a) > s(16, b) ? -1n : 0n)],
  ["pcmpgtd", 0x66, 32, (a, b) => (s(32, a) > s(32, b) ? -1n : 0n)],
  ["pand", 0xdb, 64, (a, b) => a & b],
  ["pandn", 0xdf, 64, (a, b) => ~a & b],
  ["por", 0xeb, 64, (a, b) => a | b],
  ["pxor", 0xef, 64, (a, b) => a ^ b],
  ["andpd", 0x54, 64, (a, b) => a & b],
  ["andnpd", 0x55, 64, (a, b) => ~a & b],
  ["orpd", 0x56, 64, (a, b) => a | b],
  ["xorpd", 0x57, 64, (a, b) => a ^ b],
];

const interleaved = (a: Lanes, b: Lanes): bigint[] => a.flatMap((lane, i) => [lane, b[i] ?? 0n]);
const half = (lanes: Lanes, high: boolean): Lanes =>
  lanes.slice(high ? lanes.length / 2 : 0, high ? undefined : lanes.length / 2);
type Whole = (a: Uint8Array, b: Uint8Array) => Uint8Array;
const unpack =
  (bits: number, high: boolean): Whole =>
  (a, b) =>
    fromLanes(interleaved(half(lanesOf(a, bits), high), half(lanesOf(b, bits), high)), bits);
const pack =
  (bits: number, low: bigint, high: bigint): Whole =>
  (a, b) =>
    fromLanes(
      [...lanesOf(a, bits), ...lanesOf(b, bits)].map((lane) => clamp(s(bits, lane), low, high)),
      bits / 2,
    );
const distance: Whole = (a, b) => {
  const apart = (from: number) =>
    Array.from({ length: 8 }, (_, i) => Math.abs((a[from + i] ?? 0) - (b[from + i] ?? 0))).reduce(
      (x, y) => x + y,
    );
  return fromLanes([BigInt(apart(0)), BigInt(apart(8))], 64);
};

const WHOLE: readonly (readonly [name: string, opcode: number, whole: Whole])[] = [
  ["punpcklbw", 0x60, unpack(8, false)],
  ["punpcklwd", 0x61, unpack(16, false)],
  ["punpckldq", 0x62, unpack(32, false)],
  ["punpcklqdq", 0x6c, unpack(64, false)],
  ["punpckhbw", 0x68, unpack(8, true)],
  ["punpckhwd", 0x69, unpack(16, true)],
  ["punpckhdq", 0x6a, unpack(32, true)],
  ["punpckhqdq", 0x6d, unpack(64, true)],
  ["unpcklpd", 0x14, unpack(64, false)],
  ["unpckhpd", 0x15, unpack(64, true)],
  ["packsswb", 0x63, pack(16, -128n, 127n)],
  ["packssdw", 0x6b, pack(32, -32768n, 32767n)],
  ["packuswb", 0x67, pack(16, 0n, 255n)],
  ["psadbw", 0xf6, distance],
];

const run = (code: string, a: Uint8Array, b: Uint8Array): Cpu => {
  const cpu = new Cpu().setVector(0, a).setVector(1, b);
  cpu.run(code);
  return cpu;
};

describe("two vectors", () => {
  const every: readonly (readonly [string, number, Whole])[] = [
    ...LANEWISE.map(
      ([name, opcode, bits, lane]) =>
        [
          name,
          opcode,
          (a: Uint8Array, b: Uint8Array) => {
            const right = lanesOf(b, bits);
            return fromLanes(
              lanesOf(a, bits).map((left, i) => lane(left, right[i] ?? 0n)),
              bits,
            );
          },
        ] as const,
    ),
    ...WHOLE,
  ];
  test.each(every)("%s", (_, opcode, whole) => {
    const number = opcode.toString(16);
    fc.assert(
      fc.property(vector, vector, (a, b) => {
        const cpu = run(`66 0f ${number} c1`, a, b);
        expect(cpu.vector(0)).toEqual(whole(a, b));
        expect(cpu.vector(1)).toEqual(b);
      }),
      { numRuns: 60 },
    );
    const a = Uint8Array.from({ length: 16 }, (_, i) => i * 23);
    expect(run(`66 0f ${number} c0`, a, a).vector(0)).toEqual(whole(a, a));
    expect(new Cpu().set("rdi", 0x9008n).run(`66 0f ${number} 07`)).toMatchObject({ fault: { vector: 13 } });
  });
});

describe("shifts", () => {
  const SHIFTS = [
    ["psrlw", 0xd1, 0x71, 2, 16],
    ["psraw", 0xe1, 0x71, 4, 16],
    ["psllw", 0xf1, 0x71, 6, 16],
    ["psrld", 0xd2, 0x72, 2, 32],
    ["psrad", 0xe2, 0x72, 4, 32],
    ["pslld", 0xf2, 0x72, 6, 32],
    ["psrlq", 0xd3, 0x73, 2, 64],
    ["psllq", 0xf3, 0x73, 6, 64],
  ] as const;
  test.each(SHIFTS)("%s by a register and by an immediate", (name, opcode, group, reg, bits) => {
    const shifted = (a: Uint8Array, count: bigint): Uint8Array => {
      const places = least(count, BigInt(bits));
      const lane = (value: bigint) =>
        name.startsWith("psll")
          ? value << places
          : name.startsWith("psra")
            ? s(bits, value) >> places
            : value >> places;
      return fromLanes(lanesOf(a, bits).map(lane), bits);
    };
    const counts = fc.oneof(fc.bigInt(0n, 70n), fc.constantFrom(255n, 1n << 32n, 1n << 63n, ones(64)));
    fc.assert(
      fc.property(vector, counts, (a, count) => {
        const source = fromLanes([count, 0xffffn], 64);
        expect(run(`66 0f ${opcode.toString(16)} c1`, a, source).vector(0)).toEqual(shifted(a, count));
        const immediate = count & 0xffn;
        const code = `66 0f ${group.toString(16)} ${(0xc0 | (reg << 3)).toString(16)} ${immediate.toString(16)}`;
        expect(run(code, a, source).vector(0)).toEqual(shifted(a, immediate));
      }),
    );
  });

  test("psrldq and pslldq shift bytes, all out beyond fifteen", () => {
    const a = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
    for (const count of [0, 1, 7, 15, 16, 255]) {
      const right = Uint8Array.from({ length: 16 }, (_, i) => a[i + count] ?? 0);
      const left = Uint8Array.from({ length: 16 }, (_, i) => a[i - count] ?? 0);
      expect(run(`66 0f 73 d8 ${count.toString(16)}`, a, a).vector(0)).toEqual(right);
      expect(run(`66 0f 73 f8 ${count.toString(16)}`, a, a).vector(0)).toEqual(left);
    }
  });
});

describe("shuffles and lanes", () => {
  const at = (lanes: Lanes, control: number, i: number) => lanes[(control >> (2 * i)) & 3] ?? 0n;
  test("pshufd, pshuflw, pshufhw, shufps, shufpd", () => {
    fc.assert(
      fc.property(vector, vector, fc.nat(255), (a, b, control) => {
        const immediate = control.toString(16);
        const four = [0, 1, 2, 3];
        const [a4, b4, b8] = [lanesOf(a, 32), lanesOf(b, 32), lanesOf(b, 16)];
        expect(run(`66 0f 70 c1 ${immediate}`, a, b).vector(0)).toEqual(
          fromLanes(
            four.map((i) => at(b4, control, i)),
            32,
          ),
        );
        const low = four.map((i) => at(b8.slice(0, 4), control, i));
        expect(run(`f2 0f 70 c1 ${immediate}`, a, b).vector(0)).toEqual(
          fromLanes([...low, ...b8.slice(4)], 16),
        );
        const high = four.map((i) => at(b8.slice(4), control, i));
        expect(run(`f3 0f 70 c1 ${immediate}`, a, b).vector(0)).toEqual(
          fromLanes([...b8.slice(0, 4), ...high], 16),
        );
        const mixed = four.map((i) => at(i < 2 ? a4 : b4, control, i));
        expect(run(`0f c6 c1 ${immediate}`, a, b).vector(0)).toEqual(fromLanes(mixed, 32));
        const pair = [lanesOf(a, 64)[control & 1] ?? 0n, lanesOf(b, 64)[(control >> 1) & 1] ?? 0n];
        expect(run(`66 0f c6 c1 ${immediate}`, a, b).vector(0)).toEqual(fromLanes(pair, 64));
      }),
    );
  });

  test("pextrw, pinsrw and the masks", () => {
    fc.assert(
      fc.property(vector, fc.nat(255), (a, control) => {
        const immediate = control.toString(16);
        const cpu = new Cpu().setVector(0, a).set("rax", ~0n).set("rcx", 0xffff_1234n);
        cpu.run(`66 0f c5 c0 ${immediate}`);
        expect(cpu.get("rax")).toBe(lanesOf(a, 16)[control & 7]);
        cpu.run(`66 0f c4 c1 ${immediate}`);
        const lanes = [...lanesOf(a, 16)];
        lanes[control & 7] = 0x1234n;
        expect(cpu.vector(0)).toEqual(fromLanes(lanes, 16));
        for (const [code, bits] of [
          ["66 0f d7 c0", 8],
          ["0f 50 c0", 32],
          ["66 0f 50 c0", 64],
        ] as const) {
          const signs = lanesOf(cpu.vector(0), bits).map(
            (lane, i) => (lane >> BigInt(bits - 1)) << BigInt(i),
          );
          cpu.set("rax", ~0n).run(code);
          expect(cpu.get("rax")).toBe(signs.reduce((x, y) => x | y));
        }
      }),
    );
  });
});

describe("moves", () => {
  const A = Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i);
  const B = Uint8Array.from({ length: 16 }, (_, i) => 0xb0 + i);
  const pick = (low: Uint8Array, bytesOfLow: number, high: Uint8Array) =>
    Uint8Array.from([...low.subarray(0, bytesOfLow), ...high.subarray(bytesOfLow)]);
  const ZERO = new Uint8Array(16);
  const word = (value: Uint8Array, from: number, length: number) =>
    BigInt(`0x${Buffer.from(value.slice(from, from + length).reverse()).toString("hex")}`);

  test("register to register: what stays above", () => {
    const cases: readonly (readonly [string, Uint8Array])[] = [
      ["0f 28 c1", B],
      ["66 0f 6f c1", B],
      ["f3 0f 6f c1", B],
      ["f3 0f 10 c1", pick(B, 4, A)],
      ["f2 0f 10 c1", pick(B, 8, A)],
      ["f3 0f 11 c8", pick(B, 4, A)],
      ["f2 0f 11 c8", pick(B, 8, A)],
      ["f3 0f 7e c1", pick(B, 8, ZERO)],
      ["66 0f d6 c8", pick(B, 8, ZERO)],
      ["0f 12 c1", Uint8Array.from([...B.subarray(8), ...A.subarray(8)])],
      ["0f 16 c1", Uint8Array.from([...A.subarray(0, 8), ...B.subarray(0, 8)])],
    ];
    for (const [code, result] of cases) expect([code, run(code, A, B).vector(0)]).toEqual([code, result]);
  });

  test("loads: what becomes zero above", () => {
    const load = (code: string, at = 0x9000n) => {
      const cpu = new Cpu()
        .setVector(0, A)
        .set("rdi", at)
        .write(at, 16, word(B, 0, 16));
      cpu.run(code);
      return cpu.vector(0);
    };
    const cases: readonly (readonly [string, Uint8Array])[] = [
      ["f3 0f 10 07", pick(B, 4, ZERO)],
      ["f2 0f 10 07", pick(B, 8, ZERO)],
      ["f3 0f 7e 07", pick(B, 8, ZERO)],
      ["66 0f 6e 07", pick(B, 4, ZERO)],
      ["66 48 0f 6e 07", pick(B, 8, ZERO)],
      ["0f 12 07", pick(B, 8, A)],
      ["66 0f 16 07", Uint8Array.from([...A.subarray(0, 8), ...B.subarray(0, 8)])],
    ];
    for (const [code, result] of cases) {
      expect([code, load(code)]).toEqual([code, result]);
      expect([code, load(code, 0x9003n)]).toEqual([code, result]);
    }
    for (const code of ["0f 10 07", "66 0f 10 07", "f3 0f 6f 07"]) expect(load(code, 0x9003n)).toEqual(B);
  });

  test("stores write their bytes alone; aligned ones refuse other addresses", () => {
    const cases: readonly (readonly [string, number, bigint])[] = [
      ["f3 0f 11 07", 4, word(A, 0, 4)],
      ["f2 0f 11 07", 8, word(A, 0, 8)],
      ["66 0f d6 07", 8, word(A, 0, 8)],
      ["66 0f 7e 07", 4, word(A, 0, 4)],
      ["66 48 0f 7e 07", 8, word(A, 0, 8)],
      ["0f 13 07", 8, word(A, 0, 8)],
      ["0f 17 07", 8, word(A, 8, 8)],
      ["0f 11 07", 16, word(A, 0, 16)],
      ["f3 0f 7f 07", 16, word(A, 0, 16)],
    ];
    for (const [code, width, value] of cases) {
      const cpu = new Cpu().setVector(0, A).set("rdi", 0x9001n);
      cpu.run(code);
      expect([code, cpu.memory.bytes.size, cpu.read(0x9001n, width)]).toEqual([code, width, value]);
    }
    for (const code of [
      "0f 29 07",
      "66 0f 29 07",
      "66 0f 7f 07",
      "0f 2b 07",
      "66 0f e7 07",
      "0f 28 07",
      "66 0f 6f 07",
    ]) {
      expect(new Cpu().set("rdi", 0x9008n).run(code)).toMatchObject({
        kind: "fault",
        fault: { vector: 13, errorCode: 0 },
      });
      expect(new Cpu().set("rdi", 0x9010n).run(code)).toMatchObject({ fault: { vector: 3 } });
    }
  });

  test("movd and movq to general registers, movnti", () => {
    const cpu = new Cpu().setVector(0, A).set("rax", ~0n).set("rdi", 0x9000n);
    cpu.run("66 0f 7e c0");
    expect(cpu.get("rax")).toBe(word(A, 0, 4));
    cpu.run("66 48 0f 7e c0");
    expect(cpu.get("rax")).toBe(word(A, 0, 8));
    cpu.run("48 0f c3 07");
    expect(cpu.read(0x9000n, 8)).toBe(word(A, 0, 8));
  });

  test("xor of a register with itself reads nothing", () => {
    expect(liftBlock(bytes("66 0f ef c0"), { maxInstructions: 1 }).code.map(({ op }) => op)).toEqual([
      "const.v128",
      "set.v128",
    ]);
    expect(run("0f 57 c0", A, B).vector(0)).toEqual(ZERO);
  });
});
