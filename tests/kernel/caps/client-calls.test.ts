/**
 * The typed clients of the SDK: parameters as they send them, and the shape of answer they accept. Zero bytes where
 * a method has no results, a message where it has, exactly so many records behind it, all within their buffer.
 */

import { expect, test } from "vitest";
import { capabilityManagerCapability } from "../../../src/kernel/caps/capability-manager.ts";
import { consoleCapability } from "../../../src/kernel/caps/console.ts";
import { createPipe, pipeBehind } from "../../../src/kernel/caps/pipe.ts";
import { processHandleCapability } from "../../../src/kernel/caps/process-handle.ts";
import { threadHandleCapability } from "../../../src/kernel/caps/thread-handle.ts";
import type { KernelObject } from "../../../src/kernel/object.ts";
import { ExitWatch } from "../../../src/kernel/objects/exit-watch.ts";
import { CapException } from "../../../src/kernel/schema/kernel.ts";
import { KERNEL_SOURCES } from "../../../src/kernel/sources.ts";
import recorded from "../../data/client-calls.json" with { type: "json" };
import type { TestGuest } from "./support.ts";
import { TestKernel } from "./support.ts";

const RW = 3;
const PAGE = 0x1000n;
const AT = 0x4000_0000n;

const unhex = (text: string): Uint8Array =>
  Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));

interface Subject {
  readonly object: KernelObject;
  /** Makes a call that waits complete. */
  readonly finish?: () => void;
}
type Make = (machine: TestKernel, guest: TestGuest) => Subject;

/** Objects that no kernel source makes. */
const MADE: ReadonlyMap<string, Make> = new Map<string, Make>([
  [
    "Pipe: read(64)",
    () => {
      const { read } = pipe();
      return { object: read, finish: () => void pipeBehind(read)?.tryWrite(Uint8Array.of(1)) };
    },
  ],
  ["Pipe", () => ({ object: pipe().write })],
  [
    "ProcessHandle",
    (machine) => {
      const { process } = machine.spawn();
      const finish = (): void => machine.kernel.exitProcess(process, 3n);
      return { object: processHandleCapability(process), finish };
    },
  ],
  [
    "ThreadHandle",
    (machine, guest) => {
      const request = { entry: 0x20_0000n, stackTop: 0x100_8000n, arg: 0n, fsBase: 0n };
      const thread = machine.kernel.createThread(guest.process, request);
      if (typeof thread === "string") throw new Error(thread);
      const finish = (): void => machine.kernel.exitThread(thread, 3n);
      return { object: threadHandleCapability(new ExitWatch(thread.onExit)), finish };
    },
  ],
  [
    "CapabilityManager",
    (machine) => {
      const child = machine.spawn();
      for (let i = 0; i < 10; i++) child.give(consoleCapability());
      return { object: capabilityManagerCapability(child.process) };
    },
  ],
]);

function pipe(): { readonly read: KernelObject; readonly write: KernelObject } {
  const made = createPipe(64);
  if ("kind" in made) throw new Error(made.text);
  return made;
}

function subject(machine: TestKernel, guest: TestGuest, name: string, call: string): Subject {
  const make = MADE.get(`${name}: ${call}`) ?? MADE.get(name);
  if (make !== undefined) return make(machine, guest);
  const source = KERNEL_SOURCES.get(name.charAt(0).toLowerCase() + name.slice(1));
  if (source === undefined || source.create === "endpoint") throw new Error(`no kernel source for ${name}`);
  const object = source.create({ services: machine.kernel, process: guest.process });
  return { object, finish: () => machine.advance(1_000_000) };
}

/** What the recorded call needs to find. */
function prepare({ process: { memory } }: TestGuest, call: string): void {
  if (/^(unmap|protect|decommit)/.test(call)) memory.map(AT, 2n * PAGE, RW, "test");
  if (call.startsWith("commit")) memory.reserve(AT, PAGE, "test");
}

test.each(recorded.calls.map((each) => [`${each.interface}: ${each.call}`, each] as const))(
  "%s",
  (_name, { interface: name, call, method, resultLength, params, answer, caps = 0 }) => {
    const machine = new TestKernel({ consoleInput: ["typed"] });
    const guest = machine.spawn();
    prepare(guest, call);
    const { object, finish } = subject(machine, guest, name, call);
    const userData = guest.submit(guest.give(object), method, unhex(params), resultLength);
    const look = () => guest.answer(userData, CapException, resultLength);
    if (look() === undefined) finish?.();
    const got = look();
    expect(got?.exception).toBeUndefined();
    expect(got?.records.length).toBe(caps);
    if (answer === "void") expect(got?.result).toBe(0);
    else expect(got?.result).toBeGreaterThanOrEqual(16);
    expect((got?.result ?? 0) + 16 * caps).toBeLessThanOrEqual(resultLength);
  },
);
