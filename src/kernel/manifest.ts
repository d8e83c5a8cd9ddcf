/**
 * A boot manifest: the programs of a system, the first one with its capabilities, and settings of the kernel. Only
 * what the kernel itself needs is read; services are started by the first program, which reads the same bytes through
 * BootPackage. The rules are those of capos-config validation.rs for the kernel's part.
 */

import * as capnp from "capnp-es";
import { InvariantError } from "../invariant.ts";
import { MANIFEST_BYTES_MAX, MANIFEST_SCHEMA_VERSION, SESSION_DISCLOSES } from "./abi.ts";
import type { InitTerms } from "./kernel.ts";
import { canonicalMessage } from "./message.ts";
import { CueValue, SystemManifest } from "./schema/manifest.ts";
import { SOURCE_NAMES } from "./source-names.ts";

/** What a manifest starts. */
export interface BootManifest {
  readonly binaries: ReadonlyMap<string, Uint8Array>;
  readonly init: string;
  readonly capabilities: readonly (readonly [name: string, source: string, terms: InitTerms])[];
  /** Texts of SystemInfo; empty = the kernel's own. */
  readonly motd: string;
  readonly hostname: string;
}

/** The name of the program that the published kernel has built in. */
export const BUILT_IN_INIT = "init";

const BINARIES_MAX = 64;
const BINARY_NAME_BYTES_MAX = 64;
/** The source that only one capability of a manifest may have. */
const ONE_HOLDER = "terminalSession";
const NEVER_FOR_INIT: ReadonlySet<string> = new Set(["null", "park_bench"]);

/** One line: the place in the manifest, and what is wrong there. */
class ManifestFault extends Error {}
const fault = (path: string, text: string): ManifestFault => new ManifestFault(`${path}: ${text}`);

/** The manifest in these bytes, or why they are none. */
export function parseManifest(bytes: Uint8Array): BootManifest | string {
  if (bytes.length === 0 || bytes.length > MANIFEST_BYTES_MAX) {
    return `$: a manifest has 1 to ${MANIFEST_BYTES_MAX} bytes, not ${bytes.length}`;
  }
  const segment = canonicalMessage(bytes);
  if (segment === undefined) return "$: not a Cap'n Proto message";
  try {
    return read(new capnp.Message(segment, false, true).getRoot(SystemManifest));
  } catch (error) {
    if (error instanceof ManifestFault) return error.message;
    if (error instanceof InvariantError) throw error;
    // The generated readers throw when a pointer is of another kind than the schema says.
    return "$: a field is not what the schema says";
  }
}

function read(manifest: SystemManifest): BootManifest {
  if (manifest.schemaVersion !== MANIFEST_SCHEMA_VERSION) {
    throw fault("$.schemaVersion", `${manifest.schemaVersion} is not ${MANIFEST_SCHEMA_VERSION}`);
  }
  const binaries = readBinaries(manifest);
  const config = recordOf(manifest.initConfig, "$.initConfig");
  const init = recordOf(need(config, "init", "$.initConfig"), "$.initConfig.init");
  const binary = textOf(need(init, "binary", "$.initConfig.init"), "$.initConfig.init.binary");
  if (binary !== BUILT_IN_INIT && !binaries.has(binary)) {
    throw fault("$.initConfig.init.binary", `no binary is named ${quoted(binary)}`);
  }
  if (binaries.get(binary)?.length === 0) throw fault("$.initConfig.init.binary", "the binary is empty");
  const caps = init.get("caps");
  const capabilities = caps === undefined ? [] : readCaps(caps, "$.initConfig.init.caps");
  const { motd, hostname } = manifest.kernelParams;
  return { binaries, init: binary, capabilities, motd, hostname };
}

function readBinaries(manifest: SystemManifest): Map<string, Uint8Array> {
  const binaries = new Map<string, Uint8Array>();
  const { length } = manifest.binaries;
  if (length > BINARIES_MAX) throw fault("$.binaries", `${length} binaries, at most ${BINARIES_MAX} fit`);
  for (let i = 0; i < length; i++) {
    const blob = manifest.binaries.get(i);
    const path = `$.binaries[${i}].name`;
    const name = strictText(blob, 0, path);
    const bytes = new TextEncoder().encode(name).length;
    if (bytes > BINARY_NAME_BYTES_MAX) {
      throw fault(path, `a name has at most ${BINARY_NAME_BYTES_MAX} bytes, not ${bytes}`);
    }
    if (name === BUILT_IN_INIT) throw fault(path, `"${name}" is the kernel's own program`);
    if (binaries.has(name)) throw fault(path, `two binaries are named ${quoted(name)}`);
    binaries.set(name, blob.data.toUint8Array().slice());
  }
  return binaries;
}

