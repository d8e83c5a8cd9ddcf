/** Small ELF files for tests: a header, program headers, then each part's bytes at a fitting file offset. */

export interface ElfPart {
  readonly type?: "load" | "tls";
  readonly vaddr: number;
  /** X = 1, W = 2, R = 4. */
  readonly flags: number;
  readonly bytes: readonly number[];
  readonly memoryBytes: number;
  readonly align?: number;
}

const HEADER_BYTES = 64;
const ENTRY_BYTES = 56;
const PAGE_BYTES = 4096;

export function buildElf(parts: readonly ElfPart[], entry: number): Uint8Array {
  const offsets: number[] = [];
  let end = HEADER_BYTES + parts.length * ENTRY_BYTES;
  for (const part of parts) {
    const base = Math.ceil(end / PAGE_BYTES) * PAGE_BYTES;
    const offset = base + (part.vaddr % PAGE_BYTES);
    offsets.push(offset);
    end = offset + part.bytes.length;
  }
  const file = new Uint8Array(end);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0x7f45_4c46, false);
  file.set([2, 1, 1], 4);
  view.setUint16(16, 2, true);
  view.setUint16(18, 0x3e, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(entry), true);
  view.setBigUint64(32, BigInt(HEADER_BYTES), true);
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(54, ENTRY_BYTES, true);
  view.setUint16(56, parts.length, true);
  for (const [i, part] of parts.entries()) {
    const at = HEADER_BYTES + i * ENTRY_BYTES;
    view.setUint32(at, part.type === "tls" ? 7 : 1, true);
    view.setUint32(at + 4, part.flags, true);
    view.setBigUint64(at + 8, BigInt(offsets[i] ?? 0), true);
    view.setBigUint64(at + 16, BigInt(part.vaddr), true);
    view.setBigUint64(at + 24, BigInt(part.vaddr), true);
    view.setBigUint64(at + 32, BigInt(part.bytes.length), true);
    view.setBigUint64(at + 40, BigInt(part.memoryBytes), true);
    view.setBigUint64(at + 48, BigInt(part.align ?? 0x1000), true);
    file.set(part.bytes, offsets[i] ?? 0);
  }
  return file;
}
