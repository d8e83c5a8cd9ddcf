/** The published messages, byte for byte, through the kernel's own reader and writer. */

import type * as capnp from "capnp-es";
import { describe, expect, test } from "vitest";
import { type CallSite, defineInterface } from "../../src/kernel/call.ts";
import { encodeException } from "../../src/kernel/exception.ts";
import { canonicalMessage } from "../../src/kernel/message.ts";
import { emptyStruct, readParams } from "../../src/kernel/params.ts";
import * as schema from "../../src/kernel/schema/kernel.ts";
import { readDescriptors } from "../../src/kernel/transfers.ts";
import { EMPTY, TestMachine } from "../kernel/guest.ts";
import { hexOf, readFacts, unhex } from "./facts.ts";

const facts = readFacts<{
  messages: readonly { name: string; len: number; hex: string }[];
  reader_behaviour: Record<string, string>;
}>("messages");
const { ring_client_sqes: clientSqes } = readFacts<{
  ring_client_sqes: readonly { what: string; len: number; xfer_cap_count: number; payload_hex?: string }[];
}>("ring");

function read<T extends capnp.Struct>(type: capnp.StructCtor<T>, bytes: Uint8Array): T {
  const root = readParams(type as capnp.StructCtor<capnp.Struct>, bytes);
  if (root === undefined) throw new Error("the reader refuses the message");
  return root as T;
}

/** The results message of the first method of an interface, as `dispatch` makes it. */
function answered(
  definition: { dispatch(target: null, site: CallSite, method: number, params: Uint8Array): unknown },
  method = 0,
): string {
  const site = { resultLength: 512 } as CallSite;
  const outcome = definition.dispatch(null, site, method, EMPTY) as { kind: string; bytes?: Uint8Array };
  expect(outcome.kind).toBe("message");
  return hexOf(outcome.bytes);
}
const refuseAll = () => undefined;

/** Per golden message: what the kernel's reader finds in it, and the bytes its writer makes of the same. */
interface Golden {
  readonly found: (bytes: Uint8Array) => unknown;
  readonly says: unknown;
  readonly written: () => string;
}
const GOLDEN: Readonly<Record<string, Golden>> = {
  "empty struct (any zero-field params/results)": {
    found: (bytes) => read(schema.Timer_Now$Params, bytes).constructor.name,
    says: "Timer_Now$Params",
    written: () =>
      answered(
        defineInterface(schema.CapabilityManager).handle<null>(
          { list: refuseAll, revoke: refuseAll },
          { emptyMessage: ["revoke"] },
        ),
        1,
      ),
  },
  "VirtualMemory.map results addr=0x40000000": {
    found: (bytes) => read(schema.VirtualMemory_Map$Results, bytes).addr,
    says: 0x4000_0000n,
    written: () =>
      answered(
        defineInterface(schema.VirtualMemory).handle<null>({
          map: (_vm, _context, _params, results) => void (results.addr = 0x4000_0000n),
          unmap: refuseAll,
          protect: refuseAll,
          reserve: refuseAll,
          commit: refuseAll,
          decommit: refuseAll,
        }),
      ),
  },
  "FrameAllocator.allocFrame results handleIndex=0": {
    found: (bytes) => read(schema.FrameAllocator_AllocFrame$Results, bytes).handleIndex,
    says: 0,
    written: () =>
      answered(
        defineInterface(schema.FrameAllocator).handle<null>({
          allocFrame: (_frames, _context, _params, results) => void (results.handleIndex = 0),
          allocContiguous: refuseAll,
        }),
      ),
  },
  "ProcessSpawner.spawn results handleIndex=0 capabilityManagerIndex=1": {
    found: (bytes) => {
      const { handleIndex, capabilityManagerIndex } = read(schema.ProcessSpawner_Spawn$Results, bytes);
      return [handleIndex, capabilityManagerIndex];
    },
    says: [0, 1],
    written: () =>
      answered(
        defineInterface(schema.ProcessSpawner).handle<null>({
          spawn: (_spawner, _context, _params, results) => void (results.capabilityManagerIndex = 1),
          createPipe: refuseAll,
        }),
      ),
  },
  "ProcessHandle.wait results exitCode=-1": {
    found: (bytes) => read(schema.ProcessHandle_Wait$Results, bytes).exitCode,
    says: -1n,
    written: () =>
      answered(
        defineInterface(schema.ProcessHandle).handle<null>({
          wait: (_handle, _context, _params, results) => void (results.exitCode = -1n),
          terminate: refuseAll,
        }),
      ),
  },
  "CapException unimplemented 'no'": {
    found: (bytes) => exceptionOf(bytes),
    says: [schema.ExceptionType.UNIMPLEMENTED, "no"],
    written: () => hexOf(encodeException("unimplemented", "no", 512)),
  },
  "CapException failed ''": {
    found: (bytes) => exceptionOf(bytes),
    says: [schema.ExceptionType.FAILED, ""],
    written: () => hexOf(encodeException("failed", "", 512)),
  },
  "EntropySource.fill results ok 4 bytes": {
    found: (bytes) => {
      const { status, data } = read(schema.EntropySource_Fill$Results, bytes);
      return [status, [...data.toUint8Array()]];
    },
    says: [schema.EntropyStatus.OK, [1, 2, 3, 4]],
    written: () =>
      answered(
        defineInterface(schema.EntropySource).handle<null>({
          fill: (_source, _context, _params, results) =>
            results._initData(4).copyBuffer(Uint8Array.of(1, 2, 3, 4)),
        }),
      ),
  },
  "MemoryObject.info results pageCount=3 sizeBytes=12288": {
    found: (bytes) => {
      const { pageCount, sizeBytes } = read(schema.MemoryObject_Info$Results, bytes);
      return [pageCount, sizeBytes];
    },
    says: [3, 12288n],
    written: () =>
      answered(
        defineInterface(schema.MemoryObject).handle<null>({
          info: (_object, _context, _params, results) => {
            results.pageCount = 3;
            results.sizeBytes = 12288n;
          },
          map: refuseAll,
          unmap: refuseAll,
          protect: refuseAll,
        }),
      ),
  },
  // No object here opens files; what can be compared is the empty results struct.
  "Directory.open results (null file pointer)": {
    found: (bytes) => hexOf(new Uint8Array(canonicalMessage(bytes) ?? [])),
    says: "00000000000001000000000000000000",
    written: () =>
      hexOf(new Uint8Array(emptyStruct(schema.Directory_Open$Results).segment.message.toArrayBuffer())),
  },
};

