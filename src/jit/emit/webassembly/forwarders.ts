/**
 * Host functions as WebAssembly functions. Every module that imports a host function makes the engine compile code
 * for the way out (on Node 20 a millisecond and more per module, whatever its size); importing a WebAssembly
 * function is free. So each host function is imported by one small module, and all others import from that.
 *
 *   unit --call--> forwarder --call--> host function
 */

import { Bytes, OP } from "./bytes.ts";
import { compileModule, type ImportSource } from "./compile.ts";
import { functionCode } from "./function-code.ts";
import { type FunctionCode, PADDED_BYTES, SIGNATURES } from "./imports.ts";

export class Forwarders {
  readonly #host: Readonly<Record<string, unknown>>;
  readonly #given: Record<string, unknown>;
  /** Names that stand for a WebAssembly function in `#given`. */
  readonly #provided = new Set<string>();
  readonly #offers = new Map<string, () => void>();

  constructor(host: Readonly<Record<string, unknown>>) {
    this.#host = host;
    this.#given = { ...host };
  }

  /** What modules import; a forwarder is made when the first module asks for it. */
  readonly imports: ImportSource = (functions) => {
    const isMissing = ({ name }: { readonly name: string }): boolean => !this.#provided.has(name);
    for (const { name } of functions.filter(isMissing)) this.#offers.get(name)?.();
    const missing = functions.filter(isMissing).map(({ name }) => name);
    if (missing.length > 0) {
      this.provide(
        missing,
        compileModule(missing.map(forwarder), { imports: () => this.#host, table: false }),
      );
    }
    return this.#given;
  };

  /** Functions that `make` compiles when the first module asks for one of them. */
  offer(names: readonly string[], make: () => readonly unknown[]): void {
    const provide = (): void => {
      for (const name of names) this.#offers.delete(name);
      this.provide(names, make());
    };
    for (const name of names) this.#offers.set(name, provide);
  }

  /** Functions that are WebAssembly already. */
  provide(names: readonly string[], functions: readonly unknown[]): void {
    for (const [k, name] of names.entries()) {
      this.#given[name] = functions[k];
      this.#provided.add(name);
    }
  }
}

function forwarder(name: string): FunctionCode {
  const type = SIGNATURES.get(name);
  if (type === undefined) throw new RangeError(`nothing called ${name} can be imported`);
  const out = new Bytes();
  for (const k of type.parameters.keys()) {
    out.byte(OP.localGet);
    out.unsigned(k);
  }
  out.byte(OP.call);
  const relocations = [{ at: out.length, name }];
  for (let k = 0; k < PADDED_BYTES; k++) out.byte(0);
  out.byte(OP.end);
  return functionCode({ locals: [], out, relocations, hints: [], type });
}
