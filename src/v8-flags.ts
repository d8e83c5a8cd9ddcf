/** Settings of V8 that the speed of translated code depends on. */

import { setFlagsFromString } from "node:v8";

/**
 * V8 reads branch hints of WebAssembly only when told to. Without them it treats slow paths like fast ones, and the
 * calls in them push guest registers out of the host's: measured 15 to 20 % on compute programs. What V8 keeps of
 * compiled scripts is good for the same flags only, so the command says it before it loads anything.
 */
export function readBranchHints(): void {
  setFlagsFromString("--experimental-wasm-branch-hinting");
}
