/**
 * Every number of the capOS user interface that is not a schema id: syscalls, address map, ring page, operation
 * and error codes, transfer records, capability and CapSet layout, limits. Stated here once.
 *
 * Sources: crates capos-rt (syscall.rs, entry.rs), capos-config (ring.rs, capset.rs, process_layout.rs, lib.rs),
 * capos-lib (cap_table.rs, elf.rs) and capos-abi, version 0.1.0. "R-n" marks a choice of ours where they are
 * silent; src/kernel/README.md lists those.
 */

import { address, type GuestAddress } from "../mmu/address.ts";

/** Syscall numbers in RAX (capos-rt syscall.rs). Everything else is answered with `SYSCALL_REJECTED`. */
export const SYS_EXIT = 1;
export const SYS_CAP_ENTER = 2;

/** Results of `cap_enter` above the count range 0..0xffff. */
export const SYSCALL_REJECTED = 0xffff_ffff_ffff_ffffn;
export const CAP_ENTER_THREAD_OWNED_HEAD = 0xffff_ffff_ffff_fffdn;
/** Never answered: each thread has its own ring, so there is no second consumer. */
export const CAP_ENTER_SQ_CONSUMER_BUSY = 0xffff_ffff_ffff_fffcn;
export const WAIT_FOREVER = 0xffff_ffff_ffff_ffffn;

/** Address map of a process (capos-config process_layout.rs, ring.rs, capset.rs). */
export const IMAGE_BASE = address(0x20_0000);
export const IMAGE_LIMIT = address(0xff_0000);
export const STACK_BASE = address(0x100_0000);
export const STACK_PAGES = 16;
export const STACK_TOP = address(0x101_0000);
export const TLS_BASE = address(0x110_0000);
export const TLS_LIMIT = address(0x120_0000);
export const RING_ADDRESS = address(0x120_0000);
export const CAPSET_ADDRESS = address(0x130_0000);
/** ring page of the child thread with this id; thread 1 uses `RING_ADDRESS`. */
export const threadRingAddress = (threadId: number): GuestAddress =>
  threadId === 1 ? RING_ADDRESS : address(RING_ADDRESS + 0x1000 + (threadId - 2) * 0x1000);
/** where addresses chosen by the kernel start. */
export const ARENA_BASE = address(0x2000_0000);

/** Ring page (capos-config ring.rs). Indices are free-running u32; slot = index & mask. */
export const SQ_ENTRIES = 16;
export const CQ_ENTRIES = 32;
export const SQ_MASK = SQ_ENTRIES - 1;
export const CQ_MASK = CQ_ENTRIES - 1;
export const SQE_ARRAY_OFFSET = 128;
export const CQE_ARRAY_OFFSET = 1152;
export const SQE_BYTES = 64;
export const CQE_BYTES = 32;
/** Byte offsets of the ring header. */
export const RING = {
  sqHead: 0,
  sqTail: 4,
  sqMask: 8,
  sqEntries: 12,
  sqFlags: 16,
  cqHead: 20,
  cqTail: 24,
  cqMask: 28,
  cqEntries: 32,
  cqFlags: 36,
  cqOverflow: 40,
  sqeOffset: 44,
  cqeOffset: 48,
} as const;
/** Byte offsets inside an SQE. */
export const SQE = {
  opcode: 0,
  flags: 1,
  methodId: 2,
  capId: 4,
  userData: 8,
  addr: 16,
  len: 24,
  resultLen: 28,
  resultAddr: 32,
  pipelineDep: 40,
  pipelineField: 48,
  xferCapCount: 50,
  callId: 52,
  sessionDisclosure: 56,
} as const;
/** Byte offsets inside a CQE. */
export const CQE = { userData: 0, result: 8, flags: 12, capCount: 14, badge: 16, callId: 24 } as const;

export const OP = {
  call: 0,
  return: 1,
  recv: 2,
  release: 3,
  finish: 4,
  nop: 5,
  cancel: 6,
  parkBench: 7,
  park: 8,
  unpark: 9,
} as const;

export const SQE_RETURN_EXCEPTION = 16;
export const SQE_THREAD_OWNED = 32;
export const CQE_TRANSFER_RESULT_CAPS = 2;
export const DISCLOSURE_MASK = 7n;

export const PARK_WOKEN = 0;
export const PARK_VALUE_MISMATCH = 1;
export const PARK_TIMED_OUT = 2;
export const PARK_INTERRUPTED = 3;

