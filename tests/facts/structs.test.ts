/** The structs that program and kernel share lie where the published crates put them, field by field. */

import { describe, expect, test } from "vitest";
import { OP, RING_ADDRESS, SQE_ARRAY_OFFSET, TRANSFER_DESCRIPTOR_ALIGNMENT } from "../../src/kernel/abi.ts";
import type { Cqe } from "../../src/kernel/ring.ts";
import { Ring } from "../../src/kernel/ring.ts";
import { withRecords } from "../../src/kernel/submission.ts";
import { readDescriptors } from "../../src/kernel/transfers.ts";
import type { Guest } from "../kernel/guest.ts";
import { TestMachine } from "../kernel/guest.ts";
import { abiNumbers, camelCase, type Field, hexOf, readFacts, type StructFacts } from "./facts.ts";
import { STRUCT_SIZES, STRUCT_TABLES } from "./numbers.ts";

const { structs, initial_ring_header_hex: initialHeader } = readFacts<{
  structs: Record<string, StructFacts>;
  initial_ring_header_hex: string;
}>("abi-structs");
const numbers = abiNumbers();

/** Structs of no table, and where they are compared. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  CapTransferDescriptor: "below, through the kernel's reader",
  CapTransferResult: "below, through the kernel's writer",
  CapSetHeader: "tests/kernel/capset.test.ts",
  CapSetEntry: "tests/kernel/capset.test.ts",
  RingCaptureRecord: "not built: an export format for debugging, not part of the page",
};

function factsOf(struct: string): StructFacts {
  const facts = structs[struct];
  if (facts === undefined) throw new Error(`no struct ${struct}`);
  return facts;
}
function fieldOf(struct: string, name: string): Field {
  const field = factsOf(struct).fields[name];
  if (field === undefined) throw new Error(`${struct} has no field ${name}`);
  return field;
}
/** The little-endian unsigned value at a field. */
function read(bytes: Uint8Array, base: number, struct: string, name: string): bigint {
  const { offset, size } = fieldOf(struct, name);
  const part = bytes.subarray(base + offset, base + offset + size);
  return part.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
function write(bytes: Uint8Array, base: number, struct: string, name: string, value: bigint): void {
  const { offset, size } = fieldOf(struct, name);
  for (let i = 0; i < size; i++) bytes[base + offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}

/** Runs one program on a fresh kernel; it must reach its end. */
function run(program: (guest: Guest) => ReturnType<Guest["exit"]>, source = "endpoint"): void {
  const machine = new TestMachine({
    programs: { init: program },
    init: { capabilities: [["cap", source]] },
  });
  expect(machine.run()).toMatchObject({ kind: "finished", exitCode: 0n, reason: "exit" });
}

test("every published struct is compared somewhere", () => {
  expect([...Object.keys(STRUCT_TABLES), ...Object.keys(ELSEWHERE)].sort()).toEqual(
    Object.keys(structs).sort(),
  );
});

test.each(Object.entries(STRUCT_TABLES))("%s has its fields at the offsets of %s", (struct, table) => {
  const expected = Object.entries(factsOf(struct).fields)
    .filter(([name]) => !name.startsWith("_"))
    .map(([name, { offset }]) => [`${table}.${camelCase(name)}`, BigInt(offset)]);
  const ours = [...numbers].filter(([path]) => path.startsWith(`${table}.`));
  expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(expected));
});

test.each(Object.entries(STRUCT_SIZES))("%s is as long as %s", (struct, path) => {
  expect(numbers.get(path)).toBe(BigInt(factsOf(struct).size));
});

test("descriptors are aligned as their struct", () => {
  expect(TRANSFER_DESCRIPTOR_ALIGNMENT).toBe(factsOf("CapTransferDescriptor").align);
});

describe("the ring page", () => {
  test("is mapped with the published header and nothing else", () => {
    run(function* (guest) {
      const page = guest.read(RING_ADDRESS, 4096);
      const header = initialHeader.length / 2;
      expect(header).toBe(factsOf("CapRingHeader").size);
      expect(hexOf(page.subarray(0, header))).toBe(initialHeader);
      expect(page.subarray(header).every((byte) => byte === 0)).toBe(true);
      yield* guest.exit(0n);
    });
  });

  test("a submission is read from all its bytes, each field in its width", () => {
    const page = new Uint8Array(4096);
    const ring = new Ring(page);
    for (let i = 0; i < factsOf("CapSqe").size; i++) page[SQE_ARRAY_OFFSET + i] = 0x80 + i;
    write(page, 0, "CapRingHeader", "sq_tail", 1n);
    expect(ring.pendingSubmissions()).toBe(1);
    const expected = Object.keys(factsOf("CapSqe").fields).map(
      (name) => [camelCase(name), read(page, SQE_ARRAY_OFFSET, "CapSqe", name)] as const,
    );
    const got = Object.entries(ring.peek()).map(([name, value]) => [name, BigInt(value as number | bigint)]);
    expect(Object.fromEntries(got)).toEqual(Object.fromEntries(expected));
  });

  test("a completion is written to all its bytes, the reserved ones as zero", () => {
    const page = new Uint8Array(4096);
    const ring = new Ring(page);
    const base = Number(read(page, 0, "CapRingHeader", "cqe_offset"));
    page.fill(0xee, base, base + factsOf("CapCqe").size);
    const cqe: Cqe = {
      userData: 0x1122_3344_5566_7788n,
      result: -10,
      flags: 0xabcd,
      capCount: 0x1234,
      badge: 0x99aa_bbcc_ddee_ff01n,
      callId: 0x8765_4321,
    };
    ring.post(cqe);
    expect(read(page, 0, "CapRingHeader", "cq_tail")).toBe(1n);
    const value = (name: string): bigint => read(page, base, "CapCqe", name);
    expect(value("user_data")).toBe(cqe.userData);
    expect(BigInt.asIntN(32, value("result"))).toBe(-10n);
    expect([value("flags"), value("cap_count"), value("badge"), value("call_id")]).toEqual(
      [cqe.flags, cqe.capCount, cqe.badge, cqe.callId].map(BigInt),
    );
    expect(value("_reserved")).toBe(0n);
  });
});

describe("transfers", () => {
  test("a descriptor is read field by field, and its reserved one must be zero", () => {
    run(function* (guest) {
      const { size } = factsOf("CapTransferDescriptor");
      const at = guest.allocate(2 * size);
      const bytes = new Uint8Array(2 * size);
      for (const [i, [id, mode]] of [
        [0x0102_0304n, 1n],
        [0xfffe_fdfcn, 2n],
      ].entries()) {
        write(bytes, i * size, "CapTransferDescriptor", "cap_id", id ?? 0n);
        write(bytes, i * size, "CapTransferDescriptor", "transfer_mode", mode ?? 0n);
      }
      guest.write(at, bytes);
      const { space } = guest.thread.process.memory;
      const sqe = { addr: BigInt(at), len: 0, xferCapCount: 2 };
      expect(readDescriptors(space, sqe)).toEqual([
        { capId: 0x0102_0304, move: false },
        { capId: 0xfffe_fdfc, move: true },
      ]);
      write(bytes, size, "CapTransferDescriptor", "_reserved0", 1n);
      guest.write(at, bytes);
      expect(readDescriptors(space, sqe)).toBe(-7);
      yield* guest.exit(0n);
    });
  });

  test("records follow the message without padding, their reserved field is zero", () => {
    const message = Uint8Array.of(1, 2, 3);
    const records = [
      { capId: 0x0a0b_0c0d, interfaceId: 0x1122_3344_5566_7788n },
      { capId: 7, interfaceId: (1n << 64n) - 1n },
    ];
    const { size } = factsOf("CapTransferResult");
    const bytes = withRecords(message, records);
    expect(bytes).toHaveLength(message.length + 2 * size);
    for (const [i, { capId, interfaceId }] of records.entries()) {
      const value = (name: string): bigint => read(bytes, 3 + i * size, "CapTransferResult", name);
      expect([value("cap_id"), value("_reserved0"), value("interface_id")]).toEqual([
        BigInt(capId),
        0n,
        interfaceId,
      ]);
    }
  });
});

test("a delivered call begins with the published header and an empty session", () => {
  run(function* (guest) {
    const cap = guest.cap("cap");
    const [entry] = guest.capSet();
    const params = Uint8Array.of(5, 6, 7);
    const recv = guest.prepare({ cap, sqe: { opcode: OP.recv, addr: 0n } });
    guest.submit(recv.sqe);
    guest.submit(guest.prepare({ cap, method: 0x1234, params }).sqe);
    yield* guest.enter(1, 0n);
    const received = guest.take();
    const { size } = factsOf("EndpointMessageHeader");
    expect(received?.result).toBe(size + params.length);
    expect(received?.callId).not.toBe(0);
    const bytes = guest.read(recv.resultAt, size + params.length);
    const value = (name: string): bigint => read(bytes, 0, "EndpointMessageHeader", name);
    expect(value("interface_id")).toBe(entry?.interfaceId);
    expect([value("method_id"), value("flags"), value("params_len")]).toEqual([0x1234n, 0n, 3n]);
    const session = factsOf("EndpointCallerSession");
    expect(fieldOf("EndpointMessageHeader", "caller_session").size).toBe(session.size);
    const at = fieldOf("EndpointMessageHeader", "caller_session").offset;
    for (const name of Object.keys(session.fields)) {
      expect([name, read(bytes, at, "EndpointCallerSession", name)]).toEqual([name, 0n]);
    }
    expect(bytes.subarray(size)).toEqual(params);
    yield* guest.exit(0n);
  });
});
