/**
 * Rules about memory authority beside those of objects/memory-checks.ts: who may have changed a page, where nothing
 * may ever lie, whose address space a capability acts on, and what a reply may tell. A line begins with the rule's id.
 */

import { hex, USER_END_PAGE } from "../mmu/address.ts";
import { frameOf } from "../mmu/entry.ts";
import { memoryOwner, VIRTUAL_MEMORY } from "./caps/virtual-memory.ts";
import type { FrameAllocator } from "./frame-allocator.ts";
import { CAPSET_PAGE, pageText, rangeText, RING_PAGE } from "./objects/claims.ts";
import type { Endpoint } from "./objects/endpoint.ts";
import type { Process } from "./objects/process.ts";
import type { PageExplanation, ProcessMemory } from "./objects/process-memory.ts";
import type { RunMap } from "./objects/run-map.ts";

/** KER-27  Every owned frame is a whole frame of guest RAM other than frame 0, so its address is page aligned. */
export function brokenFrameNumberRules(
  frames: readonly number[],
  { frameCount }: Pick<FrameAllocator, "frameCount">,
  owner: string,
): string[] {
  return frames
    .filter((frame) => !(Number.isInteger(frame) && frame > 0 && frame < frameCount))
    .map((frame) => `KER-27 ${owner} has ${frame}, which is no frame of guest RAM that may be owned`);
}

/** All frames that the tables of an address space name as pages, and its root. */
export const framesOf = ({ space }: ProcessMemory): readonly number[] => [
  space.root,
  ...Array.from(space.leaves().lows, (low) => frameOf(low)),
];

/** Which capability may have brought a page into its present state. */
type PageKind = "fixed" | "anonymous" | "borrowed";
const AUTHORS: Readonly<Record<PageKind, string | undefined>> = {
  fixed: undefined,
  anonymous: "VirtualMemory",
  borrowed: "MemoryObject",
};

/** The pages of each kind. */
const pagesByKind = ({ fixed, reservations, borrowed }: ProcessMemory) =>
  ({ fixed, anonymous: reservations.reserved, borrowed }) satisfies Record<PageKind, RunMap<unknown>>;

/** The kind that all of the pages have and no other, or undefined. */
function kindOf(memory: ProcessMemory, first: number, count: number): PageKind | undefined {
  const kinds = Object.entries(pagesByKind(memory)) as [PageKind, RunMap<unknown>][];
  const counts = kinds.map(([kind, map]) => [kind, map.countWithin(first, count)] as const);
  const [only, other] = counts.filter(([, pages]) => pages > 0);
  return other === undefined && only?.[1] === count ? only[0] : undefined;
}

/**
 * KER-28  A page is of exactly one kind, and a call that changed it came through the capability of that kind:
 * VirtualMemory for anonymous pages, MemoryObject for borrowed ones, none for the kernel's own.
 */
export function brokenAuthorRules(memory: ProcessMemory, name: string): string[] {
  const broken: string[] = [];
  let described = 0;
  for (const { first, end, value } of memory.pages) {
    described += end - first;
    const kind = kindOf(memory, first, end - first);
    const range = `${rangeText(first, end - first)} of ${name}`;
    if (kind === undefined) broken.push(`KER-28 ${range} is not of one kind`);
    else if (!mayAuthor(kind, value.by)) {
      broken.push(`KER-28 ${range} is ${kind} and was changed through ${authorOf(value.by)}`);
    }
  }
  const maps = Object.values(pagesByKind(memory));
  const known = maps.reduce((sum, map) => sum + map.countWithin(0, USER_END_PAGE), 0);
  if (known !== described) {
    broken.push(`KER-28 ${known} pages of ${name} are of a kind, ${described} are known to be something`);
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

/** KER-30  A VirtualMemory capability is held by the process whose address space it acts on, and never travels. */
export function brokenBindingRules(processes: readonly Process[], endpoints: Iterable<Endpoint>): string[] {
  const broken: string[] = [];
  for (const process of processes) {
    for (const [id, { object }] of process.table.entries()) {
      if (object.interface !== VIRTUAL_MEMORY) continue;
      const owner = memoryOwner(object);
      if (owner !== process) {
        broken.push(
          `KER-30 capability ${id} of process ${process.id} acts on the memory of process ${owner?.id}`,
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

/** KER-31  No aligned word of a reply of FrameAllocator is one of these, the physical addresses of frames. */
export function brokenSecrecyRules(reply: Uint8Array, addresses: Iterable<number>): string[] {
  const secrets = new Set<bigint>();
  for (const address of addresses) secrets.add(BigInt(address));
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
