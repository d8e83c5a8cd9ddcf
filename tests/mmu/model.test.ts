/**
 * Random sequences of everything an MMU does, on three spaces, against a model that is a `Map` from page to entry:
 * outcomes, fault values, bytes, accessed and dirty bits, what the listener hears, and all rules after each step.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { address, highHalf, isCanonical, lowHalf, USER_END, USER_END_PAGE } from "../../src/mmu/address.ts";
import type { PageFault } from "../../src/mmu/fault.ts";
import { ACCESS_ALIGNED, ACCESS_MODIFY, ACCESS_STACK } from "../../src/mmu/layout.ts";
import { ACCESS_CODE, ACCESS_FAULT, ACCESS_OK, type AddressSpace } from "../../src/mmu/mmu.ts";
import {
  frame,
  load,
  type Machine,
  machine,
  page,
  pattern,
  probe,
  R,
  RW,
  RX,
  scratch,
  store,
} from "./support.ts";

/** Neighbours, the ends of a page table and of 4 GiB, and the last user page. */
const PAGES = [16, 17, 511, 512, 2 ** 20 - 1, 2 ** 20, 2 ** 30 + 256, USER_END_PAGE - 1];
const FRAMES = [0, 5, 6, 7];
const PROTECTIONS = [R, RW, RX];

interface Leaf {
  frame: number;
  kept: boolean;
  writable: boolean;
  executable: boolean;
  accessed: boolean;
  dirty: boolean;
  fetched: boolean;
}

type Kind = "read" | "write" | "execute";

const errorCode = (kind: Kind, present: boolean): number =>
  (present ? 1 : 0) | 4 | (kind === "write" ? 2 : 0) | (kind === "execute" ? 16 : 0);

class Model {
  readonly leaves = new Map<number, Leaf>();

  /** The leaf behind a byte, or the page fault. */
  leafFor(where: number, kind: Kind): Leaf | PageFault {
    const leaf = this.leaves.get(Math.floor(where / 4096));
    const allowed = kind === "read" || (kind === "write" ? leaf?.writable : leaf?.executable);
    if (leaf !== undefined && !leaf.kept && allowed === true) return leaf;
    const present = leaf !== undefined && !leaf.kept;
    return {
      vector: 14,
      errorCode: errorCode(kind, present),
      lo: lowHalf(where),
      hi: highHalf(where),
      access: kind,
    };
  }

  /** The leaves of all bytes, or the first fault. */
  range(where: number, length: number, kind: Kind): Leaf[] | PageFault {
    const leaves: Leaf[] = [];
    for (let byte = 0; byte < length; byte++) {
      const leaf = this.leafFor(where + byte, kind);
      if ("vector" in leaf) return leaf;
      leaves.push(leaf);
    }
    return leaves;
  }

  access(where: number, size: number, flags: number, kind: "read" | "write"): Leaf[] | PageFault {
    const needs = (flags & ACCESS_MODIFY) !== 0 ? "write" : kind;
    const general = { errorCode: 0, lo: lowHalf(where), hi: highHalf(where), access: needs } as const;
    const canonical = isCanonical(highHalf(where)) && where + size <= USER_END;
    if (!canonical) return { vector: (flags & ACCESS_STACK) !== 0 ? 12 : 13, ...general };
    if ((flags & ACCESS_ALIGNED) !== 0 && where % size !== 0) return { vector: 13, ...general };
    return this.range(where, size, needs);
  }
}

interface World extends Machine {
  readonly spaces: AddressSpace[];
  readonly models: Model[];
  active: number;
  readonly memory: Map<number, Uint8Array>;
  readonly watched: Set<number>;
  readonly heard: string[];
  readonly expected: string[];
}

