/**
 * The MMU as the engine and the kernel see it. One linear memory holds guest physical frames, TLBs and the state
 * block; real four-level page tables in guest frames decide every permission.
 */

import type { FrameNumber, GuestAddress, PageNumber } from "./address.ts";
import type { Access, PageFault } from "./fault.ts";
import type { Leaves } from "./space-image.ts";

/** Where page tables and kernel structures take their frames from; the frame allocator behind it is not ours. */
export interface FrameSource {
  /** A free frame with unspecified content, or undefined when there is none. */
  allocate(): FrameNumber | undefined;
  free(frame: FrameNumber): void;
}

/** Permissions of a present user mapping. Writable and executable together is refused (`InvariantError`). */
export interface Protection {
  readonly writable: boolean;
  readonly executable: boolean;
}

/** What a leaf entry says about one user page. */
export interface PageEntry {
  readonly frame: FrameNumber;
  /** False for a page kept behind PROT_NONE: the entry remembers its frame but grants nothing. */
  readonly present: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly accessed: boolean;
  readonly dirty: boolean;
}

/** The lower half of a PML4: one process. Changes flush exactly the TLB entries concerned. */
export interface AddressSpace {
  /** Unique in the run, never reused. */
  readonly id: number;
  /** Frame of the PML4. */
  readonly root: FrameNumber;
  /** Page-table frames owned by the lower half, the PML4 included. */
  readonly tableFrames: number;

  /**
   * Makes every page table that `count` pages from `first` need, so that `map` cannot fail. All or nothing:
   * false when the frame source ran out, with nothing kept.
   */
  ensureTables(first: PageNumber, count: number): boolean;
  /** Page tables `ensureTables` would have to allocate. */
  missingTables(first: PageNumber, count: number): number;
  /** Writes a leaf entry. Its tables must exist and the entry must be empty (`InvariantError` otherwise). */
  map(page: PageNumber, frame: FrameNumber, protection: Protection): void;
  /** Changes the permissions of a mapped page; undefined keeps the frame behind a non-present entry (PROT_NONE). */
  protect(page: PageNumber, protection: Protection | undefined): void;
  /**
   * Clears a leaf entry and returns its frame. The page must be mapped or kept. `why` is what the code listener
   * hears if instructions were fetched from the page; a teardown says "destroy".
   */
  unmap(page: PageNumber, why?: "unmap" | "destroy"): FrameNumber;
  /** The leaf entry, or undefined when it is empty. */
  query(page: PageNumber): PageEntry | undefined;
  /** Frees lower-half tables that hold no entry any more. */
  pruneTables(first: PageNumber, count: number): void;
  /** Every non-empty user leaf, in address order. */
  entries(): Iterable<readonly [PageNumber, PageEntry]>;
  /** The same as arrays, for who looks at every page again and again: one object as long as no page changed. */
  leaves(): Leaves;
  /** Returns every page-table frame to the source; all leaves must have been unmapped. */
  destroy(): void;

  /** Reads under the user-access guard: the pages must be present and user-readable. */
  copyIn(address: GuestAddress, lengthBytes: number): Uint8Array | PageFault;
  /** Writes under the guard: checks all pages first, then writes all bytes or none. */
  copyOut(address: GuestAddress, bytes: Uint8Array): PageFault | undefined;
  /** The fault a user access to this range would raise first, or undefined. Changes nothing. */
  check(address: GuestAddress, lengthBytes: number, access: Access): PageFault | undefined;
  /** Host access that ignores permissions (debugger, embedding); false when a page is not mapped. */
  peek(address: GuestAddress, into: Uint8Array): boolean;
  poke(address: GuestAddress, bytes: Uint8Array): boolean;

  /**
   * The frame to fetch instructions from at this page, or the fault; sets the accessed bit. The engine caches the
   * answer until `onExecutableChange` names the page. The fault names the start of the page: who fetches from its
   * middle puts the address of the instruction there.
   */
  fetchFrame(page: PageNumber): FrameNumber | PageFault;
}

/** Outcome of a slow-path access. */
export const ACCESS_OK = 0;
/** Refused: `Mmu.fault` says how. Nothing was read or written. */
export const ACCESS_FAULT = 1;
/** A store to a frame that holds translated code; nothing was written. Repeat it with `allowCode`. */
export const ACCESS_CODE = 2;

/** What the engine wants to hear about. */
export interface CodeListener {
  /** The watched frame is about to change: drop what was translated from it. The watch is gone afterwards. */
  onCodeWrite(frame: FrameNumber): void;
  /** The page of this space is no longer executable as it was (unmapped, protected, remapped). */
  onExecutableChange(space: AddressSpace, page: PageNumber, why: "unmap" | "protect" | "destroy"): void;
}

export interface Mmu {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
  /** Number of frames of guest physical memory. */
  readonly frameCount: number;

  /** The 4096 bytes of a frame. Writing through it bypasses the code watch: use `beforeFrameWrite` first. */
  frameBytes(frame: FrameNumber): Uint8Array;
  zeroFrame(frame: FrameNumber): void;

  createAddressSpace(source: FrameSource): AddressSpace | undefined;
  /** Makes a space the one whose user accesses the slow paths and `TABLE_WORD` serve. */
  activate(space: AddressSpace): void;
  readonly active: AddressSpace | undefined;

  /**
   * Slow paths of emitted code, on the active space, user mode. The value passes through the 16 scratch bytes at
   * `SCRATCH_BYTE`, zero-extended on a load. `flags` are the `ACCESS_*` bits of the IR's memory operations. They
   * fill the TLB, split accesses at page ends, and check every byte before the first one is written.
   */
  load(lo: number, hi: number, sizeBytes: number, flags: number): typeof ACCESS_OK | typeof ACCESS_FAULT;
  store(lo: number, hi: number, sizeBytes: number, flags: number, allowCode: boolean): number;
  /** Faults as a store would, and changes nothing. */
  probeWrite(
    lo: number,
    hi: number,
    sizeBytes: number,
    flags: number,
  ): typeof ACCESS_OK | typeof ACCESS_FAULT;
  /** The last refusal of `load`, `store` or `probeWrite`. */
  readonly fault: PageFault | undefined;

  setCodeListener(listener: CodeListener): void;
  /** Marks a frame as holding translated code: no TLB keeps or gets a writable entry for it. */
  watchCode(frame: FrameNumber): void;
  unwatchCode(frame: FrameNumber): void;
  readonly watchedFrames: ReadonlySet<FrameNumber>;
  /** To be called before anything but the MMU itself writes a frame: tells the listener when it is watched. */
  beforeFrameWrite(frame: FrameNumber): void;

  /** Counters since creation. */
  readonly stats: { readonly tlbFills: number; readonly tlbFlushes: number; readonly slowAccesses: number };
  /** MMU-n: recomputes every rule from the page tables; the broken ones, each line beginning with its id. */
  brokenRules(): string[];
  /** The same, but of the contents of free frames (MMU-11) only some, each time others: for after every kernel call. */
  brokenRulesNow(): string[];
}
