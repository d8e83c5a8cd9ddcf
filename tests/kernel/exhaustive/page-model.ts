/** What a small window of two processes must look like, page by page: the definition that the real code is held to. */

import type { PageProtection } from "../../../src/kernel/objects/reservation.ts";

/** Undefined: nothing is there. `content` names what the bytes of the page are: a fresh page, or a page of an object. */
export type ModelPage =
  | undefined
  | { readonly kind: "reserved" }
  | { readonly kind: "committed"; readonly protection: PageProtection }
  | {
      readonly kind: "borrowed";
      readonly object: number;
      readonly objectPage: number;
      readonly protection: PageProtection;
    };

export interface MemoryOperation {
  readonly do:
    | "reserve"
    | "map"
    | "commit"
    | "decommit"
    | "protect"
    | "unmap"
    | "mapObject"
    | "unmapObject"
    | "protectObject"
    | "release"
    | "exit";
  readonly process: number;
  readonly first: number;
  readonly count: number;
  readonly object: number;
  readonly objectPage: number;
  readonly protection: PageProtection;
}

export interface Quotas {
  readonly reservation: number;
  readonly frameGrant: number;
}

export type Verdict = "ok" | "invalidArgument" | "failed" | "overloaded";

/** One process: its window, and the objects it has a capability for. */
export class ModelProcess {
  readonly pages: ModelPage[];
  readonly held = new Set<number>();
  /** Pages charged for further capabilities. */
  chargedPages = 0;
  gone = false;

  constructor(window: number) {
    this.pages = Array<ModelPage>(window).fill(undefined);
  }

  count(...kinds: readonly string[]): number {
    return this.pages.filter((page) => page !== undefined && kinds.includes(page.kind)).length;
  }
}

const isAnonymous = (page: ModelPage): boolean => page?.kind === "reserved" || page?.kind === "committed";

/** What the operation must answer; when it is "ok" the pages are changed. */
export function perform(
  process: ModelProcess,
  operation: MemoryOperation,
  quotas: Quotas,
  objects: readonly number[],
): Verdict {
  const { first, count, protection, object, objectPage } = operation;
  const range = process.pages.slice(first, first + count);
  const all = (page: (i: number) => ModelPage): "ok" => {
    for (let i = 0; i < count; i++) process.pages[first + i] = page(i);
    return "ok";
  };
  // Capabilities charge the frame grant too: an object's pages for each holder.
  const heldPages = [...process.held].reduce((sum, each) => sum + (objects[each] ?? 0), 0);
  const grants = (more: number): boolean =>
    heldPages + process.chargedPages + process.count("committed", "borrowed") + more <= quotas.frameGrant;
  const reserves = process.count("reserved", "committed") + count <= quotas.reservation;
  switch (operation.do) {
    case "reserve":
    case "map":
      if (range.some((page) => page !== undefined)) return "invalidArgument";
      if (!reserves || (operation.do === "map" && !grants(count))) return "overloaded";
      return all(() => (operation.do === "map" ? { kind: "committed", protection } : { kind: "reserved" }));
    case "commit":
      if (!range.every((page) => page?.kind === "reserved")) return "failed";
      return grants(count) ? all(() => ({ kind: "committed", protection })) : "overloaded";
    case "protect":
      if (!range.every((page) => page?.kind === "committed")) return "failed";
      return all(() => ({ kind: "committed", protection }));
    case "decommit":
      return range.every(isAnonymous) ? all(() => ({ kind: "reserved" })) : "failed";
    case "unmap":
      return range.every(isAnonymous) ? all(() => undefined) : "failed";
    case "mapObject":
      if (objectPage + count > (objects[object] ?? 0)) return "invalidArgument";
      if (range.some((page) => page !== undefined)) return "invalidArgument";
      if (!grants(count)) return "overloaded";
      return all((i) => ({ kind: "borrowed", object, objectPage: objectPage + i, protection }));
    case "unmapObject":
    case "protectObject": {
      const mine = range.every((page) => page?.kind === "borrowed" && page.object === object);
      if (!mine) return "failed";
      const was = [...range];
      return all((i) => {
        const page = was[i];
        return operation.do === "unmapObject" || page?.kind !== "borrowed"
          ? undefined
          : { ...page, protection };
      });
    }
    default:
      throw new Error(`not an operation on pages: ${operation.do}`);
  }
}
