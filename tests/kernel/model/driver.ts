/** A test machine that does one thing at a time: the chosen process runs a piece of program, the others only spin. */

import type { Process } from "../../../src/kernel/objects/process.ts";
import type { Thread } from "../../../src/kernel/objects/thread.ts";
import type { Run, Scenario } from "../guest.ts";
import { Guest, TestMachine } from "../guest.ts";

/** Turns of others before a piece of program is taken for stuck. */
const MAX_TURNS = 1000;

export class Driver {
  readonly machine: TestMachine;
  readonly #guests = new Map<Thread, Guest>();
  #job: { readonly process: Process; readonly run: (guest: Guest) => boolean } | undefined;

  constructor(scenario: Omit<Scenario, "programs">, programs: readonly string[]) {
    const idle = function* (): Run<void> {
      yield "spin";
    };
    this.machine = new TestMachine({
      ...scenario,
      programs: Object.fromEntries(programs.map((name) => [name, idle])),
    });
    const started = this.machine.start();
    if (started.status !== "ok") throw new Error(started.text);
  }

  get kernel(): TestMachine["kernel"] {
    return this.machine.kernel;
  }

  /** Runs the piece in the first thread of the process, to its end. */
  perform<T>(process: Process, piece: (guest: Guest) => Run<T>): T {
    let running: Run<T> | undefined;
    let ended: { readonly value: T } | undefined;
    this.#job = {
      process,
      run: (guest) => {
        running ??= piece(guest);
        const { cpu } = this.machine;
        const next = running.next(cpu.registers.rax);
        if (next.done === true) {
          ended = { value: next.value };
          return false;
        }
        if (typeof next.value === "string") return false;
        cpu.registers.rax = next.value.number;
        cpu.registers.rdi = next.value.arg0;
        cpu.registers.rsi = next.value.arg1;
        this.kernel.handle({ kind: "syscall" });
        return true;
      },
    };
    for (let turn = 0; turn < MAX_TURNS && ended === undefined; turn++) this.#turn();
    if (ended === undefined) throw new Error(`process ${process.id} is stuck`);
    return ended.value;
  }

  #turn(): void {
    const step = this.kernel.next();
    if (step.kind !== "run") throw new Error(`the machine ended: ${step.kind}`);
    const { thread, budget } = step;
    const guest = this.#guests.get(thread) ?? new Guest(this.machine, thread);
    this.#guests.set(thread, guest);
    const mine = thread.process === this.#job?.process;
    this.machine.instructions++;
    if (mine && this.#job?.run(guest) === true) return;
    this.machine.instructions += budget;
    this.kernel.handle({ kind: "budget" });
  }
}
