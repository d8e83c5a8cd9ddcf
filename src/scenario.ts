/**
 * Scenario files: which programs there are, what the first one is granted, and what is expected of the run. The
 * published JSON Schema is the one description of the format; this file turns what it refuses into one line that
 * names the JSON path and the expectation.
 */

import { type OutputUnit, type Schema, Validator } from "@cfworker/json-schema";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { InputError, closest } from "./input-error.ts";
import { AUTH_STRENGTHS, PRINCIPALS, PROFILES, SESSION_DISCLOSES } from "./kernel/abi.ts";
import type { SystemTexts } from "./kernel/caps/system-info.ts";
import type { InitRequest, KernelOptions } from "./kernel/kernel.ts";
import { BUILT_IN_INIT, parseManifest } from "./kernel/manifest.ts";
import type { StoreSpec } from "./kernel/storage.ts";
import { packageFile } from "./package-root.ts";
import { openStores, type StoreFile } from "./scenario-stores.ts";

/** Limits per process by name; absent means the kernel's default. */
export interface Quotas {
  readonly frameGrantPages?: number;
  readonly virtualReservationPages?: number;
  readonly capSlots?: number;
  readonly outstandingCalls?: number;
  readonly scratchBytes?: number;
  readonly timerSleeps?: number;
  readonly threads?: number;
  readonly processes?: number;
}

/** The session that the run's processes belong to, in words. */
export interface SessionFile {
  readonly id: string;
  readonly principal?: keyof typeof PRINCIPALS;
  readonly auth?: keyof typeof AUTH_STRENGTHS;
  readonly profile?: keyof typeof PROFILES;
  /** Fields that calls through endpoints may disclose. */
  readonly discloses?: readonly (keyof typeof SESSION_DISCLOSES)[];
}

/** A scenario file as written. */
export interface ScenarioFile {
  readonly description?: string;
  readonly binaries: Readonly<Record<string, string>>;
  readonly init: { readonly binary: string; readonly capabilities: Readonly<Record<string, string>> };
  readonly memory?: number | string;
  readonly quotas?: Quotas;
  readonly quotasByBinary?: Readonly<Record<string, Omit<Quotas, "processes">>>;
  readonly stores?: Readonly<Record<string, StoreFile>>;
  readonly session?: SessionFile;
  readonly consoleInput?: readonly string[];
  readonly expect?: Expectation;
}

export interface Expectation {
  /** Lines that must appear in this order; others may come between. */
  readonly console?: readonly string[];
  readonly exitCode?: number;
}

/** A scenario ready to run: programs read, sizes in bytes. */
export interface Scenario {
  readonly name: string;
  /** Program name to ELF bytes. */
  readonly binaries: ReadonlyMap<string, Uint8Array>;
  readonly init: string;
  /** CapSet name to kernel source, in CapSet order. */
  readonly capabilities: InitRequest["capabilities"] | "every implemented source";
  readonly memoryBytes?: number;
  readonly quotas: Quotas;
  /** Limits of the processes of one binary, where they differ. */
  readonly quotasByBinary?: ReadonlyMap<string, Omit<Quotas, "processes">>;
  /** What is behind the kernel sources of storage. */
  readonly stores?: ReadonlyMap<string, StoreSpec>;
  readonly session?: KernelOptions["session"];
  /** The manifest that the system is started from, as programs read it, and what it says of the system. */
  readonly bootManifest?: Uint8Array;
  readonly systemTexts?: SystemTexts;
  readonly consoleInput?: readonly string[];
  readonly expect: Expectation;
}

const MAX_SCENARIO_BYTES = 4 << 20;
const MAX_BINARY_BYTES = 256 << 20;

const UNITS: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["B", 1],
  ["KiB", 1024],
  ["MiB", 1024 ** 2],
  ["GiB", 1024 ** 3],
]);

/** Bytes of a size such as `64MiB`, or undefined when it is not one. */
export function parseSize(text: string): number | undefined {
  const match = /^([0-9]{1,15})(B|KiB|MiB|GiB)?$/.exec(text);
  return match === null ? undefined : Number(match[1]) * (UNITS.get(match[2] ?? "") ?? 1);
}

