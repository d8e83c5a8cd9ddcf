/** One of the values, by a number that was drawn; undefined when there is none. */
export const pick = <T>(values: readonly T[], draw: number): T | undefined =>
  values[draw % Math.max(values.length, 1)];
