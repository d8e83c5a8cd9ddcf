/**
 * Rules about memory authority beside those of objects/memory-checks.ts: who may have changed a page, where nothing
 * may ever lie, whose address space a capability acts on, and what a reply may tell. A line begins with the rule's id.
 */

import { hex, PAGE_BYTES } from "../mmu/address.ts";
import { VIRTUAL_MEMORY } from "./caps/virtual-memory.ts";
import type { KernelObject } from "./object.ts";
import type { MachineMemory } from "./objects/memory-checks.ts";
import { CAPSET_PAGE, pageText, RING_PAGE } from "./objects/claims.ts";
import type { Endpoint } from "./objects/endpoint.ts";
import type { Process } from "./objects/process.ts";
import type { PageExplanation, ProcessMemory } from "./objects/process-memory.ts";

/** KER-27  Every owned frame is a whole frame of guest RAM other than frame 0, so its address is page aligned. */
export function brokenFrameNumberRules({ frames, memories, objects }: MachineMemory): string[] {
  const broken: string[] = [];
  const check = (frame: number, owner: string): void => {
    if (Number.isInteger(frame) && frame > 0 && frame < frames.frameCount) return;
    broken.push(`KER-27 ${owner} has ${frame}, which is no frame of guest RAM that may be owned`);
  };
  for (const { space } of memories) {
    check(space.root, `address space ${space.id}`);
    for (const [page, { frame }] of space.entries()) check(frame, `page ${pageText(page)}`);
  }
  for (const object of objects) {
    if (!object.freed) for (const frame of object.frames) check(frame, "a memory object");
  }
  return broken;
}

/** Which capability may have brought a page into its present state. */
type PageKind = "fixed" | "anonymous" | "borrowed";
const AUTHORS: Readonly<Record<PageKind, string | undefined>> = {
  fixed: undefined,
  anonymous: "VirtualMemory",
  borrowed: "MemoryObject",
};

function kindOf(memory: ProcessMemory, page: number): PageKind | undefined {
  const kinds: PageKind[] = [];
  if (memory.fixed.get(page) !== undefined) kinds.push("fixed");
  if (memory.reservations.reserved.get(page) === true) kinds.push("anonymous");
  if (memory.borrowed.get(page) !== undefined) kinds.push("borrowed");
  return kinds.length === 1 ? kinds[0] : undefined;
}

/**
 * KER-28  A page is of exactly one kind, and a call that changed it came through the capability of that kind:
 * VirtualMemory for anonymous pages, MemoryObject for borrowed ones, none for the kernel's own.
 */
export function brokenAuthorRules(memory: ProcessMemory, name: string): string[] {
  const broken: string[] = [];
  for (const { first, count, by } of memory.layout()) {
    for (let page: number = first; page < first + count; page++) {
      const kind = kindOf(memory, page);
      if (kind === undefined) broken.push(`KER-28 page ${pageText(page)} of ${name} is not of one kind`);
      else if (!mayAuthor(kind, by)) {
        broken.push(
          `KER-28 page ${pageText(page)} of ${name} is ${kind} and was changed through ${authorOf(by)}`,
        );
      }
    }
  }
  return broken;
}

/** The kernel's own steps are words; they may make any page. */
const mayAuthor = (kind: PageKind, by: PageExplanation["by"]): boolean =>
  typeof by === "string" || by.capability === AUTHORS[kind];
const authorOf = (by: PageExplanation["by"]): string => (typeof by === "string" ? by : by.capability);

/** KER-29  Nothing is reserved or borrowed on page 0, the ring pages or the CapSet page. */
export function brokenProtectedAreaRules(memory: ProcessMemory, name: string): string[] {
  const areas = [
    { first: 0, count: 1 },
    { first: RING_PAGE, count: CAPSET_PAGE - RING_PAGE + 1 },
  ];
  return areas.flatMap(({ first, count }) => [
    ...[...memory.reservations.reserved.within(first, count)].map(
      (run) => `KER-29 ${name} has reserved page ${pageText(run.first)}`,
    ),
    ...[...memory.borrowed.within(first, count)].map(
      (run) => `KER-29 ${name} has borrowed page ${pageText(run.first)}`,
    ),
  ]);
}

/** The process that a VirtualMemory object was first seen with: the one whose address space it acts on. */
const FIRST_HOLDERS = new WeakMap<KernelObject, Process>();

/** KER-30  A VirtualMemory capability is held by the process whose address space it acts on, and never travels. */
export function brokenBindingRules(processes: readonly Process[], endpoints: Iterable<Endpoint>): string[] {
  const broken: string[] = [];
  for (const process of processes) {
    for (const [id, { object }] of process.table.entries()) {
      if (object.interface !== VIRTUAL_MEMORY) continue;
      const owner = FIRST_HOLDERS.get(object) ?? process;
      FIRST_HOLDERS.set(object, owner);
      if (owner !== process) {
        broken.push(
          `KER-30 capability ${id} of process ${process.id} acts on the memory of process ${owner.id}`,
        );
      }
    }
  }
  for (const { queue } of endpoints) {
    for (const { transfers } of queue) {
      if (transfers.items.some(({ hold }) => hold.object.interface === VIRTUAL_MEMORY)) {
        broken.push("KER-30 a VirtualMemory capability is on its way to another process");
      }
    }
  }
  return broken;
}

/** KER-31  No aligned word of a reply is the physical address or the number of one of these frames. */
export function brokenSecrecyRules(reply: Uint8Array, frames: Iterable<number>): string[] {
  const secrets = new Set<bigint>();
  for (const frame of frames) secrets.add(BigInt(frame)).add(BigInt(frame * PAGE_BYTES));
  const view = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
  const broken: string[] = [];
  for (let at = 0; at + 8 <= reply.length; at += 4) {
    const word = view.getBigUint64(at, true);
    const half = BigInt(view.getUint32(at, true));
    const told = [word, half].find((value) => secrets.has(value));
    if (told !== undefined) broken.push(`KER-31 byte ${at} of a reply tells of a frame (${hex(told)})`);
  }
  return broken;
}