/** Reads a scenario file and the programs it names. Throws `InputError`. */
export function loadScenario(file: string, name: string): Scenario {
  const scenario = parseScenario(readInput(file, MAX_SCENARIO_BYTES, "scenario").toString("utf8"), file);
  const binaries = new Map<string, Uint8Array>();
  for (const [binary, path] of Object.entries(scenario.binaries)) {
    binaries.set(binary, readBinary(resolve(dirname(file), path)));
  }
  const memoryBytes = typeof scenario.memory === "string" ? parseSize(scenario.memory) : scenario.memory;
  return {
    name,
    binaries,
    init: scenario.init.binary,
    capabilities: Object.entries(scenario.init.capabilities),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    quotas: scenario.quotas ?? {},
    quotasByBinary: new Map(Object.entries(scenario.quotasByBinary ?? {})),
    stores: openStores(scenario.stores ?? {}, { file, folder: dirname(file), parseSize }),
    ...(scenario.session === undefined ? {} : { session: sessionFacts(scenario.session) }),
    ...(scenario.consoleInput === undefined ? {} : { consoleInput: scenario.consoleInput }),
    expect: scenario.expect ?? {},
  };
}

function sessionFacts(session: SessionFile): NonNullable<Scenario["session"]> {
  const { id, principal, auth = "none", profile = "none", discloses = [] } = session;
  return {
    id,
    principalKind: principal === undefined ? 0 : PRINCIPALS[principal],
    authStrength: AUTH_STRENGTHS[auth],
    profileClass: PROFILES[profile],
    disclosure: discloses.reduce((bits, field) => bits | SESSION_DISCLOSES[field], 0),
  };
}

/** A system as its boot manifest describes it. Throws `InputError`. */
export function manifestScenario(file: string, name: string, bytes: Uint8Array): Scenario {
  const manifest = parseManifest(bytes);
  if (typeof manifest === "string") throw new InputError(`${file}: ${manifest}`);
  const { binaries, init, capabilities, motd, hostname } = manifest;
  return {
    name,
    binaries,
    init,
    capabilities,
    quotas: {},
    bootManifest: bytes,
    systemTexts: { ...(motd === "" ? {} : { motd }), ...(hostname === "" ? {} : { hostname }) },
    expect: {},
  };
}

/** Throws `InputError` when nothing is there to start. */
export function demandInit({ name, init, binaries }: Scenario): void {
  if (binaries.has(init)) return;
  const own = init === BUILT_IN_INIT ? "; the published kernel has it built in, capjit does not" : "";
  throw new InputError(
    `${name}: there is no program ${JSON.stringify(init)}${own}: add --binary ${init}=PATH`,
  );
}

/** The bytes of a program file. Throws `InputError`. */
export const readBinary = (file: string): Uint8Array => readInput(file, MAX_BINARY_BYTES, "program");

/** Checks the text of a scenario file; `file` is named in errors. Throws `InputError`. */
export function parseScenario(text: string, file: string): ScenarioFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${file}: not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const schema = JSON.parse(readFileSync(packageFile("scenarios/scenario.schema.json"), "utf8")) as Schema;
  const { valid, errors } = new Validator(schema, "2020-12", true).validate(value);
  if (!valid) throw new InputError(`${file}: ${describeRefusal(schema, value, errors)}`);
  const scenario = value as ScenarioFile;
  if (!Object.hasOwn(scenario.binaries, scenario.init.binary)) {
    const known = Object.keys(scenario.binaries);
    throw new InputError(
      `${file}: $.init.binary: ${JSON.stringify(scenario.init.binary)} is not one of the binaries (${known.join(", ")})`,
    );
  }
  const stray = Object.keys(scenario.quotasByBinary ?? {}).find(
    (name) => !Object.hasOwn(scenario.binaries, name),
  );
  if (stray !== undefined) {
    throw new InputError(`${file}: $.quotasByBinary: ${JSON.stringify(stray)} is not one of the binaries`);
  }
  for (const key of ["binaries", "init"] as const) rejectIntegerKeys(file, scenario, key);
  return scenario;
}

/** JavaScript moves integer-like keys to the front, so the order in the CapSet would not be that of the file. */
function rejectIntegerKeys(file: string, scenario: ScenarioFile, key: "binaries" | "init"): void {
  const record = key === "init" ? scenario.init.capabilities : scenario.binaries;
  const bad = Object.keys(record).find((name) => /^(0|[1-9][0-9]*)$/.test(name));
  if (bad === undefined) return;
  const path = key === "init" ? "$.init.capabilities" : "$.binaries";
  throw new InputError(`${file}: ${path}: the name ${JSON.stringify(bad)} is a number; give it a letter`);
}

