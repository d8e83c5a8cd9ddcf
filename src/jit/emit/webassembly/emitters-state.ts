/** Constants, guest state, and the machine around the processor. */

import { SCRATCH_BYTE } from "../../../mmu/layout.ts";
import type { OpName } from "../../ir/ops.ts";
import type { Body } from "./body.ts";
import { NO_RESULT, OP } from "./bytes.ts";
import type { Emitter } from "./emitters.ts";
import { dependencyOf, type SlotBytes } from "./places.ts";

const get =
  (bytes: SlotBytes): Emitter =>
  (body, _args, imm) =>
    body.places.get(body, imm[0] ?? 0, bytes);

const set =
  (bytes: SlotBytes): Emitter =>
  (body, args, imm) => {
    const offset = imm[0] ?? 0;
    body.places.set(body, offset, bytes, () => {
      body.value(args[0] ?? 0);
      body.settle(dependencyOf(offset, bytes));
    });
  };

/** The 64-bit result that a helper left in scratch. */
export function scratch64(body: Body): void {
  body.const32(0);
  body.memory(OP.i64Load, SCRATCH_BYTE);
}

export const STATE_EMITTERS = {
  "const.i1": (body, _args, imm) => body.const32(imm[0] ?? 0),
  "const.i32": (body, _args, imm) => body.const32(imm[0] ?? 0),
  "const.i64": (body, _args, imm) => body.const64(imm[0] ?? 0, imm[1] ?? 0),
  "const.v128": (body, _args, imm) => body.vectorConst(imm),
  "get.i32": get(4),
  "get.i64": get(8),
  "get.v128": get(16),
  "get.flags": () => undefined,
  "set.i32": set(4),
  "set.i64": set(8),
  "set.v128": set(16),
  "set.flags": (body, args) => {
    body.places.setFlags(body, args[0] ?? 0);
  },
  "exit.if": (body, args, imm) => {
    const condition = args[0] ?? 0;
    if (body.constantOf(condition) === 0) return;
    body.value(condition);
    body.block(OP.if, NO_RESULT);
    body.leaveTo(imm[0] ?? 0, imm[1] ?? 0);
    body.end();
  },
  cpuid: (body, args, imm) => {
    body.const32(imm[0] ?? 0);
    body.value(args[0] ?? 0);
    body.value(args[1] ?? 0);
    body.call("cpuid");
  },
  tsc: (body) => {
    body.beforeClock();
    body.const32(body.completed);
    body.call("tsc");
    scratch64(body);
  },
  random: (body) => {
    body.call("random");
    scratch64(body);
  },
} as const satisfies Partial<Record<OpName, Emitter>>;
