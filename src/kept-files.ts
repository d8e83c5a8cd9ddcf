/**
 * Files that only make later runs faster: kept in a folder of the user, and some shipped with the package. Each is
 * framed, so that one that is cut off, altered, or of another kind counts as none. What the file system refuses
 * (no room, no permission, no such disk) only costs speed: a run is complete without them.
 *
 *   magic line of the kind | CRC-32 of the content (4 bytes) | content
 *
 * Shipped files are packed: what they are to save is more than unpacking takes, and the package stays small.
 */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants, crc32 } from "node:zlib";

const CHECKSUM_BYTES = 4;
/** All files together; the ones not written for the longest time go first. */
const MAX_FOLDER_BYTES = 256 << 20;
export const KINDS = ["translations", "compiled"] as const;
/** Also the suffix of the file's name. */
export type Kind = (typeof KINDS)[number];

/** Raised when the content of a kind changes its form. */
const VERSIONS: Readonly<Record<Kind, number>> = { translations: 2, compiled: 1 };

const magicOf = (kind: Kind): Buffer => Buffer.from(`capjit ${kind} ${VERSIONS[kind]}\n`);

/** CAPJIT_CACHE_DIR, or the user's folder for such files. */
export function keptFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const { CAPJIT_CACHE_DIR: own, XDG_CACHE_HOME: base } = environment;
  if (own !== undefined && own !== "") return own;
  return join(base === undefined || base === "" ? join(homedir(), ".cache") : base, "capjit");
}

/** The content as a file of its kind. */
export function frame(kind: Kind, content: Uint8Array): Uint8Array {
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32LE(crc32(content));
  return Buffer.concat([magicOf(kind), checksum, content]);
}

/** The content of a whole and unchanged file of this kind: a view of `file`, or undefined. */
export function unframe(kind: Kind, file: Uint8Array): Uint8Array | undefined {
  const magic = magicOf(kind);
  const start = magic.length + CHECKSUM_BYTES;
  if (file.length < start || magic.compare(file, 0, magic.length) !== 0) return undefined;
  const content = file.subarray(start);
  const checksum = new DataView(file.buffer, file.byteOffset + magic.length).getUint32(0, true);
  return crc32(content) === checksum ? content : undefined;
}

/** The content of the file `name` of this kind, or undefined. */
export function readKept(folder: string, kind: Kind, name: string): Uint8Array | undefined {
  const file = optional(() => readFileSync(join(folder, `${name}.${kind}`)));
  return file === undefined ? undefined : unframe(kind, file);
}

/** A packed file of the package is named like the file that it is. */
const PACKED_SUFFIX = ".br";
const MAX_UNPACKED_BYTES = 64 << 20;
/** The highest quality takes ten times as long for a tenth less. */
const PACKING = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };

/** The content of the packed file `name` of this kind, or undefined. */
export function readPacked(folder: string, kind: Kind, name: string): Uint8Array | undefined {
  const packed = optional(() => readFileSync(join(folder, `${name}.${kind}${PACKED_SUFFIX}`)));
  if (packed === undefined) return undefined;
  try {
    return unframe(kind, brotliDecompressSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES }));
  } catch (error) {
    // What was altered may not even be packed any more.
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

/** Packs the files of one kind in a folder into another one. */
export function packKept(from: string, kind: Kind, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from).filter((file) => file.endsWith(`.${kind}`))) {
    writeFileSync(
      join(to, name + PACKED_SUFFIX),
      brotliCompressSync(readFileSync(join(from, name)), PACKING),
    );
  }
}

/** Writes a file, and makes the folder when there is none. */
export function writeKept(folder: string, kind: Kind, name: string, content: Uint8Array): void {
  optional(() => {
    const path = join(folder, `${name}.${kind}`);
    // Another run may read the file meanwhile: it sees the old one or the new one.
    const temporary = `${path}.${process.pid}`;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    try {
      writeFileSync(temporary, frame(kind, content), { mode: 0o600 });
      renameSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
    trim(folder);
  });
}

/** Undefined for what the file system refuses; anything else is a bug and passes. */
function optional<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return undefined;
    throw error;
  }
}

/** Deletes the oldest files while all together are too large. */
function trim(folder: string): void {
  const files = readdirSync(folder)
    .filter((name) => KINDS.some((kind) => name.endsWith(`.${kind}`)))
    .map((name) => join(folder, name))
    .map((path) => ({ path, stat: statSync(path, { throwIfNoEntry: false }) }))
    .flatMap(({ path, stat }) => (stat === undefined ? [] : [{ path, size: stat.size, at: stat.mtimeMs }]))
    .sort((a, b) => b.at - a.at);
  let total = 0;
  for (const { path, size } of files) {
    total += size;
    if (total > MAX_FOLDER_BYTES) rmSync(path, { force: true });
  }
}