/** One line for the most specific thing the schema refused. */
function describeRefusal(schema: Schema, root: unknown, errors: readonly OutputUnit[]): string {
  const depth = (unit: OutputUnit): number => unit.instanceLocation.split("/").length;
  const deepest = Math.max(...errors.map(depth));
  // Of the alternatives of a oneOf none is more right than the other: the description of the whole says it.
  const candidates = errors.filter((unit) => depth(unit) === deepest);
  const unit = candidates.find((e) => e.keyword === "oneOf") ?? candidates[0];
  if (unit === undefined) return "does not match the scenario schema";
  const path = jsonPath(unit.instanceLocation);
  const got = JSON.stringify(follow(root, unit.instanceLocation))?.slice(0, 80) ?? "nothing";
  const holder = follow(schema, parent(unit.keywordLocation)) as Schema | undefined;
  switch (unit.keyword) {
    case "required":
      return `${path}: ${unit.error.replace(/^Instance does not have required property (.*)\.$/, "lacks the property $1")}`;
    case "false":
      return unknownProperty(schema, unit);
    case "enum":
      return oneOf(path, got, holder?.enum?.map(String) ?? []);
    case "type":
      return `${path}: expected ${String(holder?.type)}, got ${got}${hint(holder)}`;
    default:
      return `${path}: ${got} is not acceptable${hint(holder) || `: ${unit.error}`}`;
  }
}

const hint = (schema: Schema | undefined): string =>
  typeof schema?.["description"] === "string" ? ` (${schema["description"].replace(/\.$/, "")})` : "";

function oneOf(path: string, got: string, allowed: readonly string[]): string {
  const meant = closest(got.replaceAll('"', ""), allowed);
  const list = meant === undefined ? `expected one of ${allowed.join(", ")}` : `did you mean "${meant}"?`;
  return `${path}: ${got} is not known; ${list}`;
}

function unknownProperty(schema: Schema, unit: OutputUnit): string {
  const path = jsonPath(unit.instanceLocation);
  const name = unit.instanceLocation.slice(unit.instanceLocation.lastIndexOf("/") + 1);
  const place = unit.instanceLocation.split("/").slice(1, -1);
  let holder: Schema | undefined = schema;
  for (const step of place) holder = holder?.properties?.[step] as Schema | undefined;
  const allowed = Object.keys(holder?.properties ?? {});
  const meant = closest(name, allowed);
  return `${path}: unknown property; ${meant === undefined ? `known are ${allowed.join(", ")}` : `did you mean "${meant}"?`}`;
}

/** Own properties only: the file's keys never reach a prototype. */
function follow(root: unknown, pointer: string): unknown {
  let value: unknown = root;
  for (const raw of pointer.split("/").slice(1)) {
    const step = unescape(raw);
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

const unescape = (step: string): string =>
  decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
const parent = (pointer: string): string => pointer.slice(0, pointer.lastIndexOf("/"));
const jsonPath = (pointer: string): string =>
  pointer
    .split("/")
    .slice(1)
    .map(unescape)
    .reduce(
      (path, step) =>
        /^[A-Za-z_$][\w$]*$/.test(step) ? `${path}.${step}` : `${path}[${JSON.stringify(step)}]`,
      "$",
    );

/** Reads a regular file of bounded size. Throws `InputError`. */
function readInput(file: string, maxBytes: number, what: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new InputError(`${file}: cannot read the ${what}: ${reason(error)}`);
  }
  if (bytes.length > maxBytes) {
    throw new InputError(`${file}: the ${what} has ${bytes.length} bytes; the limit is ${maxBytes}`);
  }
  return bytes;
}

function reason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const texts: Readonly<Record<string, string>> = {
    ENOENT: "no such file",
    EISDIR: "it is a directory",
    EACCES: "permission denied",
  };
  return texts[code] ?? (error instanceof Error ? error.message : String(error));
}

/**
 * One program as init: every kernel source under its name in snake case and, where it differs, in camel case. The
 * machine leaves out the sources it does not implement.
 */
export const singleProgram = (name: string, elf: Uint8Array): Scenario => ({
  name,
  binaries: new Map([[name, elf]]),
  init: name,
  capabilities: "every implemented source",
  quotas: {},
  expect: {},
});
