/** The recorded sequence of the published smoke program, without a processor. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CapException, Console_WriteLine$Params } from "../../src/kernel/schema/kernel.ts";
import type { Run } from "./guest.ts";
import { Guest, message, parse, TestMachine } from "./guest.ts";

interface SmokeStep {
  readonly opcode: number;
  readonly method_id: number;
  readonly user_data: number;
  readonly len: number;
  readonly result_len: number;
  readonly xfer_cap_count: number;
  readonly cqe_result: number;
  readonly console?: string;
}
const { steps, exit_code } = JSON.parse(
  readFileSync(new URL("../data/smoke-trace.json", import.meta.url), "utf8"),
) as { steps: readonly SmokeStep[]; exit_code: number };

const UNIMPLEMENTED = 3;

/** A writeLine message of exactly this length, starting with the text. */
function lineMessage(text: string, length: number): Uint8Array {
  const padded = text.padEnd(length - 8 - 8 - 8 - 1, ".");
  const bytes = message(Console_WriteLine$Params, (root) => (root.text = padded));
  expect(bytes.length).toBe(length);
  return bytes;
}

function* smoke(guest: Guest): Run<void> {
  expect(guest.capSet().map(({ name, id }) => [name, id])).toEqual([["console", 0]]);
  for (const step of steps) {
    const { sqe, resultAt } = guest.prepare({
      cap: 0,
      method: step.method_id,
      params: step.len === 0 ? new Uint8Array(0) : lineMessage(step.console ?? "", step.len),
      resultLen: step.result_len,
      transfers: Array.from({ length: step.xfer_cap_count }, () => ({ cap: 0 })),
      sqe: { opcode: step.opcode, userData: BigInt(step.user_data) },
    });
    const release = step.opcode === 3 ? { addr: 0n, resultAddr: 0n } : {};
    guest.submit({ ...sqe, ...release });
    expect(yield* guest.enter(1, 0xffff_ffff_ffff_ffffn)).toBe(1n);
    const cqe = guest.take();
    expect([cqe?.userData, cqe?.result]).toEqual([BigInt(step.user_data), step.cqe_result]);
    expect([cqe?.flags, cqe?.capCount, cqe?.badge, cqe?.callId]).toEqual([0, 0, 0n, 0]);
    if (step.cqe_result === -9) {
      expect(parse(CapException, guest.read(resultAt, step.result_len)).type).toBe(UNIMPLEMENTED);
    }
  }
  yield* guest.exit(BigInt(exit_code));
}

test("the recorded trace of the published smoke program is followed to the code", () => {
  const machine = new TestMachine({
    programs: { init: smoke },
    init: { capabilities: [["console", "console"]] },
  });
  expect(machine.run()).toEqual({ kind: "finished", exitCode: BigInt(exit_code), reason: "exit" });
  const printed = steps.flatMap((step) => (step.cqe_result === 0 && step.console ? [step.console] : []));
  const lines = machine.console.split("\n");
  expect(lines.slice(0, -1).map((line) => line.replace(/\.+$/, ""))).toEqual(printed);
  expect(printed).toHaveLength(3);
});
