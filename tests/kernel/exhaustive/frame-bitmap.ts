/**
 * The frame bitmap, every state there is: each set of free frames with each place of the hint, reachable or not, and
 * every operation in it. What must happen is computed from the definition, frame by frame.
 */

import { FrameBitmap } from "../../../src/kernel/frame-allocator.ts";
import type { Report } from "./explorer.ts";

/** What is free (bit f of `free`) and where the next search starts. */
interface State {
  readonly free: number;
  readonly hint: number;
}
interface Step extends State {
  readonly outcome: number | string | undefined;
}

const isFree = (free: number, frame: number): boolean => ((free >>> frame) & 1) === 1;
const ones = (count: number): number => 2 ** count - 1;

/** The first run of free frames at or after `from`, or undefined. */
function firstRun(free: number, from: number, count: number, total: number): number | undefined {
  for (let first = from; first + count <= total; first++) {
    const run = ones(count) << first;
    if ((free & run) === run) return first;
  }
  return undefined;
}

/** The lengths of runs there are, none, the first too long one, and one more than there are frames. */
function runLengths(free: number, total: number): number[] {
  let longest = 0;
  while (firstRun(free, 0, longest + 1, total) !== undefined) longest++;
  return [...new Set([...Array.from({ length: longest + 2 }, (_, count) => count), total + 1])];
}

function take({ free, hint }: State, count: number, total: number): Step {
  if (count === 0) return { free, hint, outcome: undefined };
  const first = firstRun(free, hint, count, total) ?? firstRun(free, 0, count, total);
  if (first === undefined) return { free, hint, outcome: undefined };
  return { free: free & ~(ones(count) << first), hint: first + count, outcome: first };
}

function give({ free, hint }: State, frame: number, total: number): Step {
  if (frame >= total) return { free, hint, outcome: "outOfRange" };
  if (isFree(free, frame)) return { free, hint, outcome: "doubleFree" };
  return { free: free | (1 << frame), hint, outcome: "ok" };
}

/** The real bitmap brought into a state: the hint moves only by allocating the frame before it. */
function realAt(bytes: Uint8Array, { free, hint }: State, total: number): FrameBitmap {
  const map = new FrameBitmap(bytes, total);
  if (hint > 0) {
    map.markFree(hint - 1);
    map.allocate();
  }
  for (let frame = 0; frame < total; frame++) if (isFree(free, frame)) map.markFree(frame);
  return map;
}

function freeOf(map: FrameBitmap): number {
  let free = 0;
  for (const [at, byte] of map.bytes.entries()) free |= (~byte & 0xff) << (8 * at);
  return free >>> 0;
}

function countOnes(value: number): number {
  let count = 0;
  for (let left = value; left !== 0; left &= left - 1) count++;
  return count;
}

/** The hint itself cannot be seen; with everything free the next frame is the one it points at. */
function sameAfter(map: FrameBitmap, wanted: Step, total: number): boolean {
  if (freeOf(map) !== wanted.free || map.freeCount !== countOnes(wanted.free)) return false;
  map.markRunFree(0, total);
  return map.freeCount === total && map.allocate() === wanted.hint % total;
}

/** Bitmaps of 1 to `largest` frames, as many as the time allows. */
export function checkFrameBitmap(largest: number, deadline: number): Report {
  const start = performance.now();
  const outcomes = new Map<string, number>();
  const broken: string[] = [];
  let states = 0;
  let transitions = 0;
  let done = 0;
  const bytes = new Uint8Array(FrameBitmap.bytesFor(largest));
  const compare = (
    state: State,
    total: number,
    name: string,
    step: Step,
    act: (map: FrameBitmap) => unknown,
  ): void => {
    const map = realAt(bytes.subarray(0, FrameBitmap.bytesFor(total)), state, total);
    transitions++;
    if (act(map) === step.outcome && sameAfter(map, step, total)) return;
    broken.push(`KER-26 ${total} frames, free ${state.free.toString(2)}, hint ${state.hint}: ${name}`);
  };
  for (let total = 1; total <= largest && performance.now() < deadline && broken.length === 0; total++) {
    for (let free = 0; free <= ones(total); free++) {
      const lengths = runLengths(free, total);
      for (let hint = 0; hint <= total; hint++) {
        const state = { free, hint };
        states++;
        compare(state, total, "allocate", take(state, 1, total), (map) => map.allocate());
        for (const count of lengths) {
          const step = take(state, count, total);
          compare(state, total, `allocate ${count}`, step, (map) => map.allocateContiguous(count));
        }
      }
      // Giving back does not look at the hint: one hint for each set, all hints over all sets.
      const state = { free, hint: free % (total + 1) };
      for (let frame = 0; frame <= total; frame++) {
        compare(state, total, `free ${frame}`, give(state, frame, total), (map) => map.free(frame));
      }
      if ((free & 0xfff) === 0 && performance.now() > deadline) break;
    }
    if (performance.now() <= deadline) done = total;
  }
  outcomes.set("compared", transitions);
  const seconds = (performance.now() - start) / 1000;
  const bound = `1 to ${done} frames, all sets of free frames with all hints, runs of every length`;
  return {
    name: "frame bitmap",
    bound,
    states,
    transitions,
    depth: 1,
    complete: true,
    seconds,
    outcomes,
    broken,
  };
}
