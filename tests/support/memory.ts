/** A machine with memory only: MMU, frames, processes and objects, and every rule that must hold between them. */

import { FrameAllocator } from "../../src/kernel/frame-allocator.ts";
import { brokenLedgerRules, Ledger } from "../../src/kernel/ledger.ts";
import type { Limits } from "../../src/kernel/ledger.ts";
import { defaultMemoryMap } from "../../src/kernel/memory-map.ts";
import { brokenMemoryRules, brokenSharingRules } from "../../src/kernel/objects/memory-checks.ts";
import { allocateMemoryObject } from "../../src/kernel/objects/memory-object.ts";
import type { MemoryObject } from "../../src/kernel/objects/memory-object.ts";
import { ProcessMemory } from "../../src/kernel/objects/process-memory.ts";
import { createMmu } from "../../src/mmu/create-mmu.ts";
import type { Mmu } from "../../src/mmu/mmu.ts";

export class MemoryMachine {
  readonly mmu: Mmu;
  readonly frames: FrameAllocator;
  readonly freeAtStart: number;
  readonly memories: ProcessMemory[] = [];
  readonly objects: MemoryObject[] = [];

  constructor(ramBytes = 2 << 20) {
    this.mmu = createMmu({ ramBytes, checks: "full" });
    this.frames = new FrameAllocator(this.mmu, defaultMemoryMap(ramBytes));
    this.freeAtStart = this.frames.freeCount;
  }

  process(limits: Partial<Limits> = {}): ProcessMemory {
    const memory = ProcessMemory.create(this.mmu, this.frames, new Ledger(limits));
    if (memory === undefined) throw new Error("no frame for an address space");
    this.memories.push(memory);
    return memory;
  }

  /** An object that one capability holds. */
  object(pages: number): MemoryObject {
    const result = allocateMemoryObject(this.frames, new Ledger(), pages);
    if (result.status !== "ok") throw new Error(result.text);
    result.object.addHold();
    this.objects.push(result.object);
    return result.object;
  }

  teardown(memory: ProcessMemory): void {
    memory.teardown();
    this.memories.splice(this.memories.indexOf(memory), 1);
  }

  brokenSharingRules(): string[] {
    return brokenSharingRules({
      frames: this.frames,
      usedAtStart: this.frames.frameCount - this.freeAtStart,
      memories: this.memories,
      objects: this.objects,
    });
  }

  brokenRules(): string[] {
    return [
      ...this.memories.flatMap((memory) => [
        ...brokenMemoryRules(memory),
        ...brokenLedgerRules(memory.ledger, memory.charges()),
      ]),
      ...this.brokenSharingRules(),
      ...this.mmu.brokenRules(),
    ];
  }
}
