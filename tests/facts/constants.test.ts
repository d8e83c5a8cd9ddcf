/** Every published constant is compared or named as not built, and every number of `abi.ts` has a source. */

import { describe, expect, test } from "vitest";
import { DISCLOSURE_MASK, IMAGE_LIMIT, OP, STACK_BASE, SYSCALL_REJECTED } from "../../src/kernel/abi.ts";
import { systemInfoCapability } from "../../src/kernel/caps/system-info.ts";
import { terminalSessionCapability } from "../../src/kernel/caps/terminal-session.ts";
import { BUILT_IN_INIT } from "../../src/kernel/manifest.ts";
import { protectionOf } from "../../src/kernel/objects/claims.ts";
import type { Sqe } from "../../src/kernel/ring.ts";
import { PLAIN_SQE } from "../kernel/plain-sqe.ts";
import {
  CapException,
  SystemInfo_Hostname$Results,
  SystemInfo_Motd$Results,
  TerminalSession_ReadLine$Params,
  TerminalSession_ReadLine$Results,
} from "../../src/kernel/schema/kernel.ts";
import { isValidDescriptor } from "../../src/kernel/transfers.ts";
import { wireError } from "../../src/kernel/wire.ts";
import { EMPTY, message, parse, TestMachine } from "../kernel/guest.ts";
import { TestKernel } from "../kernel/caps/support.ts";
import { abiNumbers, camelCase, readFacts, type StructFacts } from "./facts.ts";
import { BEHAVIOUR, COMPARED, NOT_BUILT_CONSTANTS, OURS, STRUCT_SIZES, STRUCT_TABLES } from "./numbers.ts";

const { constants } = readFacts<{ constants: Record<string, Record<string, number | string>> }>(
  "abi-constants",
);
const { structs } = readFacts<{ structs: Record<string, StructFacts> }>("abi-structs");
const published = new Map<string, number | string>(
  Object.entries(constants).flatMap(([group, rows]) =>
    Object.entries(rows).map(([name, value]) => [`${group}.${name}`, value] as const),
  ),
);
const numbers = abiNumbers();

/** Names that a test asked for. */
const asked = new Set<string>();

function fact(name: string): bigint {
  asked.add(name);
  const value = published.get(name);
  if (value === undefined) throw new Error(`no published constant ${name}`);
  return BigInt(value);
}
function text(name: string): string {
  asked.add(name);
  return String(published.get(name));
}
/** For values that no rule lets grow. */
const small = (name: string): number => Number(fact(name));

test.each(Object.entries(COMPARED))("%s", (name, ours) => {
  const values = typeof ours === "number" ? [BigInt(ours)] : [ours].flat().map((path) => numbers.get(path));
  for (const value of values) expect(value).toBe(fact(name));
});

test("every published constant is compared or named as not built, and only once", () => {
  const notBuilt = NOT_BUILT_CONSTANTS.flatMap(([, names]) => names);
  const named = [...Object.keys(COMPARED), ...BEHAVIOUR, ...notBuilt];
  expect([...named].sort()).toEqual([...published.keys()].sort());
});

test("every number of abi.ts is compared or has another source, and only one", () => {
  const offsets = Object.entries(STRUCT_TABLES).flatMap(([struct, table]) =>
    Object.keys(structs[struct]?.fields ?? {})
      .filter((field) => !field.startsWith("_"))
      .map((field) => `${table}.${camelCase(field)}`),
  );
  const compared = Object.values(COMPARED).flatMap((ours) => (typeof ours === "number" ? [] : ours));
  const sourced = new Set([...compared, ...offsets, ...Object.values(STRUCT_SIZES)]);
  expect(Object.keys(OURS).filter((path) => sourced.has(path))).toEqual([]);
  expect([...sourced, ...Object.keys(OURS)].sort()).toEqual([...numbers.keys()].sort());
});

