/** A process of the fuzzer: does the rounds it is given, one after the other, and ends when there is none. */

import { nativeCpu } from "../support/native.ts";
import { parseFuzzArguments } from "./arguments.ts";
import { type RoundOptions, Rounds } from "./rounds.ts";
import { type Progress, progressOf } from "./tally.ts";

export interface Task {
  readonly round?: number | undefined;
}

/** Divergences of one name are reported once, and at most so many of a round. */
const MAX_REPORTS = 5;

const { seed, only, on } = parseFuzzArguments(process.argv.slice(2));
const native = nativeCpu();
if (typeof native === "string") throw new Error(native);
const pattern = (text: string | undefined): RegExp | undefined =>
  text === undefined ? undefined : new RegExp(text);
const options: RoundOptions = { seed, only: pattern(only), on: pattern(on) };
const rounds = new Rounds(native, options);
const seen = new Set<string>();

/** The command that does one round again. */
function again(round: number): string {
  const filters = [only === undefined ? "" : ` --only '${only}'`, on === undefined ? "" : ` --on '${on}'`];
  return `npm run fuzz -- --seed ${seed} --from ${round} --once${filters.join("")}`;
}

async function doRound(round: number): Promise<Progress> {
  const outcome = rounds.run(round);
  const reports: string[] = [];
  for (const found of outcome.divergences) {
    const key = found.specimen.pieces.map(({ name }) => name).join();
    if (seen.has(key) || reports.length >= MAX_REPORTS) continue;
    seen.add(key);
    reports.push(await rounds.report(found, again(round)));
  }
  return progressOf(round, outcome, reports);
}

// A terminal sends its signals to every process; the parent decides.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => undefined);

process.on("message", (message) => {
  const { round } = message as Task;
  if (round === undefined) {
    process.disconnect();
    return;
  }
  void doRound(round).then((progress) => process.send?.(progress));
});
