/** Random operation sequences. They aim: at ids that were issued, at frames near the ends, at limits and beyond. */

import type { Job, JobKind } from "./jobs.ts";
import { Writer } from "./jobs.ts";
import type { Random } from "./random.ts";
import { OBJECTS, TableWorld } from "./table-world.ts";

const BITMAP_SIZES = [1, 2, 7, 8, 9, 16, 31, 64, 65, 200];

function bitmapJob(random: Random, steps: number): Uint8Array {
  const total = random.pick(BITMAP_SIZES);
  const job = new Writer().u32(total);
  // All frames start used: the first steps make most of them free.
  const opening = Math.min(total, steps >> 1);
  for (let step = 0; step < steps; step++) {
    const draw = random.below(100);
    if (step < opening && draw < 80) job.u8(4).u32(random.below(total));
    else if (draw < 30) job.u8(0).u32(0);
    else if (draw < 55) job.u8(1).u32(random.chance(80) ? random.below(6) : random.below(total + 2));
    else if (draw < 85) job.u8(2).u32(random.chance(90) ? random.below(total) : total + random.below(70));
    else if (draw < 92) job.u8(3).u32(random.below(total));
    else job.u8(4).u32(random.below(total));
  }
  return job.bytes();
}

function frameLedgerJob(random: Random, steps: number): Uint8Array {
  const job = new Writer();
  for (let step = 0; step < steps; step++) {
    job
      .u8(random.pick([0, 0, 1, 1, 2, 3]))
      .u32(random.below(20))
      .u32(random.below(10));
  }
  return job.bytes();
}

/** Calls are charged more often than released: their limit is met. */
const ACCOUNT_OPERATIONS = [14, 15, 16, 17, 18, 18, 18, 18, 18, 18, 19, 20, 21];
/** What a stretch of a table job mostly does, so that limits and last generations are met. */
const MOODS = ["mixed", "mixed", "mixed", "fill", "churn", "account"] as const;

function tableJob(random: Random, steps: number): Uint8Array {
  const job = new Writer();
  const world = new TableWorld();
  /** Ids issued so far, by table. */
  const issued: [number[], number[]] = [[], []];
  let mood: (typeof MOODS)[number] = "mixed";
  for (let step = 0; step < steps; step++) {
    if (step % 64 === 0) mood = random.pick(MOODS);
    const drawn = drawTableStep(random, mood, issued);
    const outcome = world.run(drawn);
    const target = drawn.operation === 10 ? 1 - drawn.which : drawn.which;
    const inserts = drawn.operation === 0 || (drawn.operation === 10 && drawn.detail === 0);
    if (inserts && typeof outcome === "number") issued[target as 0 | 1].push(outcome);
    job.u8(drawn.operation).u8(drawn.which).u32(drawn.id).u8(drawn.detail);
  }
  return job.bytes();
}

function drawTableStep(
  random: Random,
  mood: (typeof MOODS)[number],
  issued: readonly [readonly number[], readonly number[]],
): { operation: number; which: number; id: number; detail: number } {
  const which = mood === "fill" || random.chance(75) ? 0 : 1;
  const known = issued[which as 0 | 1];
  const capability = (): number => {
    // Recent ids mostly; sometimes an old one, a neighbour, another generation, or nonsense.
    const recent = known[known.length - 1 - random.below(Math.min(8, Math.max(known.length, 1)))] ?? 0;
    const draw = random.below(100);
    if (draw < 70) return recent;
    if (draw < 90) return known[random.below(Math.max(known.length, 1))] ?? 0;
    if (draw < 94) return (recent + 1) >>> 0;
    if (draw < 98) return (recent + (random.chance(50) ? 0x100_0000 : 0xff00_0000)) >>> 0;
    return random.next();
  };
  const insert = (objects: number) => ({
    operation: 0,
    which,
    id: random.below(objects),
    detail: random.below(3),
  });
  const draw = random.below(100);
  if (mood === "fill" && draw < 90) return insert(random.chance(97) ? 1 : OBJECTS);
  if (mood === "churn") {
    const newest = known[known.length - 1] ?? 0;
    if (draw < 48) return { ...insert(1), which };
    if (draw < 96) return { operation: 1, which, id: newest, detail: 0 };
  }
  if (mood === "account" && draw < 80) {
    const amount = random.pick([0, 1, 2, 15, 100, 255, 256, 257, 4095, 4096, 4097, 262_144, 0xffff_ffff]);
    return { operation: random.pick(ACCOUNT_OPERATIONS), which, id: amount, detail: 0 };
  }
  if (draw < 25) return insert(OBJECTS);
  if (draw < 92) {
    const operation = random.pick([1, 1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 10, 10]);
    const detail = operation === 10 ? random.below(2) : random.pick([0, 1, 2, 2, 3, 3, 4]);
    return { operation, which, id: capability(), detail };
  }
  if (draw < 97) return { operation: 11, which, id: random.below(OBJECTS), detail: 0 };
  if (draw < 98) return { operation: 12, which, id: random.below(OBJECTS), detail: 0 };
  if (draw < 99) return { operation: 13, which, id: 0, detail: 0 };
  return { operation: 20, which, id: random.below(300), detail: 0 };
}

const U32_VALUES = [1, 2, 7, 8, 16, 17, 255, 256, 65_535, 65_536, 0x8000_0000, 0xffff_ffff];
const U64_VALUES = [1n, 7n, 8n, 0xffn, 0x1_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn];

function wireJob(random: Random, steps: number): Uint8Array {
  const job = new Writer();
  for (let step = 0; step < steps; step++) {
    // Few fields are set, so that one wrong field decides.
    const density = random.pick([0, 5, 15, 40, 90]);
    const u32 = (): number => (random.chance(density) ? random.pick(U32_VALUES) : 0);
    const u64 = (): bigint => (random.chance(density) ? random.pick(U64_VALUES) : 0n);
    job.u8(random.chance(97) ? random.below(12) : random.below(256));
    job.u8(random.chance(60) ? random.pick([0, 16, 32]) : random.below(256));
    job
      .u16(u32() & 0xffff)
      .u32(u32())
      .u64(u64())
      .u64(u64())
      .u32(u32())
      .u32(u32())
      .u64(u64());
    job
      .u64(u64())
      .u16(u32() & 0xffff)
      .u16(u32() & 0xffff)
      .u32(u32())
      .u64(u64());
  }
  return job.bytes();
}

function descriptorsJob(random: Random, steps: number): Uint8Array {
  const job = new Writer();
  for (let step = 0; step < steps; step++) {
    const high = random.chance(30);
    const address = high ? (1n << 64n) - BigInt(1 + random.below(64)) : BigInt(random.next());
    job.u64(address).u32(random.chance(70) ? random.below(64) : random.next());
    job.u16(random.chance(70) ? random.below(4) : random.next() & 0xffff);
    job.u16(random.chance(80) ? 0 : random.next() & 0xffff);
  }
  return job.bytes();
}

export type StepwiseKind = Exclude<JobKind, "image" | "mutant">;

const MAKERS: Readonly<Record<StepwiseKind, (random: Random, steps: number) => Uint8Array>> = {
  bitmap: bitmapJob,
  frameLedger: frameLedgerJob,
  table: tableJob,
  wire: wireJob,
  descriptors: descriptorsJob,
};
export const STEPWISE_KINDS = Object.keys(MAKERS) as readonly StepwiseKind[];

export const randomJob = (kind: StepwiseKind, random: Random, steps: number): Job => {
  return { kind, payload: MAKERS[kind](random, steps) };
};
