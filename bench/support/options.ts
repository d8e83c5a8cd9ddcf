/** Checked values of bench options; a wrong one ends the bench with one line. */

import { type Tier, TIERS } from "../../src/jit/options.ts";
import { isProgram, type ProgramName, PROGRAM_NAMES } from "../../src/cli/bench-programs.ts";
import { MIXES } from "../programs.ts";

export function refuse(text: string): never {
  console.error(`bench: ${text}`);
  process.exit(2);
}

export function countOption(name: string, text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) refuse(`--${name}: ${text} is not a count from 1 on`);
  return Number(text);
}

/** Programs by name, and whole mixes by the name of the mix. */
export function programsOption(text: string): ProgramName[] {
  const names = text.split(",").flatMap((name) => {
    const mix = Object.hasOwn(MIXES, name) ? MIXES[name] : undefined;
    if (mix !== undefined) return [...mix];
    if (!isProgram(name)) refuse(`--programs: there is no ${name}; there are ${PROGRAM_NAMES.join(", ")}`);
    return [name];
  });
  return [...new Set(names)];
}

/** Values of `capjit run --tier`, with commas between. */
export function tiersOption(text: string): Tier[] {
  return text.split(",").map((name) => {
    const tier = TIERS.find((known) => known === name);
    return tier ?? refuse(`--tiers: there is no ${name}; there are ${TIERS.join(", ")}`);
  });
}

/** One value of `capjit run --tier`, for benches that run guests in their own process. */
export function tierOption(text: string): Tier {
  const [tier, ...others] = tiersOption(text);
  if (tier === undefined || others.length > 0) refuse("--tier: give one tier");
  return tier;
}
