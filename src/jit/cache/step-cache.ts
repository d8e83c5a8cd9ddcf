/**
 * Units of one instruction that may write translated code. They are found by address and instruction bytes alone,
 * so they outlive the page they were made from: a guest that rewrites itself stores with the same instruction again
 * and again. Nothing links to them.
 */

import { type GuestAddress, offsetInPage } from "../../mmu/address.ts";
import type { JavaScriptUnit } from "../unit.ts";

/** Entries kept; when they are reached the cache starts anew. */
const MAX_STEPS = 1024;

interface Step {
  readonly unit: JavaScriptUnit;
  readonly bytes: Uint8Array;
}

export class StepCache {
  readonly #steps = new Map<GuestAddress, Step>();

  get size(): number {
    return this.#steps.size;
  }

  /** The unit for the instruction at this address of a page with these bytes. */
  find(address: GuestAddress, page: Uint8Array): JavaScriptUnit | undefined {
    const step = this.#steps.get(address);
    if (step === undefined) return undefined;
    const offset = offsetInPage(address);
    for (let i = 0; i < step.bytes.length; i++) if (step.bytes[i] !== page[offset + i]) return undefined;
    return step.unit;
  }

  /**
   * Keeps a unit, unless other bytes than those of its instruction had a say: one that crosses the page's end, or
   * that stands for an encoding without meaning.
   */
  add(unit: JavaScriptUnit, page: Uint8Array): void {
    const [instruction] = unit.block.instructions;
    if (instruction === undefined || unit.block.exit.kind === "fault") return;
    const offset = offsetInPage(instruction.address);
    const end = offset + instruction.length;
    if (end > page.length) return;
    if (this.#steps.size >= MAX_STEPS) this.#steps.clear();
    this.#steps.set(instruction.address, { unit, bytes: page.slice(offset, end) });
  }
}
