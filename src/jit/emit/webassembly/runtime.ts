/**
 * What WebAssembly units import. A helper that refuses returns 1 and has said why: RIP is stored,
 * `RuntimeState.completed` is set, and the unit leaves at once. Wide values pass through scratch.
 */

import { SCRATCH_WORD, STATE_BYTE } from "../../../mmu/layout.ts";
import { ACCESS_CODE, ACCESS_OK, type Mmu } from "../../../mmu/mmu.ts";
import type { CallMachine } from "../../ir/calls/call.ts";
import { CALL_LIST } from "../../ir/calls/index.ts";
import { RIP } from "../../ir/state.ts";
import type { RuntimeHooks, RuntimeState } from "../../unit.ts";
import { ACCESS_NAMES, accessFunctions } from "./access-functions.ts";
import { MEMORY_NAME, TABLE_NAME } from "./bytes.ts";
import { compileModule, type ImportSource } from "./compile.ts";
import { floatFunctions } from "./float-functions.ts";
import { FLOAT_FUNCTIONS } from "./float-ops.ts";
import { Forwarders } from "./forwarders.ts";
import { accessOf, completedOf, highOf } from "./site.ts";

const RIP_WORD = (STATE_BYTE + RIP) >> 2;

/** Helpers that both back ends share; 64-bit results have their high half in the second scratch word. */
export interface SharedHelpers {
  cond(condition: number, code: number, al: number, ah: number, bl: number, bh: number): boolean;
  flagBits(code: number, al: number, ah: number, bl: number, bh: number): number;
  readonly bulkStore: BulkHelper;
  readonly bulkCopy: BulkHelper;
  readonly divu: WideHelper;
  readonly remu: WideHelper;
  readonly divs: WideHelper;
  readonly rems: WideHelper;
  fitss(...words: SixWords): boolean;
  cpuid(register: number, leaf: number, subleaf: number): number;
  tsc(completed: number): number;
  random(): number;
}
type BulkHelper = (size: number, ...words: SixWords) => number;
type SixWords = [hl: number, hh: number, ll: number, lh: number, dl: number, dh: number];
type WideHelper = (...words: SixWords) => number;

/** Thrown by a call operation's `raise`, to get out of it; never leaves this file. */
const RAISED = { name: "RAISED" } as const;

export class WasmRuntime {
  /** Everything a module may import, by the names of `imports.ts`. */
  readonly imports: ImportSource;
  readonly #words: Int32Array;
  readonly #state: RuntimeState;
  readonly #mmu: Mmu;
  readonly #unsupported: string[] = [""];

  constructor(
    mmu: Mmu,
    state: RuntimeState,
    shared: SharedHelpers,
    { hooks, table }: { readonly hooks: RuntimeHooks; readonly table: WebAssembly.Table },
  ) {
    this.#mmu = mmu;
    this.#words = mmu.words;
    this.#state = state;
    const { countCalls = (functions) => functions } = hooks;
    const helpers = countCalls({
      [MEMORY_NAME]: mmu.memory,
      [TABLE_NAME]: table,
      ...this.#memoryHelpers(),
      ...wideHelpers(mmu.words, shared),
      ...this.#callHelpers(),
      exitFault: this.#exitFault.bind(this),
      bulkStore: shared.bulkStore,
      bulkCopy: shared.bulkCopy,
      cond: shared.cond,
      flagBits: shared.flagBits,
      fitss: shared.fitss,
      resume: (status: number, lo: number, hi: number) => hooks.resume(status, lo, hi),
      cpuid: (register: number, leaf: number, subleaf: number) => hooks.cpuid(register, leaf, subleaf),
    });
    const forwarders = new Forwarders(helpers);
    this.imports = forwarders.imports;
    forwarders.provide(
      ACCESS_NAMES,
      compileModule(accessFunctions(), { imports: this.imports, table: false }),
    );
    // SSE arithmetic is compiled when the first module asks for it.
    forwarders.offer(
      FLOAT_FUNCTIONS.map(({ name }) => name),
      () => compileModule(floatFunctions(), { imports: this.imports, table: false }),
    );
  }

  /** Number of the name of an instruction that is not implemented; 0 is none. */
  unsupported(name: string): number {
    const known = this.#unsupported.indexOf(name);
    return known >= 0 ? known : this.#unsupported.push(name) - 1;
  }

