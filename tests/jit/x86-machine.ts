/** An engine with the x86 front end on the real MMU, for tests that need aliases of code pages. */

import { generalSlot } from "../../src/frontend/guest-state.ts";
import { createLifter } from "../../src/frontend/lift/block.ts";
import { createEngine, type Engine, type RunRequest } from "../../src/jit/engine.ts";
import type { Exit } from "../../src/jit/exit.ts";
import type { JitOptions } from "../../src/jit/options.ts";
import { STATE_BYTE } from "../../src/mmu/layout.ts";
import { ToySpaces } from "./cache/toy-machine.ts";

export class X86Machine extends ToySpaces {
  readonly engine: Engine;

  constructor(options: JitOptions) {
    super({});
    this.engine = createEngine({
      mmu: this.mmu,
      lift: createLifter({}),
      options,
      checks: "full",
      cpuid: () => 0,
      random: () => ({ lo: 1, hi: 2 }),
    });
  }

  general(register: number): bigint {
    return this.mmu.view.getBigUint64(STATE_BYTE + generalSlot(register), true);
  }

  setGeneral(register: number, value: bigint | number): void {
    this.mmu.view.setBigUint64(STATE_BYTE + generalSlot(register), BigInt.asUintN(64, BigInt(value)), true);
  }

  generals(): bigint[] {
    return Array.from({ length: 16 }, (_, register) => this.general(register));
  }

  run(at: number, request: Partial<RunRequest> = {}): Exit {
    this.rip = at;
    return this.engine.run({ slice: Infinity, ...request });
  }
}