/** Most pages are mapped from the start, some of them dirty, so that most accesses get somewhere. */
function premap(space: AddressSpace, model: Model, shift: number): void {
  for (const [index, at] of PAGES.entries()) {
    expect(space.ensureTables(page(at), 1)).toBe(true);
    const protection = index % 4 === 2 ? RX : index % 4 === 3 ? undefined : RW;
    if (protection === undefined) continue;
    const to = FRAMES[(index + shift) % FRAMES.length] as number;
    const used = index % 4 === 0;
    space.map(page(at), frame(to), protection);
    if (used) expect(space.copyOut(address(at * 4096), Uint8Array.of(0))).toBeUndefined();
    model.leaves.set(at, {
      frame: to,
      kept: false,
      ...protection,
      accessed: used,
      dirty: used,
      fetched: false,
    });
  }
}

function newWorld(): World {
  const all = machine();
  const heard: string[] = [];
  all.mmu.setCodeListener({
    onCodeWrite: (written) => heard.push(`write ${written}`),
    onExecutableChange: (space, at, why) => heard.push(`${why} ${space.id} ${at}`),
  });
  const spaces = [all.newSpace(), all.newSpace(), all.newSpace()];
  const models = spaces.map(() => new Model());
  for (const [s, space] of spaces.entries()) premap(space, models[s] as Model, s);
  all.mmu.activate(spaces[0] as AddressSpace);
  return {
    ...all,
    spaces,
    models,
    active: 0,
    memory: new Map(FRAMES.map((f) => [f, new Uint8Array(4096)])),
    watched: new Set(),
    heard,
    expected: [],
  };
}

const bytesAt = (world: World, leaves: readonly Leaf[], where: number): number[] =>
  leaves.map((leaf, index) => world.memory.get(leaf.frame)?.[(where + index) % 4096] ?? -1);

/** `toEqual` takes milliseconds for thousands of bytes. */
const expectBytes = (actual: Uint8Array, expected: readonly number[]): void =>
  expect(Buffer.compare(actual, Uint8Array.from(expected))).toBe(0);

function write(world: World, leaves: readonly Leaf[], where: number, bytes: Uint8Array, marks = true): void {
  for (const [index, leaf] of leaves.entries()) {
    if (world.watched.delete(leaf.frame)) world.expected.push(`write ${leaf.frame}`);
    const content = world.memory.get(leaf.frame);
    if (content !== undefined) content[(where + index) % 4096] = bytes[index] ?? 0;
    if (marks) leaf.accessed = leaf.dirty = true;
  }
}

/** Where accesses go: near page ends, so that half of them cross. */
const target = fc
  .tuple(fc.constantFrom(...PAGES), fc.oneof(fc.constantFrom(0, 8, 16, 4092, 4095, 4081), fc.nat(4095)))
  .map(([at, offset]) => at * 4096 + offset);
const space = fc.nat(2);
const length = fc.oneof(fc.nat(40), fc.nat(40), fc.nat(5000));

const commands = {
  map: fc.tuple(
    space,
    fc.constantFrom(...PAGES),
    fc.constantFrom(...FRAMES),
    fc.constantFrom(...PROTECTIONS),
  ),
  protect: fc.tuple(space, fc.constantFrom(...PAGES), fc.constantFrom(undefined, ...PROTECTIONS)),
  unmap: fc.tuple(space, fc.constantFrom(...PAGES)),
  fetch: fc.tuple(space, fc.constantFrom(...PAGES)),
  activate: fc.tuple(space),
  watch: fc.tuple(fc.constantFrom(...FRAMES)),
  unwatch: fc.tuple(fc.constantFrom(...FRAMES)),
  access: fc.tuple(
    fc.constantFrom("load", "store", "storeCode", "probe"),
    target,
    fc.constantFrom(1, 2, 4, 8, 16),
    fc.constantFrom(0, 0, 0, ACCESS_MODIFY, ACCESS_STACK, ACCESS_ALIGNED, ACCESS_MODIFY | ACCESS_ALIGNED),
    fc.nat(255),
  ),
  copy: fc.tuple(fc.constantFrom("in", "out", "poke", "peek"), space, target, length, fc.nat(255)),
  check: fc.tuple(space, target, length, fc.constantFrom<Kind>("read", "write", "execute")),
  prune: fc.tuple(space),
};
type Commands = {
  [K in keyof typeof commands]: (typeof commands)[K] extends fc.Arbitrary<infer T> ? T : never;
};

