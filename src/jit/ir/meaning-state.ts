/** Meaning of constants, guest state, guest memory, and the machine around the processor. */

import { FLAGS_A, FLAGS_B, FLAGS_CODE } from "./state.ts";
import { type Machine, type Meanings, type MemoryFault, Stop, unsigned } from "./meaning.ts";

const word = (value: number): bigint => unsigned(32, BigInt(value));
const long = (low: number, high: number): bigint => (word(high) << 32n) | word(low);

const orStop = (fault: MemoryFault | undefined): Stop | undefined =>
  fault === undefined ? undefined : new Stop({ kind: "fault", fault });

function load(machine: Machine, bytes: number, access: number, address: bigint): bigint | Stop {
  const result = machine.load(address, bytes, access);
  return typeof result === "bigint" ? result : new Stop({ kind: "fault", fault: result });
}

function store(
  machine: Machine,
  bytes: number,
  access: number,
  { address, value }: { address: bigint; value: bigint },
): Stop | undefined {
  return orStop(machine.store(address, bytes, unsigned(8 * bytes, value), access));
}

export const STATE_MEANINGS = {
  "const.i1": (value) => BigInt(value),
  "const.i32": (value) => word(value),
  "const.i64": (low, high) => long(low, high),
  "const.v128": (a, b, c, d) => (long(c, d) << 64n) | long(a, b),

  "get.i32": (slot, run) => run.machine.getState(slot, 4),
  "get.i64": (slot, run) => run.machine.getState(slot, 8),
  "get.v128": (slot, run) => run.machine.getState(slot, 16),
  "get.flags": ({ machine }) => ({
    code: Number(machine.getState(FLAGS_CODE, 4)),
    a: machine.getState(FLAGS_A, 8),
    b: machine.getState(FLAGS_B, 8),
  }),
  "set.i32": (slot, value, run) => void run.machine.setState(slot, 4, value),
  "set.i64": (slot, value, run) => void run.machine.setState(slot, 8, value),
  "set.v128": (slot, value, run) => void run.machine.setState(slot, 16, value),
  "set.flags": (flags, { machine }) => {
    machine.setState(FLAGS_CODE, 4, BigInt(flags.code));
    machine.setState(FLAGS_A, 8, flags.a);
    machine.setState(FLAGS_B, 8, flags.b);
    return undefined;
  },

  "peek.i32": (slot, run) => run.machine.getState(slot, 4),
  "peek.i64": (slot, run) => run.machine.getState(slot, 8),
  "poke.i32": (slot, value, run) => void run.machine.setState(slot, 4, value),
  "poke.i64": (slot, value, run) => void run.machine.setState(slot, 8, value),

  "load8.i32": (access, address, run) => load(run.machine, 1, access, address),
  "load16.i32": (access, address, run) => load(run.machine, 2, access, address),
  "load.i32": (access, address, run) => load(run.machine, 4, access, address),
  "load.i64": (access, address, run) => load(run.machine, 8, access, address),
  "load.v128": (access, address, run) => load(run.machine, 16, access, address),
  "store8.i32": (access, address, value, run) => store(run.machine, 1, access, { address, value }),
  "store16.i32": (access, address, value, run) => store(run.machine, 2, access, { address, value }),
  "store.i32": (access, address, value, run) => store(run.machine, 4, access, { address, value }),
  "store.i64": (access, address, value, run) => store(run.machine, 8, access, { address, value }),
  "store.v128": (access, address, value, run) => store(run.machine, 16, access, { address, value }),
  "probe.write": (access, bytes, address, run) => orStop(run.machine.probeWrite(address, bytes, access)),
  // Leaving all elements to the rest of the instruction is the plainest way to do some of them.
  "bulk.store": () => 0n,
  "bulk.copy": () => 0n,
  "fault.if": (vector, condition) => orStop(condition === 1n ? { vector, errorCode: 0 } : undefined),
  "exit.if": (low, high, condition) =>
    condition === 1n ? new Stop({ kind: "exit.if", rip: long(low, high) }) : undefined,

  cpuid: (register, leaf, subleaf, run) => word(run.machine.cpuid(register, Number(leaf), Number(subleaf))),
  tsc: (run) => BigInt(run.machine.instructionsAtEntry() + run.guestIndex),
  random: (run) => unsigned(64, run.machine.random()),
} satisfies Partial<Meanings>;
