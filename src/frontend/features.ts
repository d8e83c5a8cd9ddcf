/**
 * Names of the parts of the instruction set: one list for what CPUID reports and for which rows are legal. A row
 * of the tables names its feature; with the feature off its encoding is undefined. implemented.ts says which are
 * there.
 */

/** Register numbers of the `cpuid` operation. */
const EAX = 0;
const EBX = 1;
const ECX = 2;
const EDX = 3;

const bit = (leaf: number, register: number, position: number) => ({ leaf, register, position });

/** Where CPUID reports each feature (Intel SDM vol. 2, CPUID; AMD APM vol. 3, appendix E). */
export const FEATURE_BITS = {
  fpu: bit(1, EDX, 0),
  tsc: bit(1, EDX, 4),
  cx8: bit(1, EDX, 8),
  cmov: bit(1, EDX, 15),
  clfsh: bit(1, EDX, 19),
  mmx: bit(1, EDX, 23),
  fxsr: bit(1, EDX, 24),
  sse: bit(1, EDX, 25),
  sse2: bit(1, EDX, 26),
  sse3: bit(1, ECX, 0),
  pclmulqdq: bit(1, ECX, 1),
  ssse3: bit(1, ECX, 9),
  cx16: bit(1, ECX, 13),
  "sse4.1": bit(1, ECX, 19),
  "sse4.2": bit(1, ECX, 20),
  movbe: bit(1, ECX, 22),
  popcnt: bit(1, ECX, 23),
  aes: bit(1, ECX, 25),
  xsave: bit(1, ECX, 26),
  rdrand: bit(1, ECX, 30),
  fsgsbase: bit(7, EBX, 0),
  bmi1: bit(7, EBX, 3),
  bmi2: bit(7, EBX, 8),
  rdseed: bit(7, EBX, 18),
  adx: bit(7, EBX, 19),
  clflushopt: bit(7, EBX, 23),
  clwb: bit(7, EBX, 24),
  sha: bit(7, EBX, 29),
  rdpid: bit(7, ECX, 22),
  lahf: bit(0x8000_0001, ECX, 0),
  lzcnt: bit(0x8000_0001, ECX, 5),
  prefetchw: bit(0x8000_0001, ECX, 8),
  syscall: bit(0x8000_0001, EDX, 11),
  nx: bit(0x8000_0001, EDX, 20),
  rdtscp: bit(0x8000_0001, EDX, 27),
  lm: bit(0x8000_0001, EDX, 29),
} as const;

export type Feature = keyof typeof FEATURE_BITS;
export type FeatureSet = ReadonlySet<Feature>;

export const isFeature = (name: string): name is Feature => Object.hasOwn(FEATURE_BITS, name);

const VENDOR = "capjitx86_64";
const BRAND = "capjit x86_64";
const MAX_BASIC_LEAF = 7;
const MAX_EXTENDED_LEAF = 0x8000_0008;

/** Four characters of a text as CPUID packs them, NUL beyond its end. */
function packed(text: string, start: number): number {
  let word = 0;
  for (let i = 0; i < 4; i++) {
    const code = start + i < text.length ? text.charCodeAt(start + i) : 0;
    word |= code << (8 * i);
  }
  return word;
}

/** What is not a feature bit, by leaf and register. */
function identification(register: number, leaf: number): number {
  switch (leaf) {
    case 0:
      // The vendor text is in EBX, EDX, ECX in this order.
      return register === EAX
        ? MAX_BASIC_LEAF
        : packed(VENDOR, register === EBX ? 0 : register === EDX ? 4 : 8);
    case 1:
      // Family 6; in EBX one logical processor and a 64-byte line for CLFLUSH.
      return register === EAX ? 0x0000_06f0 : register === EBX ? 0x0001_0800 : 0;
    case 0x8000_0000:
      return register === EAX ? MAX_EXTENDED_LEAF | 0 : 0;
    case 0x8000_0002:
    case 0x8000_0003:
    case 0x8000_0004:
      return packed(BRAND, (leaf - 0x8000_0002) * 16 + register * 4);
    case 0x8000_0007:
      // The time-stamp counter never stops and never changes its rate.
      return register === EDX ? 1 << 8 : 0;
    case 0x8000_0008:
      // 48 bits of virtual, 40 bits of physical address.
      return register === EAX ? 0x3028 : 0;
    default:
      return 0;
  }
}

/** CPUID of a processor with these features: register 0..3 (eax, ebx, ecx, edx) as an int32. */
export function cpuidOf(features: FeatureSet): (register: number, leaf: number, subleaf: number) => number {
  return (register, leaf, subleaf) => {
    const unsignedLeaf = leaf >>> 0;
    if (unsignedLeaf === 7 && subleaf !== 0) return 0;
    let word = identification(register, unsignedLeaf);
    for (const feature of features) {
      const place = FEATURE_BITS[feature];
      if (place.leaf === unsignedLeaf && place.register === register) word |= 1 << place.position;
    }
    return word | 0;
  };
}
