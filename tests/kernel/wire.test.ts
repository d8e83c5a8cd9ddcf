/** Wire validation agrees with the published validator on every recorded mutation. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { OP } from "../../src/kernel/abi.ts";
import type { Sqe } from "../../src/kernel/ring.ts";
import { wireError } from "../../src/kernel/wire.ts";
import { PLAIN_SQE } from "./plain-sqe.ts";

const facts = JSON.parse(readFileSync(new URL("../data/ring.json", import.meta.url), "utf8")) as {
  sqe_wire_validation: Record<string, Record<string, number>>;
  ring_client_sqes: readonly (Record<string, number | string | boolean> & { what: string })[];
};

const OPCODES: Record<string, number> = {
  CALL: OP.call,
  RETURN: OP.return,
  RECV: OP.recv,
  RELEASE: OP.release,
  FINISH: OP.finish,
  NOP: OP.nop,
  CANCEL: OP.cancel,
  PARK_BENCH: OP.parkBench,
  PARK: OP.park,
  UNPARK: OP.unpark,
  UNKNOWN_10: 10,
  UNKNOWN_255: 255,
};

function wellFormed(name: string): Sqe {
  const opcode = OPCODES[name];
  if (opcode === undefined) throw new Error(`no opcode ${name}`);
  if (name === "CANCEL") return { ...PLAIN_SQE, opcode, pipelineDep: 7n };
  if (name === "PARK") return { ...PLAIN_SQE, opcode, flags: 32, callId: 5, addr: 0x1000n };
  if (name === "PARK_BENCH") return { ...PLAIN_SQE, opcode, addr: 0x1000n };
  return { ...PLAIN_SQE, opcode };
}

const MUTATIONS: Record<string, Partial<Sqe>> = {
  base: {},
  cap_id: { capId: 1 },
  method_id: { methodId: 1 },
  addr: { addr: 0x2000n },
  addr_zero: { addr: 0n },
  len: { len: 1 },
  result_addr: { resultAddr: 0x2000n },
  result_len: { resultLen: 1 },
  pipeline_dep: { pipelineDep: 1n },
  pipeline_dep_zero: { pipelineDep: 0n },
  pipeline_field: { pipelineField: 1 },
  xfer_cap_count: { xferCapCount: 1 },
  xfer_cap_count_17: { xferCapCount: 17 },
  call_id: { callId: 1 },
  call_id_zero: { callId: 0 },
  session_disclosure_1: { sessionDisclosure: 1n },
  session_disclosure_7: { sessionDisclosure: 7n },
  session_disclosure_8: { sessionDisclosure: 8n },
  user_data_zero: { userData: 0n },
  flag_thread_owned_only: { flags: 32 },
  flag_thread_owned_and_call_id: { flags: 32, callId: 5 },
  flag_return_exception: { flags: 16 },
  flag_return_exception_and_xfer: { flags: 16, xferCapCount: 1 },
  flags_zero: { flags: 0 },
  flag_pipeline: { flags: 1 },
  flag_link: { flags: 2 },
  flag_multishot: { flags: 4 },
  flag_drain: { flags: 8 },
  flag_bit6: { flags: 64 },
  flag_bit7: { flags: 128 },
};

describe.each(Object.entries(facts.sqe_wire_validation))("%s", (name, expected) => {
  test.each(Object.entries(expected))("%s -> %i", (mutation, code) => {
    const change = MUTATIONS[mutation];
    if (change === undefined) throw new Error(`unknown mutation ${mutation}`);
    expect(wireError({ ...wellFormed(name), ...change })).toBe(code);
  });
});

test("high halves of 64-bit fields count", () => {
  expect(wireError({ ...PLAIN_SQE, opcode: OP.nop, addr: 1n << 63n })).toBe(-1);
  expect(wireError({ ...PLAIN_SQE, opcode: OP.call, sessionDisclosure: 1n << 40n })).toBe(-1);
});

test.each(facts.ring_client_sqes)("what the published client sends is well formed: $what", (sqe) => {
  const big = (name: string): bigint => BigInt(sqe[name] as string | number);
  const built: Sqe = {
    ...PLAIN_SQE,
    opcode: Number(sqe["opcode"]),
    flags: Number(sqe["flags"]),
    methodId: Number(sqe["method_id"]),
    capId: Number(sqe["cap_id"]),
    addr: sqe["addr_zero"] === true ? 0n : 0x1000n,
    len: Number(sqe["len"]),
    resultAddr: sqe["result_addr_zero"] === true ? 0n : 0x2000n,
    resultLen: Number(sqe["result_len"]),
    pipelineDep: big("pipeline_dep"),
    xferCapCount: Number(sqe["xfer_cap_count"]),
    callId: Number(sqe["call_id"]),
    sessionDisclosure: big("session_disclosure"),
  };
  expect(wireError(built) === 0).toBe(sqe["wire_valid"]);
});
