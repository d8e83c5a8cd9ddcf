/**
 * Line input: a stream of typed bytes, cut into lines by the rules of a terminal.
 *
 *   CR, LF      submit; an LF right behind a CR is the same line end
 *   0x03        cancels the line
 *   0x08, 0x7f  erase one byte
 *   NUL         ignored
 *
 * Bytes above the limit are dropped. The echo is the line as it was submitted, so that a transcript of a scripted
 * run reads like a session.
 */

import type { ConsoleInput } from "../../host-inputs.ts";
import type { ConsoleSink } from "../services.ts";

const NUL = 0x00;
const CANCEL = 0x03;
const BACKSPACE = 0x08;
const LF = 0x0a;
const CR = 0x0d;
const DELETE = 0x7f;
const LINE_END = Uint8Array.of(LF);
const NOTHING = new Uint8Array(0);

export interface LineSettings {
  readonly prompt: Uint8Array;
  /** Longest line in bytes. */
  readonly limit: number;
  readonly echo: boolean;
  readonly allowEmpty: boolean;
}

export type LineResult =
  { readonly status: "submitted"; readonly line: Uint8Array } | { readonly status: "cancelled" | "closed" };

/** Fields: `#typed` from `#at` on = bytes that were typed and belong to later lines. */
export class Terminal {
  #typed: Uint8Array = NOTHING;
  #at = 0;

  /** One line; empty ones are asked for again when they are not allowed. Ends with the input at the latest. */
  readLine(settings: LineSettings, input: ConsoleInput, output: ConsoleSink): LineResult {
    for (;;) {
      if (settings.prompt.length > 0) output.write(settings.prompt);
      if (!this.#fill(input)) return { status: "closed" };
      const line = this.#editLine(settings.limit);
      if (settings.echo) {
        if (line !== undefined) output.write(line);
        output.write(LINE_END);
      }
      if (line === undefined) return { status: "cancelled" };
      if (line.length > 0 || settings.allowEmpty) return { status: "submitted", line };
    }
  }

  /** What is typed, at most `limit` bytes and one line with its end; undefined at the end of the input. */
  readBlock(limit: number, input: ConsoleInput): Uint8Array | undefined {
    if (!this.#fill(input)) return undefined;
    const line = this.#typed.indexOf(LF, this.#at) + 1;
    const block = this.#typed.slice(this.#at, Math.min(line, this.#at + limit));
    this.#at += block.length;
    return block;
  }

  /** Makes sure that at least a line end is typed; false at the end of the input. */
  #fill(input: ConsoleInput): boolean {
    if (this.#at < this.#typed.length) return true;
    const line = input.readLine();
    if (line === undefined) return false;
    this.#typed = new Uint8Array(line.length + 1);
    this.#typed.set(line);
    this.#typed[line.length] = LF;
    this.#at = 0;
    return true;
  }

  /** Takes typed bytes up to a line end; undefined when the line was cancelled. The typed bytes end with an LF. */
  #editLine(limit: number): Uint8Array | undefined {
    const line: number[] = [];
    for (let byte = this.#next(); byte !== CR && byte !== LF; byte = this.#next()) {
      if (byte === CANCEL) return this.#cancel();
      if (byte === BACKSPACE || byte === DELETE) line.pop();
      else if (byte !== NUL && line.length < limit) line.push(byte);
    }
    if (this.#typed[this.#at - 1] === CR && this.#typed[this.#at] === LF) this.#at++;
    return Uint8Array.from(line);
  }

  /** The line end that follows belongs to the cancelled line. */
  #cancel(): undefined {
    if (this.#typed[this.#at] === LF) this.#at++;
    return undefined;
  }

  #next(): number {
    return this.#typed[this.#at++] ?? LF;
  }
}
