/**
 * Text to IR, the reverse of `print.ts`. Names of values are free (`%sum`, `%7`): the parser numbers them. Types
 * after a name are optional, checked when given. Slots are `@<byte offset>` or names the caller knows.
 *
 * The parser checks form only; `verify.ts` says whether the block is well formed.
 */

import { type GuestAddress, isUserAddress } from "../../mmu/address.ts";
import type { GuestInstruction, IrBlock, IrExit, IrInstruction, Transfer } from "./block.ts";
import { CONDITIONS } from "./flags.ts";
import { type ImmKind, type OpName, OPS, type Value, rowOf } from "./ops.ts";
import { ACCESS_WORDS } from "./print.ts";

/** The text is not IR; the message names the line. */
export class IrSyntaxError extends Error {
  override readonly name = "IrSyntaxError";
}

/** The byte offset of a slot's name, or undefined. */
export type SlotOffset = (name: string) => number | undefined;

const TRANSFERS: readonly string[] = ["fallthrough", "jump", "call", "return"] satisfies Transfer[];

class BlockParser {
  readonly #slotOffset: SlotOffset;
  readonly #values = new Map<string, number>();
  readonly #instructions: GuestInstruction[] = [];
  readonly #code: IrInstruction[] = [];
  #address: GuestAddress | undefined;
  #exit: IrExit | undefined;
  #line = 0;

  constructor(slotOffset: SlotOffset) {
    this.#slotOffset = slotOffset;
  }

  parse(text: string): IrBlock {
    for (const raw of text.split("\n")) {
      this.#line++;
      const line = raw.trim();
      if (line !== "") this.#parseLine(line);
    }
    if (this.#address === undefined) return this.#fail("no `block` line");
    if (this.#exit === undefined) return this.#fail("no `exit` line");
    return { address: this.#address, instructions: this.#instructions, code: this.#code, exit: this.#exit };
  }

  #parseLine(line: string): void {
    if (this.#exit !== undefined) this.#fail("a line after the exit");
    const words = line.split(/\s+/);
    if (words[0] === "block") this.#address = this.#addressOf(words[1]);
    else if (words[0] === ";") this.#parseGuestInstruction(words);
    else if (words[0] === "exit") this.#exit = this.#parseExit(words.slice(1));
    else this.#parseOperation(words);
  }

  #parseGuestInstruction(words: readonly string[]): void {
    if (words[2] !== "len") this.#fail("expected `; <address> len <bytes>`");
    const address = this.#addressOf(words[1]);
    this.#instructions.push({ address, length: this.#number(words[3]), start: this.#code.length });
  }

  #parseOperation(words: readonly string[]): void {
    const named = words[1] === "=";
    const rest = named ? words.slice(2) : words;
    const [name = "", ...operands] = rest;
    if (!Object.hasOwn(OPS, name)) this.#fail(`no operation \`${name}\``);
    const op = name as OpName;
    const row = rowOf(op);
    if (named !== (row.result !== undefined)) this.#fail(`\`${op}\` has ${row.result ?? "no"} result`);
    const kinds = row.imm ?? [];
    if (operands.length !== kinds.length + row.args.length) {
      this.#fail(`\`${op}\` takes ${kinds.length + row.args.length} operands, there are ${operands.length}`);
    }
    const imm = kinds.map((kind, i) => this.#immediate(kind, operands[i]));
    const args = operands.slice(kinds.length).map((operand) => this.#value(operand));
    if (named) this.#define(words[0] ?? "", row.result);
    this.#code.push({ op, imm, args });
  }

  #define(text: string, type: string | undefined): void {
    const [name = "", given] = text.split(":");
    if (!name.startsWith("%")) this.#fail(`\`${name}\` is not a value name`);
    if (given !== undefined && given !== type) this.#fail(`${name} is ${type}, not ${given}`);
    if (this.#values.has(name)) this.#fail(`${name} is defined twice`);
    this.#values.set(name, this.#code.length);
  }

  #parseExit(words: readonly string[]): IrExit {
    const [kind, first, second, third, fourth, fifth, sixth] = words;
    switch (kind) {
      case "jump": {
        const exit = { kind, target: this.#addressOf(first), transfer: this.#transfer(second) } as const;
        return third === undefined ? exit : { ...exit, returnTo: this.#addressOf(fourth) };
      }
      case "branch":
        return {
          kind,
          condition: this.#value(first) as Value<"i1">,
          taken: this.#addressOf(second),
          notTaken: this.#addressOf(third),
        };
      case "indirect": {
        const target = this.#value(first) as Value<"i64">;
        const exit = { kind, target, transfer: this.#transfer(second) } as const;
        return third === undefined ? exit : { ...exit, returnTo: this.#addressOf(fourth) };
      }
      case "syscall":
        return { kind, next: this.#addressOf(first) };
      case "fault": {
        const numbers = { vector: this.#number(first), errorCode: this.#number(third) };
        const exit = { kind, ...numbers, rip: this.#addressOf(fifth) } as const;
        return sixth === undefined ? exit : { ...exit, unsupported: words.slice(7).join(" ") };
      }
      default:
        return this.#fail(`no exit \`${kind}\``);
    }
  }

  #immediate(kind: ImmKind, text = ""): number {
    switch (kind) {
      case "slot":
        return text.startsWith("@")
          ? this.#number(text.slice(1))
          : (this.#slotOffset(text) ?? this.#fail(`no slot \`${text}\``));
      case "condition": {
        const index = (CONDITIONS as readonly string[]).indexOf(text);
        return index < 0 ? this.#fail(`no condition \`${text}\``) : index;
      }
      case "access":
        return this.#access(text);
      case "int32":
        return this.#number(text) | 0;
      case "width":
      case "bit":
      case "vector":
      case "lane":
        return this.#number(text);
    }
  }

  #access(text: string): number {
    if (text === "plain") return 0;
    let bits = 0;
    for (const word of text.split("+")) {
      bits |= ACCESS_WORDS.find(([, name]) => name === word)?.[0] ?? this.#fail(`no access \`${word}\``);
    }
    return bits;
  }

  #value(text = ""): number {
    const name = text.split(":")[0] ?? "";
    return this.#values.get(name) ?? this.#fail(`no value \`${text}\` before this line`);
  }

  #transfer(text = ""): Transfer {
    return TRANSFERS.includes(text) ? (text as Transfer) : this.#fail(`no transfer \`${text}\``);
  }

  #addressOf(text: string | undefined): GuestAddress {
    const value = this.#number(text);
    return isUserAddress(value) ? value : this.#fail(`\`${text}\` is not a user address`);
  }

  #number(text = ""): number {
    const value = /^-?(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text.replace("-", "")) : NaN;
    if (!Number.isSafeInteger(value)) return this.#fail(`\`${text}\` is not a number`);
    return text.startsWith("-") ? -value : value;
  }

  #fail(message: string): never {
    throw new IrSyntaxError(`line ${this.#line}: ${message}`);
  }
}

/** Reads the printed form. Throws an `IrSyntaxError` that names the line. */
export const parseBlock = (text: string, slotOffset: SlotOffset = () => undefined): IrBlock =>
  new BlockParser(slotOffset).parse(text);
