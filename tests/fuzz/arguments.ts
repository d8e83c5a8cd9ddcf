/** The command line of `npm run fuzz`; what is left out comes from the environment. */

import { parseArgs } from "node:util";

export interface FuzzArguments {
  readonly seed: number;
  /** Stops when it is over; undefined: only when the goals are reached. */
  readonly seconds: number | undefined;
  /** Goals: single-instruction cases and programs. */
  readonly cases: number;
  readonly programs: number;
  readonly workers: number;
  readonly only: string | undefined;
  readonly on: string | undefined;
  /** Where to begin: long runs may be done in parts. */
  readonly from: number;
  /** Only the round that `from` names. */
  readonly once: boolean;
  /** Adds the numbers of cases to what `capjit isa` shows. */
  readonly record: boolean;
}

const DEFAULT_SECONDS = 60;
const DEFAULT_WORKERS = 2;

const text = { type: "string" } as const;

function numberOf(name: string, value: string | undefined): number | undefined {
  if (value === undefined || value === "") return undefined;
  const number = Number(value);
  if (!Number.isFinite(number) || number < 0) throw new RangeError(`${name} must be a number, not ${value}`);
  return number;
}

export function parseFuzzArguments(argv: readonly string[]): FuzzArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: text,
      seconds: text,
      cases: text,
      programs: text,
      workers: text,
      only: text,
      on: text,
      from: text,
      once: { type: "boolean", default: false },
      record: { type: "boolean", default: false },
    },
  });
  const { env } = process;
  const cases = numberOf("--cases", values.cases);
  const programs = numberOf("--programs", values.programs);
  const seconds = numberOf("--seconds", values.seconds ?? env["CAPJIT_FUZZ_SECONDS"]);
  const goals = cases !== undefined || programs !== undefined;
  return {
    seed: numberOf("--seed", values.seed ?? env["CAPJIT_FUZZ_SEED"]) ?? 1,
    seconds: seconds ?? (goals ? undefined : DEFAULT_SECONDS),
    cases: cases ?? (goals ? 0 : Infinity),
    programs: programs ?? (goals ? 0 : Infinity),
    workers: Math.max(
      1,
      numberOf("--workers", values.workers ?? env["CAPJIT_FUZZ_WORKERS"]) ?? DEFAULT_WORKERS,
    ),
    only: values.only ?? env["CAPJIT_FUZZ_ONLY"],
    on: values.on ?? env["CAPJIT_FUZZ_ON"],
    from: numberOf("--from", values.from) ?? 0,
    once: values.once,
    record: values.record || env["CAPJIT_FUZZ_RECORD"] !== undefined,
  };
}
