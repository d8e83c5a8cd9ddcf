/** Commands on pages: VirtualMemory and MemoryObject, in the window of a process. */

import fc from "fast-check";
import { expect } from "vitest";
import type { PageProtection } from "../../../src/kernel/objects/reservation.ts";
import { MemoryObject, VirtualMemory } from "../../../src/kernel/schema/kernel.ts";
import { perform } from "../exhaustive/page-model.ts";
import type { MemoryOperation } from "../exhaustive/page-model.ts";
import { message } from "../guest.ts";
import type { Notes } from "./notes.ts";
import { pick } from "./pick.ts";
import type { World } from "./world.ts";
import { QUOTAS, WINDOW, WINDOW_START } from "./world.ts";

const PAGE = 4096n;
const PROTECTIONS: readonly PageProtection[] = ["none", "r", "rw", "rx"];
const BITS: Readonly<Record<PageProtection, number>> = { none: 0, r: 1, rw: 3, rx: 5 };
const VM = VirtualMemory.Client.methods;
const OBJECT = MemoryObject.Client.methods;

const methodNumber = (methods: readonly { readonly methodName?: string }[], name: string): number =>
  methods.findIndex(({ methodName }) => methodName === name);

type PageCall = Omit<MemoryOperation, "object"> & { readonly draw: number };

/** Which pages an operation can succeed on. */
const SUITS: Readonly<Partial<Record<PageCall["do"], readonly string[]>>> = {
  commit: ["reserved"],
  decommit: ["reserved", "committed"],
  unmap: ["reserved", "committed"],
  protect: ["committed"],
  unmapObject: ["borrowed"],
  protectObject: ["borrowed"],
};

/** The call on a page that suits it, three times out of four, where there is one. */
function aimed(call: PageCall, notes: Notes): PageCall & { readonly object?: number } {
  const suits = SUITS[call.do];
  if (suits === undefined || call.draw % 4 === 0) return call;
  const { pages } = notes.memory(call.process);
  const good = [...pages.keys()].filter((i) => suits.includes(pages[i]?.kind ?? "nothing"));
  const first = pick(good, call.draw >> 2);
  if (first === undefined) return call;
  const page = pages[first];
  const object = page?.kind === "borrowed" ? page.object : undefined;
  return { ...call, first, count: 1, ...(object === undefined ? {} : { object }) };
}

export class OnPages implements fc.Command<Notes, World> {
  readonly call: PageCall;
  constructor(call: PageCall) {
    this.call = call;
  }

  check = (): boolean => true;

  run(notes: Notes, world: World): void {
    const onObject = this.call.do.endsWith("Object");
    const call = aimed(this.call, notes);
    const { process } = call;
    const named = [...notes.namesOf(process)]
      .filter(([, object]) => object === call.object)
      .map(([id]) => id);
    const every = [...notes.namesOf(process).keys()];
    const ids = onObject ? (named.length > 0 ? named : every) : world.idsOf(process, "virtual-memory");
    const cap = pick(ids, call.draw);
    if (cap === undefined) return;
    const operation = { ...call, object: notes.namesOf(process).get(cap) ?? 0 };
    const wanted = perform(notes.memory(process), operation, QUOTAS, notes.objects);
    const methods = onObject ? OBJECT : VM;
    const method = methodNumber(methods, call.do.replace("Object", ""));
    const row = methods[method];
    if (row === undefined) throw new Error(`no method ${call.do}`);
    const at = WINDOW_START + BigInt(call.first) * PAGE;
    const facts = {
      hint: at,
      addr: at,
      size: BigInt(call.count) * PAGE,
      offset: BigInt(call.objectPage) * PAGE,
      prot: BITS[call.protection],
    };
    const params = message(row.ParamsClass, (root) => {
      for (const [name, value] of Object.entries(facts)) if (name in root) Reflect.set(root, name, value);
    });
    const answer = world.call(process, call.do, { cap, method, params });
    expect([call.do, answer !== undefined && answer.result >= 0]).toEqual([call.do, wanted === "ok"]);
    notes.compare(world);
  }

  toString = (): string => `onPages(${JSON.stringify(this.call)})`;
}

export const pageCall = fc
  .record({
    do: fc.constantFrom<PageCall["do"][]>(
    "reserve", "map", "map", "commit", "commit", "decommit", "protect", "unmap", "mapObject", "mapObject", "unmapObject", "protectObject",
  ), // prettier-ignore
    process: fc.nat(1),
    first: fc.nat(WINDOW - 1),
    count: fc.integer({ min: 1, max: 3 }),
    objectPage: fc.nat(1),
    protection: fc.constantFrom(...PROTECTIONS),
    draw: fc.nat(1000),
  })
  .map((call): PageCall => ({ ...call, count: Math.min(call.count, WINDOW - call.first) }));
