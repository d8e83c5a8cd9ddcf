import { expect, test } from "vitest";
import { cpuid, cpuidOf, DEFAULT_FEATURES, FEATURE_BITS, isFeature } from "../../src/frontend/features.ts";

const text = (...words: number[]): string =>
  words
    .map((word) => String.fromCharCode(word & 255, (word >> 8) & 255, (word >> 16) & 255, word >>> 24))
    .join("");

test("vendor and brand", () => {
  expect(text(cpuid(1, 0, 0), cpuid(3, 0, 0), cpuid(2, 0, 0))).toBe("capjitx86_64");
  const brand = [0, 1, 2].flatMap((i) => [0, 1, 2, 3].map((register) => cpuid(register, 0x8000_0002 + i, 0)));
  expect(text(...brand).replaceAll("\0", "")).toBe("capjit x86_64");
});

test("exactly the given features are reported", () => {
  const features = new Set(["sse2", "bmi1", "lm"] as const);
  const reported = (name: keyof typeof FEATURE_BITS, get: typeof cpuid): boolean => {
    const { leaf, register, position } = FEATURE_BITS[name];
    return ((get(register, leaf, 0) >> position) & 1) === 1;
  };
  for (const name of Object.keys(FEATURE_BITS).filter(isFeature)) {
    expect([name, reported(name, cpuidOf(features))]).toEqual([name, (features as Set<string>).has(name)]);
    expect([name, reported(name, cpuid)]).toEqual([name, DEFAULT_FEATURES.has(name)]);
  }
});

test("no two features share a bit, and unknown leaves are zero", () => {
  const places = Object.values(FEATURE_BITS).map(
    ({ leaf, register, position }) => `${leaf} ${register} ${position}`,
  );
  expect(new Set(places).size).toBe(places.length);
  for (const leaf of [2, 6, 0x4000_0000, 0x8000_0009, 0xffff_ffff | 0]) {
    expect([0, 1, 2, 3].map((register) => cpuid(register, leaf, 0))).toEqual([0, 0, 0, 0]);
  }
  expect(cpuid(1, 7, 1)).toBe(0);
  expect(cpuid(0, 0, 0)).toBe(7);
  expect(cpuid(0, 0x8000_0000 | 0, 0)).toBe(0x8000_0008 | 0);
  expect(isFeature("toString")).toBe(false);
});