  /** A block ends in a fault known from the start. */
  #exitFault(
    vector: number,
    errorCode: number,
    lo: number,
    hi: number,
    completed: number,
    name: number,
  ): void {
    const unsupported = this.#unsupported[name];
    this.#setRip(lo, hi);
    this.#stop(completed, {
      vector,
      errorCode,
      ...(name === 0 || unsupported === undefined ? {} : { unsupported }),
    });
  }

  #memoryHelpers() {
    const mmu = this.#mmu;
    return {
      load: (lo: number, hi: number, bytes: number, rip: number, site: number) =>
        mmu.load(lo, hi, bytes, accessOf(site)) === ACCESS_OK ? 0 : this.#refuse(rip, site),
      store: (lo: number, hi: number, bytes: number, rip: number, site: number) => {
        const outcome = mmu.store(lo, hi, bytes, accessOf(site), false);
        if (outcome === ACCESS_OK) return 0;
        if (outcome !== ACCESS_CODE) return this.#refuse(rip, site);
        this.#locate(rip, site);
        this.#state.completed = completedOf(site);
        this.#state.stop = "leave";
        return 1;
      },
      probe: (lo: number, hi: number, bytes: number, rip: number, site: number) =>
        mmu.probeWrite(lo, hi, bytes, accessOf(site)) === ACCESS_OK ? 0 : this.#refuse(rip, site),
      raise: (vector: number, rip: number, site: number) => {
        this.#raise(vector, rip, site);
      },
    };
  }

  /** Call operations; those that may raise get the site as two more arguments and leave their result in scratch. */
  #callHelpers(): Record<string, unknown> {
    const words = this.#words;
    let raised = 0;
    const machine: CallMachine = {
      results: words.subarray(SCRATCH_WORD, SCRATCH_WORD + 4),
      state: new DataView(words.buffer, STATE_BYTE),
      raise(vector) {
        raised = vector;

        throw RAISED;
      },
    };
    return Object.fromEntries(
      CALL_LIST.map(({ op, call, raises }) => {
        if (!raises) return [op, (...args: number[]) => call(machine, ...args)];
        const helper = (...args: number[]): number => {
          const site = args.pop() ?? 0;
          const rip = args.pop() ?? 0;
          try {
            words[SCRATCH_WORD] = call(machine, ...args);
            return 0;
          } catch (thrown) {
            if (thrown !== RAISED) throw thrown;
            return this.#raise(raised, rip, site);
          }
        };
        return [op, helper];
      }),
    );
  }

  #raise(vector: number, rip: number, site: number): 1 {
    this.#locate(rip, site);
    this.#stop(completedOf(site), { vector, errorCode: 0 });
    return 1;
  }

  /** The MMU refused the access. */
  #refuse(rip: number, site: number): 1 {
    const fault = this.#mmu.fault;
    this.#locate(rip, site);
    this.#stop(
      completedOf(site),
      fault === undefined ? undefined : { vector: fault.vector, errorCode: fault.errorCode, memory: fault },
    );
    return 1;
  }

  #stop(completed: number, fault: RuntimeState["pendingFault"]): void {
    this.#state.completed = completed;
    this.#state.pendingFault = fault;
    this.#state.stop = "fault";
  }

  #locate(rip: number, site: number): void {
    this.#setRip(rip, highOf(site));
  }

  #setRip(lo: number, hi: number): void {
    this.#words[RIP_WORD] = lo;
    this.#words[RIP_WORD + 1] = hi;
  }
}

/** 64-bit results go to scratch as a whole. */
function wideHelpers(words: Int32Array, shared: SharedHelpers) {
  const wide =
    (helper: WideHelper) =>
    (...six: SixWords): void => {
      words[SCRATCH_WORD] = helper(...six);
    };
  return {
    divu: wide(shared.divu),
    remu: wide(shared.remu),
    divs: wide(shared.divs),
    rems: wide(shared.rems),
    tsc: (completed: number): void => {
      words[SCRATCH_WORD] = shared.tsc(completed);
    },
    random: (): void => {
      words[SCRATCH_WORD] = shared.random();
    },
  };
}
