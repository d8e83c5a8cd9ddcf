/**
 * `npm run fuzz`: translated code against the host's processor, in worker processes.
 *
 *   --seconds 60 | --cases 10000000 --programs 1000000    until the time is over, or the goals are reached
 *   --seed 1 --workers 2 --from ROUND [--once]            which rounds, and who does them
 *   --only REGEX --on REGEX                               instructions by name, executors by name
 *   --record                                              adds the counts to what `capjit isa` shows
 *
 * SIGINT and SIGTERM end a run early: it counts what it did.
 *
 * CAPJIT_FUZZ_SECONDS, _SEED, _WORKERS, _ONLY, _ON and _RECORD say the same. Exit code 1: a divergence, or nothing
 * was compared; 2: there is no processor to compare with.
 */

import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { nativeCpu } from "../support/native.ts";
import { recordFuzzed } from "../vectors/files.ts";
import { type FuzzArguments, parseFuzzArguments } from "./arguments.ts";
import { kindOf } from "./rounds.ts";
import { type Progress, Tally } from "./tally.ts";
import type { Task } from "./worker.ts";

const PROGRESS_MILLISECONDS = 30_000;
const MAX_REPORTS = 40;

/** Hands out rounds in order until nothing is left to do. */
class Campaign {
  readonly #args: FuzzArguments;
  readonly #tally: Tally;
  readonly #end: number;
  #next: number;
  /** What was begun is finished, nothing new is handed out. */
  stopped = false;

  constructor(args: FuzzArguments, tally: Tally) {
    this.#args = args;
    this.#tally = tally;
    this.#next = args.from;
    this.#end = args.seconds === undefined ? Infinity : Date.now() + args.seconds * 1000;
  }

  next(): number | undefined {
    const { once, from, cases, programs } = this.#args;
    if (once) return this.#next === from ? this.#next++ : undefined;
    const { single, programs: done, reports } = this.#tally;
    if (this.stopped || Date.now() >= this.#end || reports.length >= MAX_REPORTS) return undefined;
    if (single >= cases && done >= programs) return undefined;
    for (;;) {
      const round = this.#next++;
      const reached = kindOf(round, this.#options) === "programs" ? done >= programs : single >= cases;
      if (!reached) return round;
    }
  }

  get #options(): Parameters<typeof kindOf>[1] {
    const { seed, only } = this.#args;
    return { seed, only: only === undefined ? undefined : new RegExp(only) };
  }
}

/** Works through rounds until there are none; rejects when the process dies. */
function drive(worker: ChildProcess, campaign: Campaign, tally: Tally): Promise<void> {
  return new Promise((resolve, reject) => {
    const give = (): void => {
      const round = campaign.next();
      worker.send({ round } satisfies Task);
    };
    worker.on("message", (message) => {
      const progress = message as Progress;
      tally.add(progress);
      for (const report of progress.reports) console.log(`\n${report}\n`);
      give();
    });
    worker.on("error", reject);
    worker.on("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`a worker ended with ${signal ?? code}`));
    });
    give();
  });
}

async function main(): Promise<number> {
  const args = parseFuzzArguments(process.argv.slice(2));
  const native = nativeCpu();
  if (typeof native === "string") {
    console.error(`fuzz: ${native}`);
    return 2;
  }
  native.close();
  const tally = new Tally();
  const campaign = new Campaign(args, tally);
  const start = Date.now();
  const line = (): string =>
    `${tally.line} (seed ${args.seed}, ${Math.round((Date.now() - start) / 1000)} s)`;
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => (campaign.stopped = true));
  const ticker = setInterval(() => console.log(line()), PROGRESS_MILLISECONDS);
  const script = fileURLToPath(new URL("worker.js", import.meta.url));
  const count = args.once ? 1 : args.workers;
  const workers = Array.from({ length: count }, () => fork(script, process.argv.slice(2)));
  await Promise.all(workers.map((worker) => drive(worker, campaign, tally)));
  clearInterval(ticker);
  for (const [name, cases] of tally.byExecutor) console.log(`  ${String(cases).padStart(10)} ${name}`);
  console.log(`rounds ${args.from} to ${tally.rounds - 1}`);
  if (args.record && tally.reports.length === 0) recordFuzzed(tally.byEncoding);
  console.log(line());
  const compared = tally.single + tally.sequences + tally.programs;
  return tally.reports.length > 0 || compared === 0 ? 1 : 0;
}

process.exitCode = await main();
