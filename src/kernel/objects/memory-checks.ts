/**
 * The rules that hold between the maps of a process's memory, its page tables, the objects it borrows from and
 * the frame allocator. Everything is recomputed from page-table entries; a broken rule comes back as a line that
 * begins with its id.
 */

import { hex, pageNumber } from "../../mmu/address.ts";
import type { FrameNumber } from "../../mmu/address.ts";
import type { PageEntry } from "../../mmu/mmu.ts";
import type { FrameAllocator } from "../frame-allocator.ts";
import { CAPSET_PAGE, pageText, RING_PAGE } from "./claims.ts";
import type { MemoryObject } from "./memory-object.ts";
import type { ProcessMemory } from "./process-memory.ts";
import { brokenCommitRules, brokenReservationRules } from "./reservation.ts";
import type { PageProtection } from "./reservation.ts";

function protectionOfEntry(entry: PageEntry): PageProtection | "rwx" {
  if (!entry.present) return "none";
  if (entry.writable) return entry.executable ? "rwx" : "rw";
  return entry.executable ? "rx" : "r";
}

/** The protection the maps promise for a page that has a frame. */
const promised = (memory: ProcessMemory, page: number): PageProtection | undefined =>
  memory.fixed.get(page) ?? memory.borrowed.get(page)?.protection ?? memory.reservations.committed.get(page);

/**
 * KER-22  A page has a leaf entry exactly when it is fixed, borrowed or committed, and the entry grants what the
 * map says: nothing present for protection none.
 * KER-23  A page that is only reserved has no frame.
 */
function brokenLeafRules(memory: ProcessMemory, leaves: ReadonlyMap<number, PageEntry>): string[] {
  const broken: string[] = [];
  for (const [page, entry] of leaves) {
    const wanted = promised(memory, page);
    const is = protectionOfEntry(entry);
    if (wanted !== undefined) {
      if (is !== wanted) broken.push(`KER-22 page ${pageText(page)} is ${is}, its map says ${wanted}`);
    } else if (memory.reservations.reserved.get(page) === true) {
      broken.push(`KER-23 page ${pageText(page)} is only reserved and has frame ${hex(entry.frame)}`);
    } else {
      broken.push(`KER-22 page ${pageText(page)} has a leaf entry and no map knows it`);
    }
  }
  for (const map of [memory.fixed, memory.borrowed, memory.reservations.committed]) {
    for (const run of map.runs) {
      for (let page = run.first; page < run.end; page++) {
        if (!leaves.has(page)) broken.push(`KER-22 page ${pageText(page)} should have a frame and has none`);
      }
    }
  }
  return broken;
}

/** KER-24  Ring pages are writable and not executable, the CapSet page is read-only; no other pages lie there. */
function brokenFixedRules(leaves: ReadonlyMap<number, PageEntry>): string[] {
  const broken: string[] = [];
  for (const [page, entry] of leaves) {
    if (page < RING_PAGE || page > CAPSET_PAGE) continue;
    const wanted = page === CAPSET_PAGE ? "r" : "rw";
    const is = protectionOfEntry(entry);
    if (is !== wanted) broken.push(`KER-24 page ${pageText(page)} is ${is}, must be ${wanted}`);
  }
  return broken;
}

/** KER-25  No page of a process is writable and executable. */
function brokenWriteOrExecuteRules(leaves: ReadonlyMap<number, PageEntry>): string[] {
  return [...leaves]
    .filter(([, entry]) => entry.present && entry.writable && entry.executable)
    .map(([page]) => `KER-25 page ${pageText(page)} is writable and executable`);
}

/** Every rule about one process's memory: KER-1, KER-2, KER-22 to KER-25. */
export function brokenMemoryRules(memory: ProcessMemory): string[] {
  const leaves = new Map<number, PageEntry>(memory.space.entries());
  return [
    ...brokenReservationRules(memory.reservations.reserved.runs),
    ...brokenCommitRules(memory.reservations),
    ...brokenLeafRules(memory, leaves),
    ...brokenFixedRules(leaves),
    ...brokenWriteOrExecuteRules(leaves),
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

/** KER-20  Every frame has one owner (page table, process page or object) or is free. */
function brokenOwnershipRules(machine: MachineMemory): string[] {
  const broken: string[] = [];
  const owners = new Map<FrameNumber, string>();
  const own = (frame: FrameNumber, owner: string): void => {
    const other = owners.get(frame);
    if (other !== undefined) broken.push(`KER-20 frame ${hex(frame)} belongs to ${other} and to ${owner}`);
    if (!machine.frames.isUsed(frame)) broken.push(`KER-20 frame ${hex(frame)} of ${owner} is free`);
    owners.set(frame, owner);
  };
  let tables = 0;
  for (const memory of machine.memories) {
    tables += memory.space.tableFrames;
    for (const [page, entry] of memory.space.entries()) {
      if (memory.borrowed.get(page) === undefined) own(entry.frame, `page ${pageText(page)}`);
    }
  }
  for (const object of machine.objects) {
    if (!object.freed) for (const frame of object.frames) own(frame, "a memory object");
  }
  const used = machine.frames.frameCount - machine.frames.freeCount;
  const known = machine.usedAtStart + tables + owners.size;
  if (used !== known) broken.push(`KER-20 ${used} frames are used, the owners of ${known} are known`);
  return broken;
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
