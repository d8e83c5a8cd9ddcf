/** From emitted instructions to the code of a function: the locals come first. */

import { Bytes, type FunctionType, type WasmType } from "./bytes.ts";
import type { FunctionCode, Relocation } from "./imports.ts";

export interface Emitted {
  /** Types of the locals behind the parameters. */
  readonly locals: readonly WasmType[];
  readonly out: Bytes;
  readonly relocations: readonly Relocation[];
  readonly unlikely: readonly number[];
  readonly type?: FunctionType;
}

export function functionCode({ locals, out, relocations, unlikely, type }: Emitted): FunctionCode {
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
    unlikely: unlikely.map((at) => at + head),
    ...(type === undefined ? {} : { type }),
  };
}