const steps: { [K in keyof Commands]: (world: World, args: Commands[K]) => void } = {
  map(world, [s, at, to, protection]) {
    const leaves = (world.models[s] as Model).leaves;
    if (leaves.has(at)) return;
    const where = world.spaces[s] as AddressSpace;
    expect(where.ensureTables(page(at), 1)).toBe(true);
    where.map(page(at), frame(to), protection);
    leaves.set(at, { frame: to, kept: false, ...protection, accessed: false, dirty: false, fetched: false });
  },
  protect(world, [s, at, protection]) {
    const leaf = world.models[s]?.leaves.get(at);
    const where = world.spaces[s] as AddressSpace;
    if (leaf === undefined) return;
    where.protect(page(at), protection);
    if (leaf.fetched && protection?.executable !== true) {
      world.expected.push(`protect ${where.id} ${at}`);
      leaf.fetched = false;
    }
    Object.assign(leaf, protection ?? { writable: false, executable: false }, {
      kept: protection === undefined,
    });
  },
  unmap(world, [s, at]) {
    const leaf = world.models[s]?.leaves.get(at);
    const where = world.spaces[s] as AddressSpace;
    if (leaf === undefined) return;
    expect(where.unmap(page(at))).toBe(leaf.frame);
    if (leaf.fetched) world.expected.push(`unmap ${where.id} ${at}`);
    world.models[s]?.leaves.delete(at);
  },
  fetch(world, [s, at]) {
    const leaf = (world.models[s] as Model).leafFor(at * 4096, "execute");
    const outcome = world.spaces[s]?.fetchFrame(page(at));
    if ("vector" in leaf) expect(outcome).toEqual(leaf);
    else {
      expect(outcome).toBe(leaf.frame);
      leaf.accessed = leaf.fetched = true;
    }
  },
  activate(world, [s]) {
    world.active = s;
    world.mmu.activate(world.spaces[s] as AddressSpace);
  },
  watch(world, [f]) {
    world.watched.add(f);
    world.mmu.watchCode(frame(f));
  },
  unwatch(world, [f]) {
    world.watched.delete(f);
    world.mmu.unwatchCode(frame(f));
  },
  access(world, [kind, where, size, flags, seed]) {
    const { mmu } = world;
    const model = world.models[world.active] as Model;
    const value = pattern(16, seed);
    scratch(mmu).set(value);
    const leaves = model.access(where, size, flags, kind === "load" ? "read" : "write");
    const done =
      kind === "load"
        ? load(mmu, where, size, flags)
        : kind === "probe"
          ? probe(mmu, where, size, flags)
          : store(mmu, where, size, flags, kind === "storeCode");
    if ("vector" in leaves) {
      expect(done).toBe(ACCESS_FAULT);
      expect(mmu.fault).toEqual(leaves);
    } else if (kind === "store" && leaves.some((leaf) => world.watched.has(leaf.frame))) {
      expect(done).toBe(ACCESS_CODE);
    } else {
      expect(done).toBe(ACCESS_OK);
      if (kind === "load") {
        expect([...scratch(mmu)]).toEqual([
          ...bytesAt(world, leaves, where),
          ...Array.from({ length: 16 - size }, () => 0),
        ]);
        for (const leaf of leaves) leaf.accessed = true;
      } else if (kind !== "probe") write(world, leaves, where, value);
    }
  },
  copy(world, [kind, s, where, length, seed]) {
    const model = world.models[s] as Model;
    const from = world.spaces[s] as AddressSpace;
    const bytes = pattern(length, seed);
    if (kind === "peek" || kind === "poke") {
      const leaves: Leaf[] = [];
      for (let byte = 0; byte < length; byte++) {
        const leaf = model.leaves.get(Math.floor((where + byte) / 4096));
        if (leaf !== undefined) leaves.push(leaf);
      }
      const into = new Uint8Array(length);
      const done = kind === "peek" ? from.peek(address(where), into) : from.poke(address(where), bytes);
      expect(done).toBe(leaves.length === length);
      if (kind === "poke" && done) write(world, leaves, where, bytes, false);
      if (kind === "peek" && done) expectBytes(into, bytesAt(world, leaves, where));
      return;
    }
    const access = kind === "in" ? "read" : "write";
    const fits = Math.min(length, USER_END - where);
    let leaves = model.range(where, fits, access);
    if (Array.isArray(leaves) && fits < length) {
      leaves = { vector: 13, errorCode: 0, lo: 0, hi: 0x8000, access };
    }
    const done = kind === "in" ? from.copyIn(address(where), length) : from.copyOut(address(where), bytes);
    if ("vector" in leaves) expect(done).toEqual(leaves);
    else if (kind === "out") {
      expect(done).toBeUndefined();
      write(world, leaves, where, bytes);
    } else {
      expectBytes(done as Uint8Array, bytesAt(world, leaves, where));
      for (const leaf of leaves) leaf.accessed = true;
    }
  },
  check(world, [s, where, length, access]) {
    const fits = Math.min(length, USER_END - where);
    const leaves = (world.models[s] as Model).range(where, fits, access);
    const outcome = world.spaces[s]?.check(address(where), length, access);
    if ("vector" in leaves) expect(outcome).toEqual(leaves);
    else if (fits < length) expect(outcome).toMatchObject({ vector: 13, lo: 0, hi: 0x8000 });
    else expect(outcome).toBeUndefined();
  },
  prune(world, [s]) {
    world.spaces[s]?.pruneTables(page(0), USER_END_PAGE);
  },
};

