/**
 * The physical memory map in the manner of the Limine boot protocol, and the one question asked of it: which
 * frames may be handed out. Whatever is not usable through and through counts as used, so an entry that overlaps
 * another, ends inside a frame or lies past the end of memory can only take frames away, never give one twice.
 */

import { PAGE_BYTES } from "../mmu/address.ts";

export type MemoryType =
  | "usable"
  | "reserved"
  | "acpiReclaimable"
  | "acpiNvs"
  | "badMemory"
  | "bootloaderReclaimable"
  | "kernelAndModules"
  | "framebuffer";

/** A range of physical memory, in bytes. Entries may overlap and need no order. */
export interface MemoryMapEntry {
  readonly base: number;
  readonly lengthBytes: number;
  readonly type: MemoryType;
}

/** A run of frames: `first` .. `end - 1`. */
export interface FrameRun {
  readonly first: number;
  readonly end: number;
}

const MIB = 1 << 20;
const KIB = 1 << 10;

/** What a small PC keeps for itself; everything between is usable. */
const PC_HOLES: readonly MemoryMapEntry[] = [
  { base: 0, lengthBytes: 4 * KIB, type: "reserved" },
  { base: 636 * KIB, lengthBytes: 4 * KIB, type: "acpiReclaimable" },
  { base: 640 * KIB, lengthBytes: 128 * KIB, type: "framebuffer" },
  { base: 768 * KIB, lengthBytes: 256 * KIB, type: "reserved" },
  { base: MIB, lengthBytes: 64 * KIB, type: "bootloaderReclaimable" },
  { base: MIB + 64 * KIB, lengthBytes: 64 * KIB, type: "kernelAndModules" },
];

/** The map of a machine with so much memory: the low holes of a PC, the rest usable. */
export function defaultMemoryMap(ramBytes: number): readonly MemoryMapEntry[] {
  const holes = PC_HOLES.filter((entry) => entry.base < ramBytes);
  const map: MemoryMapEntry[] = [];
  let at = 0;
  for (const hole of holes) {
    if (hole.base > at) map.push({ base: at, lengthBytes: hole.base - at, type: "usable" });
    map.push({ ...hole, lengthBytes: Math.min(hole.lengthBytes, ramBytes - hole.base) });
    at = hole.base + hole.lengthBytes;
  }
  if (ramBytes > at) map.push({ base: at, lengthBytes: ramBytes - at, type: "usable" });
  return map;
}

/** Frames that lie wholly in the entry when it is usable, that it touches at all when it is not. */
function framesOf({ base, lengthBytes, type }: MemoryMapEntry, frameCount: number): FrameRun {
  const inward = type === "usable";
  const first = inward ? Math.ceil(base / PAGE_BYTES) : Math.floor(base / PAGE_BYTES);
  const end = inward
    ? Math.floor((base + lengthBytes) / PAGE_BYTES)
    : Math.ceil((base + lengthBytes) / PAGE_BYTES);
  return { first: Math.max(first, 0), end: Math.min(end, frameCount) };
}

/** The frames of the usable entries, then the frames of all others, which take precedence. */
export function splitMemoryMap(
  map: readonly MemoryMapEntry[],
  frameCount: number,
): { readonly usable: readonly FrameRun[]; readonly taken: readonly FrameRun[] } {
  const runs = (usable: boolean): FrameRun[] =>
    map
      .filter((entry) => (entry.type === "usable") === usable)
      .map((entry) => framesOf(entry, frameCount))
      .filter((run) => run.end > run.first);
  return { usable: runs(true), taken: runs(false) };
}
