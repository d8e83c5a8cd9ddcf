/** Counts the calls that emitted code makes into the host: `JitObserver.countCalls`. */

import { CALL_LIST } from "../jit/ir/calls/index.ts";

type AnyFunction = (...args: unknown[]) => unknown;

/** Compiled into the unit by V8 or made of WebAssembly: a stand-in would count what is no call, or not fit. */
const HOST_MATHS: ReadonlySet<unknown> = new Set([Math.imul, Math.clz32]);

/** Call operations have a number where JavaScript calls them (`k12`), and their name in WebAssembly. */
function nameOf(name: string): string {
  const index = /^k([0-9]+)$/.exec(name)?.[1];
  return (index === undefined ? undefined : CALL_LIST[Number(index)]?.op) ?? name;
}

export class CallCounter {
  readonly #counts = new Map<string, { calls: number }>();

  /** An arrow, so that it can be handed on. */
  readonly countCalls = <T extends object>(functions: T): T => {
    const counted = Object.entries(functions).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === "function" && !HOST_MATHS.has(value)
        ? this.#standIn(nameOf(name), value as AnyFunction)
        : value,
    ]);
    return Object.fromEntries(counted) as T;
  };

  /** The most often called first; those never called are left out. */
  get calls(): readonly (readonly [name: string, calls: number])[] {
    return [...this.#counts]
      .map(([name, { calls }]) => [name, calls] as const)
      .filter(([, calls]) => calls > 0)
      .sort(([, a], [, b]) => b - a);
  }

  #standIn(name: string, original: AnyFunction): AnyFunction {
    const count = this.#counts.get(name) ?? { calls: 0 };
    this.#counts.set(name, count);
    return (...args) => {
      count.calls++;
      return original(...args);
    };
  }
}