describe("constants that show in what the kernel does", () => {
  test.each(["PIPELINE", "LINK", "MULTISHOT", "DRAIN"])("flag %s is refused on every operation", (flag) => {
    const sqe: Sqe = { ...PLAIN_SQE, flags: small(`ring.CAP_SQE_${flag}`) };
    for (const opcode of Object.values(OP)) expect(wireError({ ...sqe, opcode })).toBeLessThan(0);
    expect(wireError({ ...sqe, flags: 0 })).toBe(0);
  });

  test("transfer modes: none is invalid, and the two lie inside the mask", () => {
    const mask = small("ring.CAP_TRANSFER_MODE_MASK");
    expect(isValidDescriptor(small("ring.CAP_TRANSFER_MODE_INVALID"), 0)).toBe(false);
    const valid = Array.from({ length: 0x1_0000 }, (_, mode) => mode).filter((m) => isValidDescriptor(m, 0));
    expect(valid.reduce((bits, mode) => bits | mode, 0)).toBe(mask);
    expect(valid).toHaveLength(2);
    expect(mask ^ 0xffff).toBe(small("ring.CAP_TRANSFER_DESCRIPTOR_RESERVED_MASK"));
  });

  test("the image ends before the stack by the published distance", () => {
    expect(STACK_BASE - IMAGE_LIMIT).toBe(small("process_layout.USER_IMAGE_LINK_GUARD_BYTES"));
  });

  test("the three session fields make up what a call may disclose", () => {
    const fields = ["PRINCIPAL_KIND", "AUTH_STRENGTH", "PROFILE_CLASS"];
    const bits = fields.map((field) => fact(`capos_abi.ENDPOINT_SESSION_DISCLOSE_${field}`));
    expect(bits.reduce((mask, bit) => mask | bit, 0n)).toBe(DISCLOSURE_MASK);
    expect(new Set(bits).size).toBe(3);
  });

  test("protections of messages", () => {
    const prot = (...names: readonly string[]): unknown =>
      protectionOf(names.reduce((bits, name) => bits | small(`capos_config.VM_PROT_${name}`), 0));
    expect(prot("NONE")).toBe("none");
    expect(prot("READ")).toBe("r");
    expect(prot("READ", "WRITE")).toBe("rw");
    expect(prot("READ", "EXEC")).toBe("rx");
    expect(prot("READ", "WRITE", "EXEC")).toMatchObject({ status: "invalidArgument" });
  });

  test("the program that the published kernel has built in", () => {
    expect(BUILT_IN_INIT).toBe(text("capos_config.RESERVED_INIT_BINARY_NAME"));
  });

  test("system calls that are not there are rejected and change nothing", () => {
    const machine = new TestMachine({
      programs: {
        init: function* (guest) {
          for (const name of ["SYS_LEGACY_WRITE", "SYS_MEASURE"]) {
            expect(yield* guest.syscall(fact(`transcribed_private.${name}`), 1n, 0x101n)).toBe(
              SYSCALL_REJECTED,
            );
          }
        },
      },
    });
    expect(machine.run()).toMatchObject({ kind: "finished", exitCode: 0n });
    expect(machine.console).toBe("");
  });

  test("lines of a terminal, the message of the day and the host name stay within their limits", () => {
    const lineBytes = small("capos_lib.line_discipline.MAX_LINE_BYTES");
    const machine = new TestKernel({ consoleInput: ["x".repeat(lineBytes + 50)] });
    const guest = machine.spawn();
    const ask = message(TerminalSession_ReadLine$Params, (root) => {
      const request = root._initRequest();
      request.maxBytes = lineBytes + 20;
    });
    const results = (object: Parameters<typeof guest.give>[0], method: number, params: Uint8Array) => {
      const answer = guest.answer(guest.submit(guest.give(object), method, params, 8192), CapException, 8192);
      if (answer === undefined) throw new Error("the call waits");
      expect(answer.exception).toBeUndefined();
      return answer.bytes;
    };
    const line = parse(TerminalSession_ReadLine$Results, results(terminalSessionCapability(), 2, ask)).line;
    expect(line.length).toBe(lineBytes);

    const motd = parse(SystemInfo_Motd$Results, results(systemInfoCapability(), 0, EMPTY)).text;
    expect(Buffer.byteLength(motd)).toBeLessThanOrEqual(small("transcribed_private.MAX_MOTD_BYTES"));
    for (const each of motd.split("\n")) {
      expect(Buffer.byteLength(each)).toBeLessThanOrEqual(small("transcribed_private.MAX_MOTD_LINE_BYTES"));
    }
    const host = parse(SystemInfo_Hostname$Results, results(systemInfoCapability(), 1, EMPTY)).name;
    expect(host.length).toBeGreaterThan(0);
    expect(Buffer.byteLength(host)).toBeLessThanOrEqual(small("transcribed_private.MAX_HOSTNAME_BYTES"));
  });
});

test("what is said to be compared through behaviour was", () => {
  expect(BEHAVIOUR.filter((name) => !asked.has(name))).toEqual([]);
});
