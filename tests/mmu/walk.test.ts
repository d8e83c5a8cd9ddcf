import { expect, test } from "vitest";
import { highHalf, lowHalf } from "../../src/mmu/address.ts";
import {
  ACCESSED, entryWord, frameOf, HIGH_FRAME_BITS, LARGE, LINK_BITS, NO_EXECUTE, PRESENT, USER, WRITABLE,
} from "../../src/mmu/entry.ts"; // prettier-ignore
import {
  AS_GUARDED,
  AS_SUPERVISOR,
  AS_USER,
  FETCH,
  GRANTED,
  READ,
  tableIndex,
  WRITE,
} from "../../src/mmu/walk.ts";
import { frame, machine, map, page, R, RW, RX } from "./support.ts";

const setup = () => {
  const all = machine();
  const space = all.newSpace();
  const walk = (where: number, access: number, mode: number = AS_USER): number =>
    all.parts.walker.walk(space.root, lowHalf(where), highHalf(where), access, mode);
  const wordOf = (level: number, where: number): number => {
    let table = space.root;
    for (let each = 4; each > level; each--) {
      table = frameOf(
        all.mmu.words[entryWord(table, tableIndex(each, lowHalf(where), highHalf(where)))] ?? 0,
      );
    }
    return entryWord(table, tableIndex(level, lowHalf(where), highHalf(where)));
  };
  const change = (word: number, set: number, clear: number): void => {
    all.mmu.words[word] = ((all.mmu.words[word] ?? 0) & ~clear) | set;
  };
  return { ...all, space, walk, wordOf, change };
};

const WHERE = 0x1234_5678_9000;
const PAGE = WHERE / 4096;

// Error codes: 1 present, 2 write, 4 user, 8 reserved, 16 fetch (Intel SDM vol. 3A, 4.7).
test.each([
  [R, [GRANTED, 7, 21]],
  [RW, [GRANTED, GRANTED, 21]],
  [RX, [GRANTED, 7, GRANTED]],
])("user permissions %j", (protection, expected) => {
  const { space, walk } = setup();
  map(space, PAGE, 9, protection);
  expect([READ, WRITE, FETCH].map((access) => walk(WHERE + 5, access))).toEqual(expected);
});

test("a granted walk leaves the translation", () => {
  const { space, walk, parts, wordOf } = setup();
  map(space, PAGE, 9, RX);
  expect(walk(WHERE, READ)).toBe(GRANTED);
  expect(parts.walker).toMatchObject({ frame: 9, writable: false, executable: true, user: true });
  expect(parts.walker.leaf).toBe(wordOf(1, WHERE));
});

test("a walk changes nothing; marking sets A, and D for a write", () => {
  const { space, walk, parts } = setup();
  map(space, PAGE, 9, RW);
  walk(WHERE, WRITE);
  expect(space.query(page(PAGE))).toMatchObject({ accessed: false, dirty: false });
  parts.walker.markUsed(READ);
  expect(space.query(page(PAGE))).toMatchObject({ accessed: true, dirty: false });
  parts.walker.markUsed(WRITE);
  expect(space.query(page(PAGE))).toMatchObject({ accessed: true, dirty: true });
});

test("missing at every level: not present, whatever the access", () => {
  const { space, walk, wordOf, change } = setup();
  map(space, PAGE, 9, RW);
  for (const level of [1, 2, 3, 4]) {
    change(wordOf(level, WHERE), 0, PRESENT);
    expect([READ, WRITE, FETCH].map((access) => walk(WHERE, access))).toEqual([4, 6, 20]);
    expect(walk(WHERE, WRITE, AS_SUPERVISOR)).toBe(2);
    change(wordOf(level, WHERE), PRESENT, 0);
  }
  expect(walk(WHERE, WRITE)).toBe(GRANTED);
});

test("a permission missing at any level is missing", () => {
  const { space, walk, wordOf, change, mmu } = setup();
  map(space, PAGE, 9, RW);
  for (const level of [1, 2, 3, 4]) {
    const word = wordOf(level, WHERE);
    change(word, 0, WRITABLE);
    expect([walk(WHERE, READ), walk(WHERE, WRITE)]).toEqual([GRANTED, 7]);
    change(word, WRITABLE, USER);
    expect(walk(WHERE, READ)).toBe(5);
    change(word, USER, 0);
  }
  space.protect(page(PAGE), RX);
  for (const level of [2, 3, 4]) {
    const high = wordOf(level, WHERE) + 1;
    mmu.words[high] = NO_EXECUTE;
    expect(walk(WHERE, FETCH)).toBe(21);
    mmu.words[high] = 0;
  }
  expect(walk(WHERE, FETCH)).toBe(GRANTED);
});

test("SMAP and SMEP: the kernel needs the guard for user pages and never fetches from them", () => {
  const { space, walk } = setup();
  map(space, PAGE, 9, RX);
  expect([READ, WRITE, FETCH].map((access) => walk(WHERE, access, AS_SUPERVISOR))).toEqual([1, 3, 17]);
  expect([READ, WRITE, FETCH].map((access) => walk(WHERE, access, AS_GUARDED))).toEqual([GRANTED, 3, 17]);
});

test("reserved bits: frame numbers past memory, PS above 2 MiB, an unaligned 2 MiB page", () => {
  const { space, walk, wordOf, change, mmu } = setup();
  map(space, PAGE, 9, RW);
  for (const level of [1, 2, 3, 4]) {
    const word = wordOf(level, WHERE);
    for (const bit of [1, 0x80000]) {
      expect(bit & HIGH_FRAME_BITS).toBe(bit);
      mmu.words[word + 1] = bit;
      expect([READ, WRITE, FETCH].map((access) => walk(WHERE, access))).toEqual([13, 15, 29]);
    }
    mmu.words[word + 1] = 0;
    const before = mmu.words[word] ?? 0;
    change(word, (mmu.frameCount + 16) << 12, -4096);
    expect(walk(WHERE, READ)).toBe(13);
    mmu.words[word] = before;
  }
  for (const level of [3, 4]) {
    change(wordOf(level, WHERE), LARGE, 0);
    expect(walk(WHERE, READ)).toBe(13);
    change(wordOf(level, WHERE), 0, LARGE);
  }
  mmu.words[wordOf(2, WHERE)] = (1 << 13) | LARGE | LINK_BITS;
  expect(walk(WHERE, READ)).toBe(13);
});

test("a 2 MiB leaf", () => {
  const { space, walk, wordOf, mmu, parts } = setup();
  map(space, PAGE, 9, RW);
  mmu.words[wordOf(2, WHERE)] = LARGE | LINK_BITS | ACCESSED;
  expect(walk(WHERE, WRITE)).toBe(GRANTED);
  expect(parts.walker.frame).toBe(PAGE % 512);
  expect(parts.walker.leafBytes).toBe(2 << 20);
});

test("a kept page grants nothing", () => {
  const { space, walk } = setup();
  map(space, PAGE, 9, RW);
  space.protect(page(PAGE), undefined);
  expect([READ, WRITE, FETCH].map((access) => walk(WHERE, access))).toEqual([4, 6, 20]);
  expect(walk(WHERE, READ, AS_GUARDED)).toBe(0);
  expect(space.query(page(PAGE))).toMatchObject({ present: false, frame: frame(9), writable: false });
});
