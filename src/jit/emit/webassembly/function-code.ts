/** From emitted instructions to the code of a function: the locals come first. */

import { type BranchHint, Bytes, type FunctionType, type WasmType } from "./bytes.ts";
import type { FunctionCode, Relocation } from "./imports.ts";

export interface Emitted {
  /** Types of the locals behind the parameters. */
  readonly locals: readonly WasmType[];
  readonly out: Bytes;
  readonly relocations: readonly Relocation[];
  readonly hints: readonly BranchHint[];
  readonly type?: FunctionType;
}

export function functionCode({ locals, out, relocations, hints, type }: Emitted): FunctionCode {
  const whole = new Bytes(out.length + 64);
  const runs: { type: WasmType; count: number }[] = [];
  for (const local of locals) {
    const last = runs.at(-1);
    if (last?.type === local) last.count++;
    else runs.push({ type: local, count: 1 });
  }
  whole.unsigned(runs.length);
  for (const run of runs) {
    whole.unsigned(run.count);
    whole.byte(run.type);
  }
  const head = whole.length;
  whole.append(out.bytes);
  const moved = relocations.map(({ at, name }) => ({ at: at + head, name }));
  return {
    body: whole.bytes,
    relocations: moved,
    hints: hints.map(({ at, likely }) => ({ at: at + head, likely })),
    ...(type === undefined ? {} : { type }),
  };
}
