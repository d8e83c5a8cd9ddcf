/**
 * The rules that hold between the maps of a process's memory, its page tables, the objects it borrows from and
 * the frame allocator. Everything is recomputed from page-table entries; a broken rule comes back as a line that
 * begins with its id.
 */

import { hex, pageNumber } from "../../mmu/address.ts";
import type { FrameNumber } from "../../mmu/address.ts";
import { at, describeLeaf, frameOf } from "../../mmu/entry.ts";
import type { PageEntry } from "../../mmu/mmu.ts";
import type { Leaves } from "../../mmu/space-image.ts";
import type { FrameAllocator } from "../frame-allocator.ts";
import { Remembered } from "../remembered.ts";
import { CAPSET_PAGE, pageText, RING_PAGE } from "./claims.ts";
import type { MemoryObject } from "./memory-object.ts";
import type { ProcessMemory } from "./process-memory.ts";
import { brokenCommitRules, brokenReservationRules } from "./reservation.ts";
import type { PageProtection } from "./reservation.ts";
import type { Run } from "./run-map.ts";

function protectionOfEntry(entry: PageEntry): PageProtection | "rwx" {
  if (!entry.present) return "none";
  if (entry.writable) return entry.executable ? "rwx" : "rw";
  return entry.executable ? "rx" : "r";
}

const entryAt = ({ lows, highs }: Leaves, i: number): PageEntry => describeLeaf(at(lows, i), at(highs, i));

/** The protection that the maps promise for pages that have a frame, in address order. */
function promises({ fixed, borrowed, reservations }: ProcessMemory): readonly Run<PageProtection>[] {
  const shown = borrowed.runs.map(({ first, end, value }) => ({ first, end, value: value.protection }));
  const all = [...fixed.runs, ...shown, ...reservations.committed.runs];
  return all.sort((a, b) => a.first - b.first);
}

/**
 * KER-22  A page has a leaf entry exactly when it is fixed, borrowed or committed, and the entry grants what the
 * map says: nothing present for protection none.
 * KER-23  A page that is only reserved has no frame.
 */
function brokenLeafRules(memory: ProcessMemory, leaves: Leaves): string[] {
  const broken: string[] = [];
  const { pages } = leaves;
  let next = 0;
  const unpromised = (end: number): void => {
    for (; next < pages.length && (pages[next] as number) < end; next++) {
      broken.push(unknownLeaf(memory, pages[next] as number, entryAt(leaves, next).frame));
    }
  };
  for (const { first, end, value: wanted } of promises(memory)) {
    unpromised(first);
    for (let page = first; page < end; page++) {
      if (pages[next] !== page) {
        broken.push(`KER-22 page ${pageText(page)} should have a frame and has none`);
        continue;
      }
      const is = protectionOfEntry(entryAt(leaves, next++));
      if (is !== wanted) broken.push(`KER-22 page ${pageText(page)} is ${is}, its map says ${wanted}`);
    }
  }
  unpromised(Infinity);
  return broken;
}

function unknownLeaf({ reservations }: ProcessMemory, page: number, frame: FrameNumber): string {
  return reservations.reserved.get(page) === true
    ? `KER-23 page ${pageText(page)} is only reserved and has frame ${hex(frame)}`
    : `KER-22 page ${pageText(page)} has a leaf entry and no map knows it`;
}

/**
 * KER-24  Ring pages are writable and not executable, the CapSet page is read-only; no other pages lie there.
 * KER-25  No page of a process is writable and executable.
 */
function brokenProtectionRules(leaves: Leaves): string[] {
  const broken: string[] = [];
  for (let i = 0; i < leaves.pages.length; i++) {
    const page = leaves.pages[i] as number;
    const is = protectionOfEntry(entryAt(leaves, i));
    if (is === "rwx") broken.push(`KER-25 page ${pageText(page)} is writable and executable`);
    if (page < RING_PAGE || page > CAPSET_PAGE) continue;
    const wanted = page === CAPSET_PAGE ? "r" : "rw";
    if (is !== wanted) broken.push(`KER-24 page ${pageText(page)} is ${is}, must be ${wanted}`);
  }
  return broken;
}

/** Everything that the rules about one process's memory look at. */
export function memoryInputs(memory: ProcessMemory): readonly unknown[] {
  const { fixed, borrowed, reservations, space, pages } = memory;
  const inputs: unknown[] = [space.leaves(), space.root];
  for (const runs of [
    fixed.runs,
    borrowed.runs,
    reservations.reserved.runs,
    reservations.committed.runs,
    pages,
  ]) {
    inputs.push(runs.length);
    for (let i = 0; i < runs.length; i++) inputs.push(runs[i]);
  }
  return inputs;
}

