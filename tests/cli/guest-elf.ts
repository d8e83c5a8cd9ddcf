/** Small guest programs from machine code, with symbols. */

import { buildElf } from "../support/elf.ts";

export const TEXT = 0x40_0000;

/** `hex("48 89 e5", "0f 05")`. */
export const hex = (...text: readonly string[]): number[] =>
  text
    .join(" ")
    .trim()
    .split(/\s+/)
    .map((byte) => Number.parseInt(byte, 16));

const SYMBOL_BYTES = 24;
const SECTION_BYTES = 64;

export interface FunctionName {
  readonly name: string;
  readonly address: number;
  readonly size: number;
}

/** A program of one executable segment at `TEXT`, entered at its start. */
export const program = (code: readonly number[], functions: readonly FunctionName[] = []): Uint8Array =>
  withSymbols(buildElf([{ vaddr: TEXT, flags: 5, bytes: code, memoryBytes: code.length }], TEXT), functions);

/** Appends a symbol table, its names and three section headers. */
export function withSymbols(file: Uint8Array, functions: readonly FunctionName[]): Uint8Array {
  const names = Buffer.from(`\0${functions.map(({ name }) => `${name}\0`).join("")}`);
  const namesAt = file.length;
  const tableAt = namesAt + names.length;
  const sectionsAt = tableAt + SYMBOL_BYTES * functions.length;
  const whole = Buffer.alloc(sectionsAt + 3 * SECTION_BYTES);
  whole.set(file);
  whole.set(names, namesAt);
  let name = 1;
  for (const [i, symbol] of functions.entries()) {
    const at = tableAt + SYMBOL_BYTES * i;
    whole.writeUInt32LE(name, at);
    whole.writeUInt8(0x12, at + 4); // global function
    whole.writeUInt16LE(1, at + 6);
    whole.writeBigUInt64LE(BigInt(symbol.address), at + 8);
    whole.writeBigUInt64LE(BigInt(symbol.size), at + 16);
    name += symbol.name.length + 1;
  }
  const section = (index: number, type: number, offset: number, size: number): void => {
    const at = sectionsAt + SECTION_BYTES * index;
    whole.writeUInt32LE(type, at + 4);
    whole.writeBigUInt64LE(BigInt(offset), at + 24);
    whole.writeBigUInt64LE(BigInt(size), at + 32);
    whole.writeUInt32LE(2, at + 40);
  };
  section(1, 2, tableAt, SYMBOL_BYTES * functions.length);
  section(2, 3, namesAt, names.length);
  whole.writeBigUInt64LE(BigInt(sectionsAt), 40);
  whole.writeUInt16LE(SECTION_BYTES, 58);
  whole.writeUInt16LE(3, 60);
  return whole;
}