function readCaps(value: CueValue, path: string): BootManifest["capabilities"] {
  const entries = listOf(value, path);
  const seen = new Set<string>();
  let terminals = 0;
  return entries.map((entry, i) => {
    const at = `${path}[${i}]`;
    const fields = recordOf(entry, at);
    const name = textOf(need(fields, "name", at), `${at}.name`);
    if (seen.has(name)) throw fault(`${at}.name`, `two capabilities are named ${quoted(name)}`);
    seen.add(name);
    const source = readSource(fields, at);
    if (source === ONE_HOLDER && terminals++ > 0) {
      throw fault(`${at}.source.kernel`, "a manifest has one holder of the terminal");
    }
    return [name, source, readTerms(fields, at)] as const;
  });
}

/** Sources by the name that manifests use: snake case, but for one. */
const MANIFEST_NAMES: ReadonlyMap<string, string> = new Map(
  SOURCE_NAMES.map((name) => [
    name === "dmaPool" ? "dmapool" : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    name,
  ]),
);

function readSource(fields: CueFields, path: string): string {
  const at = `${path}.source`;
  const source = recordOf(need(fields, "source", path), at);
  const kernel = source.get("kernel");
  if (kernel === undefined) throw fault(at, "init is granted kernel sources only");
  const name = textOf(kernel, `${at}.kernel`);
  const known = MANIFEST_NAMES.get(name);
  if (known === undefined) throw fault(`${at}.kernel`, `${quoted(name)} is not a kernel source`);
  if (NEVER_FOR_INIT.has(name)) throw fault(`${at}.kernel`, `${name} is granted by the spawner only`);
  return known;
}

function readTerms(fields: CueFields, path: string): InitTerms {
  const badge = fields.get("badge");
  const scope = fields.get("disclosureScope");
  const expected = fields.get("expectedInterfaceId");
  const names = scope === undefined ? [] : listOf(scope, `${path}.disclosureScope`);
  let disclosure = 0;
  for (const [i, each] of names.entries()) disclosure |= disclosureBit(each, `${path}.disclosureScope[${i}]`);
  return {
    badge: badge === undefined ? 0n : uintOf(badge, `${path}.badge`),
    disclosure,
    ...(expected === undefined
      ? {}
      : { expectedInterfaceId: uintOf(expected, `${path}.expectedInterfaceId`) }),
  };
}

const DISCLOSURES: ReadonlyMap<string, number> = new Map([
  ["principal_kind", SESSION_DISCLOSES.principalKind],
  ["auth_strength", SESSION_DISCLOSES.authStrength],
  ["profile_class", SESSION_DISCLOSES.profileClass],
]);

function disclosureBit(value: CueValue, path: string): number {
  const name = textOf(value, path);
  const bit = DISCLOSURES.get(name);
  if (bit === undefined) throw fault(path, `${quoted(name)} is not a session field`);
  return bit;
}

// --- Values of the configuration -----------------------------------------------------------------------------------

type CueFields = ReadonlyMap<string, CueValue>;

const quoted = (text: string): string => JSON.stringify(text.slice(0, 64));

function expectKind(value: CueValue, kind: number, path: string, what: string): void {
  if (value.which() !== kind) throw fault(path, `expected ${what}`);
}

/** The fields of a record by name, each once. */
function recordOf(value: CueValue, path: string): CueFields {
  expectKind(value, CueValue.FIELDS, path, "a record");
  const fields = new Map<string, CueValue>();
  for (let i = 0; i < value.fields.length; i++) {
    const field = value.fields.get(i);
    const name = strictText(field, 0, path);
    if (fields.has(name)) throw fault(path, `two fields are named ${quoted(name)}`);
    fields.set(name, field.value);
  }
  return fields;
}

function need(fields: CueFields, name: string, path: string): CueValue {
  const value = fields.get(name);
  if (value === undefined) throw fault(path, `lacks the field ${name}`);
  return value;
}

function listOf(value: CueValue, path: string): readonly CueValue[] {
  expectKind(value, CueValue.LIST, path, "a list");
  return Array.from({ length: value.list.length }, (_, i) => value.list.get(i));
}

function textOf(value: CueValue, path: string): string {
  expectKind(value, CueValue.TEXT, path, "text");
  return strictText(value, 0, path);
}

function uintOf(value: CueValue, path: string): bigint {
  expectKind(value, CueValue.UINT_VALUE, path, "an unsigned number");
  return value.uintValue;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The Text at a pointer of a struct: UTF-8 with a NUL behind it, nothing else. */
function strictText(struct: capnp.Struct, pointer: number, path: string): string {
  const at = capnp.utils.getPointer(pointer, struct);
  if (capnp.utils.isNull(at)) return "";
  if (capnp.utils.getTargetListElementSize(at) !== capnp.ListElementSize.BYTE) throw fault(path, "not text");
  const bytes = capnp.utils.getData(pointer, struct).toUint8Array();
  if (bytes.at(-1) !== 0) throw fault(path, "text without its NUL");
  try {
    return decoder.decode(bytes.subarray(0, -1));
  } catch (error) {
    if (error instanceof TypeError) throw fault(path, "text that is not UTF-8");
    throw error;
  }
}
