/** From the words of a command line to a scenario: a shipped name, a scenario file, or one program. */

import { existsSync } from "node:fs";
import { basename } from "node:path";
import { InputError, closest } from "../input-error.ts";
import { type Scenario, loadScenario, readBinary, singleProgram } from "../scenario.ts";
import { shippedFile, shippedNames } from "./shipped.ts";

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

/** `extra` are the `NAME=PATH` words of --binary. Throws `InputError`. */
export function findScenario(given: string, extra: readonly string[]): Scenario {
  const scenario = find(given);
  const binaries = new Map([...scenario.binaries, ...extra.map(extraBinary)]);
  return extra.length === 0 ? scenario : { ...scenario, binaries };
}

function find(given: string): Scenario {
  if (given === "") throw new InputError("the name of the scenario is empty; see capjit scenarios");
  const names = shippedNames();
  if (names.includes(given)) return loadScenario(shippedFile(given), given);
  if (given.endsWith(".json")) return loadScenario(given, basename(given, ".json"));
  if (!/[/\\.]/.test(given) && !existsSync(given)) throw unknownScenario(given, names);
  const bytes = readBinary(given);
  if (ELF_MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new InputError(`${given}: not an ELF file (a scenario file must end in .json)`);
  }
  return singleProgram(basename(given), bytes);
}

function unknownScenario(given: string, names: readonly string[]): InputError {
  const meant = closest(given, names);
  const help = meant === undefined ? `there are ${names.join(", ")}` : `did you mean "${meant}"?`;
  return new InputError(`unknown scenario "${given}"; ${help}`);
}

function extraBinary(text: string): readonly [string, Uint8Array] {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw new InputError(`--binary ${text}: expected NAME=PATH`);
  return [text.slice(0, at), readBinary(text.slice(at + 1))];
}
