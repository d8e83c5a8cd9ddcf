import { expect, test } from "vitest";
import { spreadOf } from "../../src/cli/spread.ts";
import { compareSpreads, geometricMean, isNoisy } from "../../bench/support/statistics.ts";
import { figure, tableText } from "../../src/cli/table.ts";

test("the median of an even count lies between the middle two", () => {
  expect(spreadOf([4, 1, 3, 2])).toEqual({ count: 4, median: 2.5, min: 1, max: 4 });
  expect(spreadOf([7])).toEqual({ count: 1, median: 7, min: 7, max: 7 });
  expect(() => spreadOf([])).toThrow(RangeError);
});

test("a geometric mean treats halves and doubles alike", () => {
  expect(geometricMean([0.5, 2, 4, 0.25])).toBeCloseTo(1, 12);
});

test("a difference counts only when the runs do not overlap and it is large", () => {
  const before = spreadOf([100, 101, 102]);
  expect(compareSpreads(before, spreadOf([60, 61, 62]))).toBe("faster");
  expect(compareSpreads(before, spreadOf([140, 141, 142]))).toBe("slower");
  expect(compareSpreads(before, spreadOf([110, 111, 112]))).toBe("noise");
  expect(compareSpreads(before, spreadOf([60, 61, 101]))).toBe("noise");
  expect(compareSpreads(before, spreadOf([60, 61]))).toBe("noise");
});

test("runs far apart are noisy", () => {
  expect(isNoisy(spreadOf([100, 110, 120]))).toBe(false);
  expect(isNoisy(spreadOf([100, 110, 140]))).toBe(true);
});

test("tables are aligned and figures short", () => {
  expect(tableText(["name", "x"], [["long name", "1"]])).toBe("name       x\n---------  -\nlong name  1");
  expect([0.1234, 1.234, 12.34, 123.4, NaN].map(figure)).toEqual(["0.123", "1.23", "12.3", "123", "-"]);
});
