/**
 * A program file into an address space. `planImage` says what would be where and refuses what capjit does not
 * run; `loadProgram` makes the memory. Planning changes nothing; loading gives everything back when frames run
 * out on the way.
 *
 *   image 0x200000..0xff0000 | stack 0x1000000..0x1010000 | TLS 0x1100000.. | ring 0x1200000 | CapSet 0x1300000
 */

import { address, hex, pageOf, PAGE_BYTES } from "../mmu/address.ts";
import type { GuestAddress } from "../mmu/address.ts";
import type { Mmu } from "../mmu/mmu.ts";
import {
  CAPSET_ADDRESS,
  IMAGE_BASE,
  IMAGE_LIMIT,
  RING_ADDRESS,
  STACK_BASE,
  STACK_PAGES,
  STACK_TOP,
  TLS_BASE,
  TLS_LIMIT,
} from "./abi.ts";
import { parseElf, SEGMENT_EXECUTE, SEGMENT_READ, SEGMENT_WRITE } from "./elf.ts";
import type { ElfErrorKind, ElfSegment, ElfTls } from "./elf.ts";
import type { FrameAllocator } from "./frame-allocator.ts";
import type { Ledger } from "./ledger.ts";
import type { Refusal } from "./objects/claims.ts";
import { ProcessMemory } from "./objects/process-memory.ts";
import type { FixedRegion } from "./objects/process-memory.ts";

export type LoadErrorKind =
  | ElfErrorKind
  | "segmentOverlapsFixedPages"
  | "segmentOutsideImageArea"
  | "segmentWritableAndExecutable"
  | "segmentNotReadable"
  | "tlsTooLarge";

export interface LoadRefusal {
  readonly status: "refused";
  readonly kind: LoadErrorKind;
  /** One line: what is wrong, and where. */
  readonly text: string;
}

/** What is mapped where, and the registers that depend on it. */
export interface ImagePlan {
  readonly entry: GuestAddress;
  /** Image segments, then stack, then TLS. */
  readonly regions: readonly FixedRegion[];
  /** The word there is zero: RSP is 8 modulo 16 as after a call. */
  readonly stackPointer: GuestAddress;
  /** Thread pointer; 0 without TLS. */
  readonly fsBase: GuestAddress;
}

export type PlanResult = { readonly status: "ok"; readonly plan: ImagePlan } | LoadRefusal;

export type LoadResult = { readonly status: "ok"; readonly memory: ProcessMemory } | Refusal;

const refuse = (kind: LoadErrorKind, text: string): LoadRefusal => ({ status: "refused", kind, text });
const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** Areas no segment may touch, by name. */
const FIXED_AREAS: readonly { readonly name: string; readonly start: number; readonly end: number }[] = [
  { name: "stack", start: STACK_BASE, end: STACK_TOP },
  { name: "TLS region", start: TLS_BASE, end: TLS_LIMIT },
  { name: "ring page", start: RING_ADDRESS, end: RING_ADDRESS + PAGE_BYTES },
  { name: "CapSet page", start: CAPSET_ADDRESS, end: CAPSET_ADDRESS + PAGE_BYTES },
];

/** Everything that decides whether a file can run, without touching memory. The plan refers to its bytes. */
export function planImage(file: Uint8Array): PlanResult {
  const parsed = parseElf(file);
  if (parsed.status !== "ok") return parsed;
  const { entry, segments, tls } = parsed.image;
  const regions: FixedRegion[] = [];
  for (const segment of segments) {
    if (segment.memoryBytes === 0) continue;
    const refused = checkSegment(segment);
    if (refused !== undefined) return refused;
    regions.push(segmentRegion(segment, file));
  }
  regions.push(STACK_REGION);
  const plan = { entry: address(entry), stackPointer: address(STACK_TOP - 8) };
  // Linkers of stable Rust write an all-zero PT_TLS: present, but nothing to place.
  if (tls === undefined || tls.memoryBytes === 0) {
    return { status: "ok", plan: { ...plan, regions, fsBase: address(0) } };
  }
  const placed = placeTls(tls, file);
  if (placed.status !== "ok") return placed;
  return { status: "ok", plan: { ...plan, regions: [...regions, placed.region], fsBase: placed.fsBase } };
}

