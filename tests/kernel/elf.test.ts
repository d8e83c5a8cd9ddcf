/** The ELF parser against the published vectors, and on bytes that mean harm. */

import fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseElf } from "../../src/kernel/elf.ts";
import type { ElfErrorKind } from "../../src/kernel/elf.ts";

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly total_len: number;
  readonly error?: string;
  readonly entry?: string;
  readonly segments?: readonly (Readonly<Record<"vaddr" | "offset" | "filesz" | "memsz", string>> & {
    readonly flags: number;
  })[];
  readonly tls?: Readonly<Record<"vaddr" | "offset" | "filesz" | "memsz" | "align", string>> | null;
}

const vectors = JSON.parse(
  readFileSync(new URL("../data/elf-vectors.json", import.meta.url), "utf8"),
) as readonly Vector[];

const KINDS: Readonly<Record<string, ElfErrorKind>> = {
  "ELF too small": "fileTooSmall",
  "bad ELF magic": "badMagic",
  "not ELF64": "notElf64",
  "not little-endian": "notLittleEndian",
  "bad ELF version": "badVersion",
  "not x86_64": "notX86_64",
  "not ET_EXEC": "notExecutable",
  "phentsize too small": "programHeaderEntryTooSmall",
  overflow: "programHeadersOverflow",
  "program headers out of bounds": "programHeadersOutOfBounds",
  "segment file/virtual page offset mismatch": "segmentPageOffsetMismatch",
  "segment alignment is not a power of two": "segmentAlignment",
  "segment outside user address space": "segmentOutsideUserHalf",
  "offset + filesz overflow": "segmentFileOverflow",
  "segment file data out of bounds": "segmentFileOutOfBounds",
  "memsz < filesz": "segmentMemorySmallerThanFile",
  "multiple PT_TLS segments": "multipleTls",
  "TLS segment outside user address space": "tlsOutsideUserHalf",
  "TLS file data out of bounds": "tlsFileOutOfBounds",
  "TLS memsz < filesz": "tlsMemorySmallerThanFile",
  "TLS alignment is not a power of two": "tlsAlignment",
  "no PT_LOAD segments": "noLoadSegment",
  "overlapping PT_LOAD segments": "overlappingSegments",
  "entry point outside user address space": "entryOutsideUserHalf",
  "entry point not in any executable segment": "entryNotExecutable",
};

function fileOf({ hex, total_len }: Vector): Uint8Array {
  const file = new Uint8Array(total_len);
  file.set(Buffer.from(hex, "hex"));
  return file;
}

test("there are 49 vectors, and they name every error we know but one", () => {
  expect(vectors).toHaveLength(49);
  const named = new Set(vectors.flatMap(({ error }) => (error === undefined ? [] : [KINDS[error]])));
  expect(named.size).toBe(Object.keys(KINDS).length);
  expect(named.has(undefined)).toBe(false);
});

describe("published vectors", () => {
  test.each(vectors)("$name", (vector) => {
    const result = parseElf(fileOf(vector));
    if (vector.error !== undefined) {
      expect(result).toMatchObject({ status: "refused", kind: KINDS[vector.error] });
      expect((result as { text: string }).text).toMatch(/^[^\n]{10,160}$/);
      return;
    }
    if (result.status !== "ok") throw new Error(result.text);
    const { entry, segments, tls } = result.image;
    expect(entry).toBe(Number(vector.entry));
    expect(
      segments.map(({ vaddr, offset, fileBytes, memoryBytes, flags }) => [
        vaddr,
        offset,
        fileBytes,
        memoryBytes,
        flags,
      ]),
    ).toEqual(
      vector.segments?.map(({ vaddr, offset, filesz, memsz, flags }) => [
        ...[vaddr, offset, filesz, memsz].map(Number),
        flags,
      ]),
    );
    expect(tls ?? null).toEqual(
      vector.tls === null || vector.tls === undefined
        ? null
        : {
            index: 1,
            flags: 4,
            vaddr: Number(vector.tls.vaddr),
            offset: Number(vector.tls.offset),
            fileBytes: Number(vector.tls.filesz),
            memoryBytes: Number(vector.tls.memsz),
            align: Number(vector.tls.align),
          },
    );
  });
});

const vector = (name: string): Uint8Array => {
  const found = vectors.find((v) => v.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return fileOf(found);
};

test("a refusal says what and where", () => {
  const text = (name: string): string => (parseElf(vector(name)) as { text: string }).text;
  expect(text("file range out of bounds")).toMatch(
    /^segment 0: file range 0x[0-9a-f]+\+0x[0-9a-f]+ is past the end of the file \(0x1078 bytes\)$/,
  );
  expect(text("type DYN")).toContain("link with -no-pie");
  expect(text("two segments sharing a page")).toMatch(/^segments \d and \d share the page at 0x20/);
});

test("TLS file range past 2^64", () => {
  const file = vector("TLS");
  new DataView(file.buffer).setBigUint64(64 + 56 + 8, 2n ** 64n - 1n, true);
  expect(parseElf(file)).toMatchObject({ kind: "tlsFileOverflow" });
});

test("a file that begins inside a larger buffer is read at its own offset", () => {
  const file = vector("TLS");
  const larger = new Uint8Array(file.length + 7);
  larger.set(file, 7);
  expect(parseElf(larger.subarray(7))).toEqual(parseElf(file));
});

test("any bytes give a result, never an exception, and numbers stay exact", () => {
  const base = vector("TLS");
  const patch = fc.tuple(fc.nat(176 - 1), fc.constantFrom(0, 1, 2, 7, 0x7f, 0x80, 0xff));
  fc.assert(
    fc.property(fc.array(patch, { maxLength: 12 }), fc.nat(base.length), (patches, length) => {
      const file = base.slice(0, length);
      for (const [at, value] of patches) if (at < file.length) file[at] = value;
      const result = parseElf(file);
      if (result.status === "refused") {
        expect(result.text).not.toContain("\n");
        return;
      }
      for (const { vaddr, offset, fileBytes, memoryBytes } of result.image.segments) {
        expect([vaddr, offset, fileBytes, memoryBytes].every(Number.isSafeInteger)).toBe(true);
        expect(offset + fileBytes).toBeLessThanOrEqual(file.length);
        expect(vaddr + memoryBytes).toBeLessThanOrEqual(2 ** 47);
      }
    }),
    { numRuns: 3000 },
  );
});
