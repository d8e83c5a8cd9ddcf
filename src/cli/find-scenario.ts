/** From the words of a command line to a scenario: a shipped name, a scenario file, one program, or a boot manifest. */

import { existsSync } from "node:fs";
import { basename } from "node:path";
import { InputError, closest } from "../input-error.ts";
import {
  type Scenario,
  demandInit,
  loadScenario,
  manifestScenario,
  readBinary,
  singleProgram,
} from "../scenario.ts";
import { shippedFile, shippedNames } from "./shipped.ts";

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

/** `extra` are the `NAME=PATH` words of --binary. Throws `InputError`. */
export function findScenario(given: string, extra: readonly string[]): Scenario {
  const scenario = find(given);
  const binaries = new Map([...scenario.binaries, ...extra.map(extraBinary)]);
  const whole = extra.length === 0 ? scenario : { ...scenario, binaries };
  demandInit(whole);
  return whole;
}

function find(given: string): Scenario {
  if (given === "") throw new InputError("the name of the scenario is empty; see capjit scenarios");
  const names = shippedNames();
  if (names.includes(given)) return loadScenario(shippedFile(given), given);
  if (given.endsWith(".json")) return loadScenario(given, basename(given, ".json"));
  if (!/[/\\.]/.test(given) && !existsSync(given)) throw unknownScenario(given, names);
  const bytes = readBinary(given);
  if (ELF_MAGIC.every((byte, i) => bytes[i] === byte)) return singleProgram(basename(given), bytes);
  if (looksLikeMessage(bytes)) return manifestScenario(given, basename(given), bytes);
  throw new InputError(`${given}: not an ELF file (a scenario file must end in .json)`);
}

/** A stream-framed message: few segments, and their lengths add up to no more than the file. */
function looksLikeMessage(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const segments = bytes.length < 8 ? 0 : view.getUint32(0, true) + 1;
  if (segments === 0 || segments > 512 || 4 + 4 * segments > bytes.length) return false;
  let length = Math.ceil((4 + 4 * segments) / 8) * 8;
  for (let i = 0; i < segments; i++) length += 8 * view.getUint32(4 + 4 * i, true);
  return length <= bytes.length;
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
