/** What the commands note down, apart from the kernel: memory objects, who names them, and calls on their way. */

import { expect } from "vitest";
import { pageNumber } from "../../../src/mmu/address.ts";
import { ModelProcess } from "../exhaustive/page-model.ts";
import type { ModelPage } from "../exhaustive/page-model.ts";
import { QUOTAS, WINDOW, WINDOW_START } from "./world.ts";
import type { World } from "./world.ts";

export interface Sent {
  readonly id: number;
  readonly move: boolean;
  /** Number of the memory object, if it is one. */
  readonly object: number | undefined;
}

export class Notes {
  readonly memories = [new ModelProcess(WINDOW), new ModelProcess(WINDOW)];
  /** Pages of each memory object ever made. */
  readonly objects: number[] = [];
  /** By process: capability id to object number. */
  readonly names: readonly Map<number, number>[] = [new Map(), new Map()];
  /** Calls of the child that wait for init, and those it received. */
  readonly queue: (readonly Sent[])[] = [];
  readonly received: number[] = [];

  memory(process: number): ModelProcess {
    const memory = this.memories[process];
    if (memory === undefined) throw new Error(`no process ${process}`);
    return memory;
  }
  namesOf(process: number): Map<number, number> {
    const names = this.names[process];
    if (names === undefined) throw new Error(`no process ${process}`);
    return names;
  }
  pagesOf(object: number | undefined): number {
    return object === undefined ? 0 : (this.objects[object] ?? 0);
  }

  /** The process has a further capability for the object. */
  name(process: number, id: number, object: number): void {
    this.namesOf(process).set(id, object);
    this.memory(process).chargedPages += this.pagesOf(object);
  }
  unname(process: number, id: number): void {
    const object = this.namesOf(process).get(id);
    if (object === undefined) return;
    this.namesOf(process).delete(id);
    this.memory(process).chargedPages -= this.pagesOf(object);
  }

  /** Whether a waiting call marks this capability of the child as moving. */
  isMoving(process: number, id: number): boolean {
    return process === 1 && this.queue.some((call) => call.some((sent) => sent.move && sent.id === id));
  }

  framePages(process: number): number {
    const memory = this.memory(process);
    return memory.chargedPages + memory.count("committed", "borrowed");
  }
  grants(process: number, pages: number): boolean {
    return this.framePages(process) + pages <= QUOTAS.frameGrant;
  }

  /** The kernel is as it is noted here. */
  compare(world: World): void {
    for (const [number, model] of this.memories.entries()) {
      const { memory, ledger } = world.process(number);
      const first = Number(WINDOW_START / 4096n);
      const shown = model.pages.map((_, i) => memory.explain(pageNumber(first + i))?.protection);
      expect(shown).toEqual(model.pages.map(protectionOf));
      expect(world.idsOf(number, "memory-object").sort()).toEqual([...this.namesOf(number).keys()].sort());
      expect(ledger.used("frameGrantPages")).toBe(this.framePages(number));
      expect(ledger.used("virtualReservationPages")).toBe(model.count("reserved", "committed"));
    }
  }
}

const protectionOf = (page: ModelPage): string | undefined =>
  page === undefined ? undefined : page.kind === "reserved" ? "reserved" : page.protection;