/** Negative CQE results (capos-config ring.rs). */
export const ERR = {
  invalidRequest: -1,
  invalidParamsBuffer: -2,
  invalidResultBuffer: -3,
  invokeFailed: -4,
  unsupportedOpcode: -5,
  transferNotSupported: -6,
  invalidTransferDescriptor: -7,
  transferAborted: -8,
  applicationException: -9,
  applicationExceptionTruncated: -10,
} as const;
export type TransportCode = (typeof ERR)[keyof typeof ERR];

/** Transfers: request descriptors behind the payload, result records behind the result. */
export const TRANSFER_COPY = 1;
export const TRANSFER_MOVE = 2;
export const MAX_TRANSFERS = 16;
export const TRANSFER_DESCRIPTOR_BYTES = 8;
export const TRANSFER_DESCRIPTOR_ALIGNMENT = 4;
export const TRANSFER_RECORD_BYTES = 16;

/** ceiling of params, payloads and result buffers. */
export const MAX_MESSAGE_BYTES = 65536;

/** Header of a delivered call at the start of a RECV buffer (capos-abi). */
export const ENDPOINT_HEADER_BYTES = 56;
export const ENDPOINT_HEADER = {
  interfaceId: 0,
  methodId: 8,
  flags: 10,
  paramsLen: 12,
  callerSession: 16,
} as const;
/** Session of the caller inside that header; all zero = none. */
export const CALLER_SESSION_BYTES = 40;
export const CALLER_SESSION = {
  scopedRef: 0,
  scopedRefHi: 8,
  epoch: 16,
  flags: 24,
  disclosedFields: 28,
  principalKind: 32,
  authStrength: 34,
  profileClass: 36,
} as const;
export const SESSION_LIVE = 1;
/** Bits of `session_disclosure` and `disclosed_fields`. */
export const SESSION_DISCLOSES = { principalKind: 1, authStrength: 2, profileClass: 4 } as const;
/** Values of the disclosed fields; 0 = not disclosed or not known. */
export const PRINCIPALS = {
  human: 1,
  operator: 2,
  service: 3,
  guest: 4,
  anonymous: 5,
  pseudonymous: 6,
} as const;
export const AUTH_STRENGTHS = { none: 0, password: 1, publicKey: 2 } as const;
export const PROFILES = { none: 0, anonymous: 1, guest: 2, operator: 3, system: 4, other: 65_535 } as const;
/** Length of the key that session references are derived with. */
export const SESSION_KEY_BYTES = 32;

/** Holds and ids (capos-lib cap_table.rs). */
export const MAX_GENERATION = 255;
export const INDEX_BITS = 24;
export const INDEX_MASK = 0xff_ffff;
/** In a grant: keep the badge of the source hold. */
export const PRESERVE_BADGE = 0xffff_ffff_ffff_ffffn;
export const NULL_INTERFACE_ID = 0x6e75_6c6c_6361_7030n;

/** CapSet page (capos-config capset.rs). */
export const CAPSET_MAGIC = 0x3176_7465_7370_6163n;
export const CAPSET_VERSION = 1;
export const CAPSET_NAME_MAX = 32;
export const CAPSET_MAX_ENTRIES = 85;
export const CAPSET_HEADER_BYTES = 16;
export const CAPSET_ENTRY_BYTES = 48;

/** Memory protection bits in messages (capos-config lib.rs). */
export const VM_PROT_READ = 1;
export const VM_PROT_WRITE = 2;
export const VM_PROT_EXEC = 4;

/** Limits per process (capos-lib ledger constants, capos-abi) and per endpoint or run (default profile). */
export const LIMITS = {
  capSlots: 256,
  outstandingCalls: 64,
  scratchBytes: 262_144,
  frameGrantPages: 4096,
  virtualReservationPages: 262_144,
  timerSleeps: 8,
  threads: 16,
  processes: 8,
  endpointQueue: 32,
  endpointInFlight: 16,
} as const;

/** */
export const FIRST_PROCESS_ID = 1;
export const FIRST_THREAD_ID = 1;
/** exit codes the kernel makes. */
export const EXIT_TERMINATED = -1n;
export const EXIT_FAULTED = -2n;

/** ticks of the Timer interface are 10 ms. */
export const TICK_NS = 10_000_000n;

/** Bounds on a message a guest sends (capos-config lib.rs, capnp). */
export const MESSAGE_NESTING = 32;
export const MESSAGE_MAX_SEGMENTS = 512;

/** Boot manifest (capos-config manifest.rs, capos-rt client.rs). */
export const MANIFEST_SCHEMA_VERSION = 1;
export const MANIFEST_BYTES_MAX = 5_242_880;
export const BOOT_PACKAGE_CHUNK_BYTES = 4096;