/** Every rule about one process's memory: KER-1, KER-2, KER-22 to KER-25. */
export function brokenMemoryRules(memory: ProcessMemory): string[] {
  const leaves = memory.space.leaves();
  return [
    ...brokenReservationRules(memory.reservations.reserved.runs),
    ...brokenCommitRules(memory.reservations),
    ...brokenLeafRules(memory, leaves),
    ...brokenProtectionRules(leaves),
  ];
}

/** What the rules about shared frames are recomputed from. */
export interface MachineMemory {
  readonly frames: FrameAllocator;
  /** Frames used before the first process and object: holes of the memory map, bitmap, kernel. */
  readonly usedAtStart: number;
  /** Every live address space and every object made. */
  readonly memories: Iterable<ProcessMemory>;
  readonly objects: Iterable<MemoryObject>;
}

/** Pages that are a process's own, all but the borrowed ones, and their frames. */
interface OwnPages {
  readonly pages: readonly number[];
  readonly frames: readonly FrameNumber[];
}
const OWN_PAGES = new Remembered<ProcessMemory, OwnPages>();

function ownPages(memory: ProcessMemory): OwnPages {
  const leaves = memory.space.leaves();
  const borrowed = memory.borrowed.runs;
  return OWN_PAGES.of(memory, [leaves, ...borrowed], () => {
    const own: { pages: number[]; frames: FrameNumber[] } = { pages: [], frames: [] };
    let run = 0;
    for (const [i, page] of leaves.pages.entries()) {
      while ((borrowed[run]?.end ?? Infinity) <= page) run++;
      if ((borrowed[run]?.first ?? Infinity) <= page) continue;
      own.pages.push(page);
      own.frames.push(frameOf(at(leaves.lows, i)));
    }
    return own;
  });
}

/** KER-20  Every frame has one owner (page table, process page or object) or is free. */
function brokenOwnershipRules(machine: MachineMemory): string[] {
  const broken: string[] = [];
  const { frames } = machine;
  const owned = new Uint8Array(frames.frameCount);
  let known = machine.usedAtStart;
  const ownAll = (some: readonly FrameNumber[]): void => {
    for (let i = 0; i < some.length; i++) {
      const frame = some[i] as FrameNumber;
      if (owned[frame] === 0 && frames.isUsed(frame)) known++;
      else broken.push(`KER-20 frame ${hex(frame)} ${frameText(machine, frame)}`);
      owned[frame] = 1;
    }
  };
  for (const memory of machine.memories) {
    known += memory.space.tableFrames;
    ownAll(ownPages(memory).frames);
  }
  for (const object of machine.objects) if (!object.freed) ownAll(object.frames);
  const used = frames.frameCount - frames.freeCount;
  if (used !== known && broken.length === 0) {
    broken.push(`KER-20 ${used} frames are used, the owners of ${known} are known`);
  }
  return broken;
}

/** What is wrong with a frame: it has several owners, or its owner has it while it is free. */
function frameText(machine: MachineMemory, frame: FrameNumber): string {
  const owners: string[] = [];
  for (const memory of machine.memories) {
    const { pages, frames } = ownPages(memory);
    pages.forEach((page, i) => void (frames[i] === frame && owners.push(`page ${pageText(page)}`)));
  }
  for (const { freed, frames } of machine.objects) {
    if (!freed && frames.includes(frame)) owners.push("a memory object");
  }
  return owners.length > 1 ? `belongs to ${owners.join(" and to ")}` : `of ${owners.join()} is free`;
}

/**
 * KER-21  A memory object has its frames while a capability or a mapping names it, gives them back with the
 * last, and a borrowed page shows the object's frame.
 */
function brokenObjectRules(machine: MachineMemory): string[] {
  const broken: string[] = [];
  const mapped = new Map<MemoryObject, number>();
  for (const memory of machine.memories) {
    for (const { first, end, value } of memory.borrowed.runs) {
      mapped.set(value.object, (mapped.get(value.object) ?? 0) + end - first);
      for (let page = first; page < end; page++) {
        const shown = memory.space.query(pageNumber(page))?.frame;
        if (shown !== value.object.frames[page + value.delta]) {
          broken.push(`KER-21 page ${pageText(page)} shows another frame than its memory object has`);
        }
      }
    }
  }
  for (const object of machine.objects) {
    const pages = mapped.get(object) ?? 0;
    if (pages !== object.mappedPages) {
      broken.push(`KER-21 a memory object counts ${object.mappedPages} mapped pages, there are ${pages}`);
    }
    if (object.freed && (pages > 0 || object.holds > 0)) {
      broken.push(
        `KER-21 a memory object with ${object.holds} holds and ${pages} mapped pages has no frames`,
      );
    }
  }
  return broken;
}

/** The rules between processes, objects and the frame allocator: KER-20, KER-21, KER-26. */
export function brokenSharingRules(machine: MachineMemory): string[] {
  return [...brokenOwnershipRules(machine), ...brokenObjectRules(machine), ...machine.frames.brokenRules()];
}
