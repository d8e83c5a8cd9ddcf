/**
 * The third kind of failure: a bug of capjit itself. Guest faults and refused calls are values; only a broken
 * invariant is thrown, and nothing but the command line and tests catches it.
 */

/** How much is recomputed while running. `frugal`: the thing just changed. `full`: whole parts. */
export type CheckLevel = "off" | "frugal" | "full";

/** A broken invariant of capjit. Each line of the message starts with the id of the rule, such as `MMU-1`. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
  readonly broken: readonly string[];

  constructor(broken: readonly string[]) {
    super(broken.join("\n"));
    this.broken = broken;
  }
}

/** Throws an `InvariantError` when `broken` names any rule. */
export function demand(broken: readonly string[]): void {
  if (broken.length > 0) throw new InvariantError(broken);
}