/** the rules of the address map, and W^X. */
function checkSegment({ index, vaddr, memoryBytes, flags }: ElfSegment): LoadRefusal | undefined {
  const end = vaddr + memoryBytes;
  const at = `segment ${index} (${hex(vaddr)}..${hex(end)})`;
  for (const area of FIXED_AREAS) {
    if (vaddr < area.end && end > area.start) {
      const bounds = `${hex(area.start)}..${hex(area.end)}`;
      return refuse("segmentOverlapsFixedPages", `${at} overlaps the ${area.name} (${bounds})`);
    }
  }
  if (vaddr < IMAGE_BASE || end > IMAGE_LIMIT) {
    return refuse(
      "segmentOutsideImageArea",
      `${at} is outside the image area ${hex(IMAGE_BASE)}..${hex(IMAGE_LIMIT)}`,
    );
  }
  if ((flags & SEGMENT_WRITE) !== 0 && (flags & SEGMENT_EXECUTE) !== 0) {
    return refuse("segmentWritableAndExecutable", `${at} is writable and executable`);
  }
  if ((flags & SEGMENT_READ) === 0) return refuse("segmentNotReadable", `${at} is not readable`);
  return undefined;
}

function segmentRegion(segment: ElfSegment, file: Uint8Array): FixedRegion {
  const { index, vaddr, offset, fileBytes, memoryBytes, flags } = segment;
  const first = pageOf(address(vaddr));
  const end = roundUp(vaddr + memoryBytes, PAGE_BYTES) / PAGE_BYTES;
  const writable = (flags & SEGMENT_WRITE) !== 0;
  const executable = (flags & SEGMENT_EXECUTE) !== 0;
  return {
    mapping: `image segment ${index}`,
    first,
    count: end - first,
    protection: writable ? "rw" : executable ? "rx" : "r",
    contents: [{ at: address(vaddr), bytes: file.subarray(offset, offset + fileBytes) }],
    by: `loader: segment ${index} R${writable ? "W" : "-"}${executable ? "X" : "-"}`,
  };
}

const STACK_REGION: FixedRegion = {
  mapping: "stack",
  first: pageOf(STACK_BASE),
  count: STACK_PAGES,
  protection: "rw",
  contents: [],
  by: "loader: stack RW-",
};

type TlsPlace = { readonly status: "ok"; readonly region: FixedRegion; readonly fsBase: GuestAddress };

/**
 * R-3, x86-64 TLS variant II: the block ends at the thread pointer, the word there points to itself.
 *
 *   TLS_BASE ... | image, zeros | tp: its own address
 */
function placeTls(tls: ElfTls, file: Uint8Array): TlsPlace | LoadRefusal {
  const align = Math.max(tls.align, 1);
  const blockBytes = roundUp(tls.memoryBytes, align);
  const pointer = TLS_BASE + roundUp(blockBytes, Math.max(align, 16));
  if (pointer + 8 > TLS_LIMIT) {
    return refuse(
      "tlsTooLarge",
      `TLS of ${hex(tls.memoryBytes)} bytes aligned to ${hex(align)} does not fit into ` +
        `${hex(TLS_BASE)}..${hex(TLS_LIMIT)}`,
    );
  }
  const start = pointer - blockBytes;
  const self = new Uint8Array(8);
  new DataView(self.buffer).setBigUint64(0, BigInt(pointer), true);
  const first = pageOf(address(start));
  const region: FixedRegion = {
    mapping: "TLS",
    first,
    count: roundUp(pointer + 8, PAGE_BYTES) / PAGE_BYTES - first,
    protection: "rw",
    contents: [
      { at: address(start), bytes: file.subarray(tls.offset, tls.offset + tls.fileBytes) },
      { at: address(pointer), bytes: self },
    ],
    by: "loader: TLS RW-",
  };
  return { status: "ok", region, fsBase: address(pointer) };
}

/**
 * A new address space with the planned pages, the ring page (zeroed) and, when given, the CapSet page. When
 * frames run out nothing is kept.
 */
export function loadProgram(
  parts: { readonly mmu: Mmu; readonly frames: FrameAllocator; readonly ledger: Ledger },
  plan: ImagePlan,
  capSet?: Uint8Array,
): LoadResult {
  const memory = ProcessMemory.create(parts.mmu, parts.frames, parts.ledger);
  if (memory === undefined) return { status: "overloaded", text: "no frames left for an address space" };
  const refused = fillMemory(memory, plan, capSet);
  if (refused === undefined) return { status: "ok", memory };
  memory.teardown();
  return refused;
}

function fillMemory(
  memory: ProcessMemory,
  plan: ImagePlan,
  capSet: Uint8Array | undefined,
): Refusal | undefined {
  for (const region of plan.regions) {
    const outcome = memory.addFixed(region);
    if (outcome.status !== "ok") return outcome;
  }
  const ring = memory.addRingPage(RING_ADDRESS, "loader: ring RW-");
  if (ring.status !== "ok") return ring;
  if (capSet === undefined) return undefined;
  const page = memory.addCapSetPage(capSet, "loader: CapSet R--");
  return page.status === "ok" ? undefined : page;
}

/** How many pages a plan takes, for texts and checks before a spawn. */
export const planPages = (plan: ImagePlan): number => plan.regions.reduce((sum, { count }) => sum + count, 0);
