/**
 * Guests made of many small functions, each with constants of its own, so that no two blocks are alike: the amount
 * of code and the number of passes over it are chosen freely. The result is computed here as well and compared by
 * the guest.
 *
 *   _start: mov r12d, passes      function: mov  eax, a
 *   again:  call function 0                 add  eax, ebx
 *           call function 1 ...             imul eax, eax, b
 *           dec  r12d                       mov  [rsp-8], rax
 *           jnz  again                      cmp  eax, c
 *           compare rbx, exit               jb   skip
 *                                           add  rbx, d
 *                                     skip: rol  rbx, 7
 *                                           xor  rbx, [rsp-8]
 *                                           ret
 */

import { singleProgram, type Scenario } from "../../src/scenario.ts";
import { buildElf } from "../../tests/support/elf.ts";

const CODE_ADDRESS = 0x40_0000;
/** The driver and its functions lie in one segment; the image ends at 0xff0000. */
export const MAX_FUNCTIONS = 200_000;

interface Constants {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** Positive, so that the sign extension of the instruction does not matter. */
  readonly d: number;
}

const multiplied = (i: number, by: number): number => Math.imul(i + 1, by) >>> 0;

const constantsOf = (i: number): Constants => ({
  a: multiplied(i, 0x9e3779b1),
  b: (multiplied(i, 0x85ebca6b) | 1) >>> 1,
  c: multiplied(i, 0xc2b2ae35),
  d: multiplied(i, 0x27d4eb2f) >>> 1,
});

const word = (value: number): number[] => [
  value & 255,
  (value >>> 8) & 255,
  (value >>> 16) & 255,
  value >>> 24,
];

function functionBytes({ a, b, c, d }: Constants): number[] {
  return [
    ...[0xb8, ...word(a)],
    ...[0x01, 0xd8],
    ...[0x69, 0xc0, ...word(b)],
    ...[0x48, 0x89, 0x44, 0x24, 0xf8],
    ...[0x3d, ...word(c)],
    ...[0x72, 0x07],
    ...[0x48, 0x81, 0xc3, ...word(d)],
    ...[0x48, 0xc1, 0xc3, 0x07],
    ...[0x48, 0x33, 0x5c, 0x24, 0xf8],
    0xc3,
  ];
}

/** All of them are of one length. */
const FUNCTION_BYTES = functionBytes(constantsOf(0)).length;
const CALL_BYTES = 5;

/** What RBX holds after the passes, as its low and high halves. */
function resultOf(functions: number, passes: number): { low: number; high: number } {
  let low = 0;
  let high = 0;
  for (let pass = 0; pass < passes; pass++) {
    for (let i = 0; i < functions; i++) {
      const { a, b, c, d } = constantsOf(i);
      const eax = Math.imul(a + low, b);
      if (eax >>> 0 >= c) {
        const sum = (low >>> 0) + d;
        if (sum >= 2 ** 32) high = (high + 1) | 0;
        low = sum | 0;
      }
      const rotated = (low << 7) | (high >>> 25);
      high = (high << 7) | (low >>> 25);
      low = rotated ^ eax;
    }
  }
  return { low, high };
}

/** Code for any address that calls `functions` different functions, `passes` times each, and exits: 0 when right. */
export function generatedCode(functions: number, passes: number): Uint8Array {
  const { low, high } = resultOf(functions, passes);
  const head = [0x31, 0xdb, 0x41, 0xbc, ...word(passes)]; // xor ebx, ebx; mov r12d, passes
  const callsBytes = functions * CALL_BYTES;
  const tail = [
    ...[0x41, 0xff, 0xcc], // dec r12d
    ...[0x0f, 0x85, ...word(-(callsBytes + 3 + 6))], // jnz again
    ...[0x48, 0xb8, ...word(low), ...word(high)], // mov rax, expected
    ...[0x31, 0xff, 0x48, 0x39, 0xc3], // xor edi, edi; cmp rbx, rax
    ...[0x40, 0x0f, 0x95, 0xc7], // setne dil
    ...[0xb8, ...word(1), 0x0f, 0x05], // mov eax, 1; syscall
  ];
  const bodies = head.length + callsBytes + tail.length;
  const bytes = new Uint8Array(bodies + functions * FUNCTION_BYTES);
  bytes.set(head);
  bytes.set(tail, head.length + callsBytes);
  for (let i = 0; i < functions; i++) {
    const call = head.length + i * CALL_BYTES;
    const body = bodies + i * FUNCTION_BYTES;
    bytes.set([0xe8, ...word(body - (call + CALL_BYTES))], call);
    bytes.set(functionBytes(constantsOf(i)), body);
  }
  return bytes;
}

/** As many functions as give so many bytes of code. */
export const functionsIn = (codeBytes: number): number =>
  Math.floor(codeBytes / (FUNCTION_BYTES + CALL_BYTES));

/** The same as a program. */
export function generatedProgram(functions: number, passes: number): Scenario {
  if (functions > MAX_FUNCTIONS) throw new RangeError(`at most ${MAX_FUNCTIONS} functions fit into an image`);
  const bytes = Array.from(generatedCode(functions, passes));
  const part = { vaddr: CODE_ADDRESS, flags: 5, bytes, memoryBytes: bytes.length };
  return singleProgram(`generated-${functions}x${passes}`, buildElf([part], CODE_ADDRESS));
}