function checkWorld(world: World): void {
  expect(world.mmu.brokenRules()).toEqual([]);
  expect(world.heard).toEqual(world.expected);
  expect([...world.mmu.watchedFrames].sort()).toEqual([...world.watched].sort());
  for (const [index, model] of world.models.entries()) {
    const entries = [...(world.spaces[index] as AddressSpace).entries()];
    const expected = [...model.leaves].sort(([a], [b]) => a - b);
    expect(entries).toEqual(
      expected.map(([at, { frame: to, kept, writable, executable, accessed, dirty }]) => [
        at,
        { frame: to, present: !kept, writable, executable, accessed, dirty },
      ]),
    );
  }
}

function tearDown(world: World): void {
  for (const where of world.spaces) {
    for (const [at] of where.entries()) where.unmap(at, "destroy");
    where.destroy();
  }
  expect(world.source.taken.size).toBe(0);
  expect(world.mmu.brokenRules()).toEqual([]);
  for (const [f, content] of world.memory) expect(world.mmu.frameBytes(frame(f))).toEqual(content);
}

const weights: { readonly [K in keyof Commands]: number } = {
  map: 3, protect: 5, unmap: 1, fetch: 2, activate: 1, watch: 3, unwatch: 1, access: 14, copy: 2, check: 1, prune: 1,
}; // prettier-ignore

const step = fc.oneof(
  ...(Object.keys(commands) as (keyof Commands)[]).map((name) => ({
    weight: weights[name],
    arbitrary: (commands[name] as fc.Arbitrary<unknown>).map((args) => ({ name, args })),
  })),
);

test("the MMU agrees with a map from pages to entries", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 90, size: "max" }), (sequence) => {
      const world = newWorld();
      for (const { name, args } of sequence) {
        (steps[name] as (world: World, args: unknown) => void)(world, args);
        seen.add(name);
        checkWorld(world);
      }
      tearDown(world);
    }),
    { numRuns: 30 },
  );
  expect(seen).toEqual(new Set(Object.keys(commands)));
});
