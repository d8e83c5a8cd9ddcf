/**
 * Mutated ELF files: real programs and small made-up images, with one to a few fields set to values that matter
 * (boundaries of the file, of pages, of the user half, of 64 bits, numbers of other headers), cut or flipped.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildElf } from "../support/elf.ts";
import type { ElfPart } from "../support/elf.ts";
import type { Job } from "./jobs.ts";
import { Writer } from "./jobs.ts";
import type { Random } from "./random.ts";

const HEADER_BYTES = 64;
const ENTRY_BYTES = 56;

const part = (vaddr: number, flags: number, length: number, more: Partial<ElfPart> = {}): ElfPart => {
  return { vaddr, flags, bytes: Array<number>(length).fill(0x90), memoryBytes: length, ...more };
};

/** Images without anything superfluous, so that most changes matter. */
function smallImages(): Uint8Array[] {
  const text = part(0x20_0000, 5, 32);
  const data = part(0x20_1000, 6, 16, { memoryBytes: 0x2000 });
  const tls = part(0x20_4000, 4, 8, { type: "tls", memoryBytes: 24, align: 16 });
  return [
    buildElf([text], 0x20_0000),
    buildElf([text, data], 0x20_0010),
    buildElf([text, data, tls], 0x20_0000),
    buildElf([data, tls, text, part(0x40_0800, 4, 40)], 0x20_0000),
    buildElf([text, part(0x20_1000, 6, 0, { memoryBytes: 0 }), part(0x20_1000, 6, 8)], 0x20_0000),
    buildElf([text, part(0xfe_f000, 6, 16, { memoryBytes: 0x1000 })], 0x20_0000),
    buildElf([part(0x7fff_ffff_f000, 5, 16, { memoryBytes: 0x1000 })], 0x7fff_ffff_f000),
    buildElf([text, part(0x100_0000, 6, 0, { memoryBytes: 0x1000 })], 0x20_0000),
  ];
}

export function baseImages(programsFolder: string): readonly Uint8Array[] {
  const programs = readdirSync(programsFolder)
    .filter((name) => name.endsWith(".elf"))
    .sort()
    .map((name) => Uint8Array.from(readFileSync(join(programsFolder, name))));
  return [...smallImages(), ...programs];
}

interface Field {
  readonly at: number;
  readonly bytes: 1 | 2 | 4 | 8;
  /** Values that matter more than others. */
  readonly words?: readonly bigint[];
}
const HEADER_TYPES = [0n, 1n, 2n, 3n, 4n, 6n, 7n, 7n];
const FILE_FIELDS: readonly Field[] = [
  ...[0, 3, 4, 5, 6, 7].map((at): Field => ({ at, bytes: 1 })),
  ...[16, 18, 52, 54, 54, 56, 56].map((at): Field => ({ at, bytes: 2 })),
  ...[24, 24, 32, 32, 40].map((at): Field => ({ at, bytes: 8 })),
];
const SEGMENT_FIELDS: readonly Field[] = [
  { at: 0, bytes: 4, words: HEADER_TYPES },
  { at: 4, bytes: 4 },
  ...[8, 16, 16, 24, 32, 40, 40, 48].map((at): Field => ({ at, bytes: 8 })),
];

const SMALL = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 55n, 56n, 57n, 64n, 0xfffn, 0x1000n, 0x1001n];
const PLACES = [
  0x20_0000n, 0x20_1000n, 0xfe_f000n, 0xff_0000n, 0x100_0000n, 0x101_0000n, 0x110_0000n, 0x111_0000n, 0x11f_f000n,
  0x120_0000n, 0x120_1000n, 0x130_0000n, 0x130_1000n, 0x1_0000_0000n,
]; // prettier-ignore
const EDGES = [
  1n << 31n,
  1n << 32n,
  1n << 47n,
  1n << 52n,
  1n << 53n,
  1n << 63n,
  (1n << 64n) - 0x1000n,
  1n << 64n,
];

/** A value that some rule may turn on. */
function value(random: Random, view: DataView, field: Field): bigint {
  if (field.words !== undefined && random.chance(80)) return random.pick(field.words);
  const draw = random.below(100);
  const near = BigInt(random.below(5) - 2);
  const old = readField(view, field);
  if (draw < 20) return random.pick(SMALL);
  if (draw < 35) return random.pick(PLACES) + near;
  if (draw < 50) return random.pick(EDGES) + near;
  if (draw < 60) return BigInt(view.byteLength) + near;
  if (draw < 75) return old + random.pick([-0x1000n, -1n, 1n, 0x1000n, 0x2000n]);
  if (draw < 85) return BigInt(view.byteLength) - old + near;
  if (draw < 92) return 1n << BigInt(random.below(64));
  return random.big();
}

function readField(view: DataView, { at, bytes }: Field): bigint {
  if (at + bytes > view.byteLength) return 0n;
  if (bytes === 8) return view.getBigUint64(at, true);
  if (bytes === 4) return BigInt(view.getUint32(at, true));
  return BigInt(bytes === 2 ? view.getUint16(at, true) : view.getUint8(at));
}

export function mutantJob(images: readonly Uint8Array[], random: Random): Job {
  // Small images are cheaper and more to the point than programs.
  const number = random.chance(75) ? random.below(Math.min(8, images.length)) : random.below(images.length);
  const image = images[number];
  if (image === undefined) throw new Error("no image");
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const headers = HEADER_BYTES + readHeaderCount(view) * ENTRY_BYTES;
  let length = image.length;
  if (random.chance(8))
    length = random.chance(50) ? random.below(headers + 8) : random.below(image.length + 64);
  const job = new Writer().u32(number).u32(length);
  const changes = random.pick([0, 1, 1, 1, 1, 2, 2, 3, 5]);
  for (let change = 0; change < changes; change++) {
    if (random.chance(10)) {
      job
        .u32(random.below(headers))
        .u8(1)
        .u8(random.next() & 0xff);
      continue;
    }
    const field = drawField(random, view);
    job.u32(field.at).u8(field.bytes);
    const bytes = new Writer().u64(BigInt.asUintN(64, value(random, view, field))).bytes();
    job.raw(bytes.subarray(0, field.bytes));
  }
  return { kind: "mutant", payload: job.bytes() };
}

const readHeaderCount = (view: DataView): number =>
  view.byteLength < HEADER_BYTES ? 0 : Math.min(view.getUint16(56, true), 16);

function drawField(random: Random, view: DataView): Field {
  const count = readHeaderCount(view);
  if (count === 0 || random.chance(20)) return random.pick(FILE_FIELDS);
  const field = random.pick(SEGMENT_FIELDS);
  return { ...field, at: HEADER_BYTES + random.below(count) * ENTRY_BYTES + field.at };
}
