import { expect, test } from "vitest";
import { cpuidOf, FEATURE_BITS, isFeature } from "../../src/frontend/features.ts";
import { DEFAULT_FEATURES, implementedFeatures } from "../../src/frontend/implemented.ts";
import { encodings } from "../../src/frontend/tables/encodings.ts";
import { unsupported } from "../../src/frontend/tables/row.ts";

const cpuid = cpuidOf(DEFAULT_FEATURES);

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

test("a feature is there when all its rows are", () => {
  const all = encodings();
  const without = (feature: string) =>
    implementedFeatures(
      all.map((e, i) =>
        all.findIndex(({ row }) => row.feature === feature) === i
          ? { ...e, row: unsupported("missing", [], { feature: e.row.feature ?? "fpu" }) }
          : e,
      ),
    );
  for (const feature of ["bmi2", "aes", "sha"] as const) {
    expect(DEFAULT_FEATURES.has(feature)).toBe(true);
    expect(without(feature).has(feature)).toBe(false);
    expect(without(feature).size).toBe(DEFAULT_FEATURES.size - 1);
  }
});

test("the baseline is always reported", () => {
  for (const feature of ["tsc", "cx8", "cmov", "sse", "sse2", "syscall", "nx", "lm"] as const)
    expect(DEFAULT_FEATURES.has(feature)).toBe(true);
});
