/** Sessions of callers: hashes and references against recorded values and the host's own, and the block in a call. */

import fc from "fast-check";
import { createHash, createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { CALLER_SESSION, ENDPOINT_HEADER, OP } from "../../src/kernel/abi.ts";
import { sessionReference } from "../../src/kernel/session.ts";
import { hmacSha256, sha256 } from "../../src/kernel/sha256.ts";
import { readFacts, unhex, hexOf } from "../facts/facts.ts";
import type { Guest } from "./guest.ts";
import { TestMachine } from "./guest.ts";

const facts = readFacts<{
  endpoint_session_reference_vector: readonly Record<
    "key_hex" | "scope_id" | "session_id_hex" | "scoped_ref" | "scoped_ref_hi" | "epoch",
    string
  >[];
  content_hash_vectors: readonly { readonly data_hex: string; readonly hash_hex: string }[];
}>("hashes");

describe("hashes", () => {
  test.each(facts.content_hash_vectors)("SHA-256 of $data_hex", ({ data_hex, hash_hex }) => {
    expect(hexOf(sha256(unhex(data_hex)))).toBe(hash_hex);
  });

  test("SHA-256 and HMAC are those of the host, for every length around a block", () => {
    for (let length = 0; length < 140; length++) {
      const data = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0xff);
      expect(hexOf(sha256(data))).toBe(createHash("sha256").update(data).digest("hex"));
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 500 }), (key, data) => {
        expect(hexOf(hmacSha256(key, data))).toBe(createHmac("sha256", key).update(data).digest("hex"));
      }),
    );
  });

  test.each(facts.endpoint_session_reference_vector)("reference at scope $scope_id", (row) => {
    const reference = sessionReference(unhex(row.key_hex), BigInt(row.scope_id), unhex(row.session_id_hex));
    expect(reference).toEqual({
      scopedRef: BigInt(row.scoped_ref),
      scopedRefHi: BigInt(row.scoped_ref_hi),
      epoch: BigInt(row.epoch),
    });
  });
});

describe("a delivered call", () => {
  const SESSION = { id: "run", principalKind: 2, authStrength: 1, profileClass: 3 };

  /** The session block of a call that asks to disclose `wanted`, at the endpoint of this name. */
  function* blockOf(guest: Guest, name: string, wanted: bigint) {
    const cap = guest.cap(name);
    const recv = guest.prepare({ cap, sqe: { opcode: OP.recv, addr: 0n } });
    guest.submit(recv.sqe);
    guest.submit(guest.prepare({ cap, sqe: { sessionDisclosure: wanted } }).sqe);
    yield* guest.enter(1, 0n);
    const received = guest.take();
    const bytes = guest.read(recv.resultAt + ENDPOINT_HEADER.callerSession, 40).slice();
    expect(received?.callId).not.toBe(0);
    const { sqe } = guest.prepare({ cap, resultLen: 0 });
    guest.submit({ ...sqe, opcode: OP.return, resultAddr: 0n, addr: 0n, callId: received?.callId ?? 0 });
    yield* guest.enter(2, 0n);
    expect(guest.takeAll().map(({ result }) => result)).toEqual([0, 0]);
    return bytes;
  }
  const number = (block: Uint8Array, at: number, bytes: number): bigint =>
    block.subarray(at, at + bytes).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const fields = (block: Uint8Array) => ({
    flags: number(block, CALLER_SESSION.flags, 4),
    disclosed: number(block, CALLER_SESSION.disclosedFields, 4),
    principal: number(block, CALLER_SESSION.principalKind, 2),
    auth: number(block, CALLER_SESSION.authStrength, 2),
    profile: number(block, CALLER_SESSION.profileClass, 2),
  });

  function run(disclosure: number | undefined, program: (guest: Guest) => ReturnType<Guest["exit"]>): void {
    const machine = new TestMachine({
      programs: { init: program },
      init: {
        capabilities: [
          ["one", "endpoint"],
          ["two", "endpoint"],
        ],
      },
      options: disclosure === undefined ? {} : { session: { ...SESSION, disclosure } },
    });
    expect(machine.run()).toMatchObject({ kind: "finished", exitCode: 0n, reason: "exit" });
  }

  test("shows what the call and the capability both disclose", () => {
    run(5, function* (guest) {
      const none = yield* blockOf(guest, "one", 0n);
      expect(fields(none)).toEqual({ flags: 1n, disclosed: 0n, principal: 0n, auth: 0n, profile: 0n });
      const all = yield* blockOf(guest, "one", 7n);
      expect(fields(all)).toEqual({ flags: 1n, disclosed: 5n, principal: 2n, auth: 0n, profile: 3n });
      yield* guest.exit(0n);
    });
  });

  test("has a reference of its own per endpoint, the same in every call", () => {
    run(0, function* (guest) {
      const ref = (block: Uint8Array) => hexOf(block.subarray(0, 24));
      const first = ref(yield* blockOf(guest, "one", 0n));
      expect(ref(yield* blockOf(guest, "one", 0n))).toBe(first);
      expect(ref(yield* blockOf(guest, "two", 0n))).not.toBe(first);
      yield* guest.exit(0n);
    });
  });

  test("is all zero without a session, whatever the call would disclose", () => {
    run(undefined, function* (guest) {
      expect(hexOf(yield* blockOf(guest, "one", 7n))).toBe("00".repeat(40));
      yield* guest.exit(0n);
    });
  });
});
