/** When a difference between repetitions means nothing. */

import type { Spread } from "../../src/cli/spread.ts";

/** Differences below this share are noise on a machine that does other things too. */
export const NOISE = 0.25;

/** Of positive values; NaN of none. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** True when the runs lie so far apart that the median says little. */
export const isNoisy = ({ median, min, max }: Spread): boolean => max - min > NOISE * median;

/** With fewer runs the range says nothing about the spread. */
const ENOUGH_RUNS = 3;

export type Verdict = "faster" | "slower" | "noise";

/** What changed from `before` to `after`, where smaller is better. */
export function compareSpreads(before: Spread, after: Spread): Verdict {
  if (Math.min(before.count, after.count) < ENOUGH_RUNS) return "noise";
  const apart = after.min > before.max || after.max < before.min;
  const ratio = after.median / before.median;
  const large = Math.max(ratio, 1 / ratio) >= 1 + NOISE;
  if (!apart || !large) return "noise";
  return ratio < 1 ? "faster" : "slower";
}