function exceptionOf(bytes: Uint8Array): unknown {
  const { type, message } = read(schema.CapException, bytes);
  return [type, message];
}

test("every golden message is compared", () => {
  expect(Object.keys(GOLDEN).sort()).toEqual(facts.messages.map(({ name }) => name).sort());
});

test.each(facts.messages)("$name", ({ name, len, hex }) => {
  const bytes = unhex(hex);
  expect(bytes).toHaveLength(len);
  expect(canonicalMessage(bytes)).toBeDefined();
  const golden = GOLDEN[name];
  if (golden === undefined) throw new Error(`no comparison for ${name}`);
  expect(golden.found(bytes)).toEqual(golden.says);
  expect(golden.written()).toBe(hex);
});

describe("what the published reader makes of odd messages, this one does too", () => {
  /** The inputs behind the recorded outcomes: results of VirtualMemory.map, as 64-bit words. */
  const INPUTS: Readonly<Record<string, readonly bigint[]>> = {
    "0 bytes": [],
    "8 zero bytes (one segment, zero words)": [0n],
    "16 bytes: one segment of 1 word holding a null root pointer": [1n << 32n, 0n],
    "16 bytes: one segment of 1 word holding an empty-struct root": [1n << 32n, 0xffff_fffcn],
    "24 bytes: root struct with 1 data word": [2n << 32n, 1n << 32n, 0x40_0000n],
    "same plus 8 trailing bytes": [2n << 32n, 1n << 32n, 0x40_0000n, 0x5555n],
    "root struct with 2 data words (newer schema)": [3n << 32n, 2n << 32n, 0x40_0000n, 7n],
    "buffer address not 8-byte aligned": [2n << 32n, 1n << 32n, 0x40_0000n],
    // Two segments of 1 and 2 words; the root is a far pointer to the start of the second.
    "two segments, root far pointer": [1n | (1n << 32n), 2n, 2n | (1n << 32n), 1n << 32n, 119n],
  };
  /** Differs on purpose: a program may pass params at any address, so the kernel reads a copy. */
  const AT_ODD_ADDRESS = "buffer address not 8-byte aligned";

  function bytesOf(name: string): Uint8Array {
    const words = BigUint64Array.from(INPUTS[name] ?? []);
    const bytes = new Uint8Array(words.buffer);
    if (name !== AT_ODD_ADDRESS) return bytes;
    const odd = new Uint8Array(bytes.length + 1).subarray(1);
    odd.set(bytes);
    return odd;
  }

  test("there is an input for every outcome", () => {
    expect(Object.keys(INPUTS).sort()).toEqual(Object.keys(facts.reader_behaviour).sort());
  });

  test.each(Object.entries(facts.reader_behaviour))("%s: %s", (name, outcome) => {
    const root = readParams(schema.VirtualMemory_Map$Results, bytesOf(name));
    const addr = (root as schema.VirtualMemory_Map$Results | undefined)?.addr;
    const recorded = /^ok addr=(\d+)$/.exec(outcome)?.[1];
    if (name === AT_ODD_ADDRESS) expect([recorded, addr]).toEqual([undefined, 0x40_0000n]);
    else expect(addr).toBe(recorded === undefined ? undefined : BigInt(recorded));
  });
});

describe("payloads of the published ring client", () => {
  const payload = (what: RegExp) => {
    const found = clientSqes.find((sqe) => what.test(sqe.what) && sqe.payload_hex !== undefined);
    if (found === undefined) throw new Error(`no recorded submission ${what.source}`);
    return { ...found, bytes: unhex(found.payload_hex ?? "") };
  };

  test("an exception is the bytes this kernel would write", () => {
    const { bytes, len } = payload(/return_exception/);
    expect(bytes).toHaveLength(len);
    expect(hexOf(encodeException("overloaded", "busy", 512))).toBe(hexOf(bytes));
    expect(exceptionOf(bytes)).toEqual([schema.ExceptionType.OVERLOADED, "busy"]);
  });

  test("two copy descriptors behind three bytes at an odd address are found", () => {
    const { bytes, len, xfer_cap_count: xferCapCount } = payload(/return_with_copy_transfers/);
    const machine = new TestMachine({
      programs: {
        init: function* (guest) {
          // Padded in front so that the descriptors are aligned, as the client does it.
          const addr = guest.allocate(64) + 1;
          guest.write(addr, bytes);
          const sqe = { addr: BigInt(addr), len, xferCapCount };
          expect(readDescriptors(guest.thread.process.memory.space, sqe)).toEqual([
            { capId: 6, move: false },
            { capId: 7, move: false },
          ]);
          yield* guest.exit(0n);
        },
      },
    });
    expect(machine.run()).toMatchObject({ kind: "finished", exitCode: 0n, reason: "exit" });
  });
});
