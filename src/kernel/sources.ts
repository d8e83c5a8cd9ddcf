/**
 * The kernel sources of capabilities that exist: for a name of the schema's `KernelCapSource` the interface and how
 * to make an object. A name without a row here is refused when somebody asks for it.
 */

import type { Clock } from "../host-inputs.ts";
import { NULL_INTERFACE_ID } from "./abi.ts";
import { BOOT_PACKAGE, bootPackageCapability } from "./caps/boot-package.ts";
import { CONSOLE, consoleCapability } from "./caps/console.ts";
import { ENDPOINT } from "./caps/endpoint.ts";
import { ENTROPY_SOURCE, entropySourceCapability } from "./caps/entropy-source.ts";
import { FRAME_ALLOCATOR, frameAllocatorCapability } from "./caps/frame-allocator.ts";
import { LOG_READER, LOG_SINK, logReaderCapability, logSinkCapability, systemLogOf } from "./caps/log.ts";
import { NullCapability } from "./caps/null.ts";
import {
  PARK_SPACE,
  parkSpaceCapability,
  SHARED_PARK_SPACE,
  sharedParkSpaceCapability,
} from "./caps/park-space.ts";
import { PROCESS_SPAWNER, processSpawnerCapability } from "./caps/process-spawner.ts";
import { stdioCapability } from "./caps/stdio.ts";
import type { SystemTexts } from "./caps/system-info.ts";
import { SYSTEM_INFO, systemInfoCapability } from "./caps/system-info.ts";
import { TERMINAL_SESSION, terminalSessionCapability } from "./caps/terminal-session.ts";
import { THREAD_CONTROL, threadControlCapability } from "./caps/thread-control.ts";
import { THREAD_SPAWNER, threadSpawnerCapability } from "./caps/thread-spawner.ts";
import { TIMER, timerCapability } from "./caps/timer.ts";
import { VIRTUAL_MEMORY, virtualMemoryCapability } from "./caps/virtual-memory.ts";
import { WALL_CLOCK, wallClockCapability } from "./caps/wall-clock.ts";
import type { InterfaceInfo } from "./object.ts";
import type { SourceFactory } from "./services.ts";
import type { StoreSpec } from "./storage.ts";
import { Storage, STORE_KINDS } from "./storage.ts";

/** A source that exists. `endpoint` has no factory: the spawner makes both facets. */
export interface KernelSource {
  readonly interfaceId: bigint;
  readonly create: SourceFactory | "endpoint";
}

const source = (info: InterfaceInfo, create: SourceFactory): KernelSource => ({
  interfaceId: info.id,
  create,
});

/** What every kernel can hand out, by the name of the schema. */
export const KERNEL_SOURCES: ReadonlyMap<string, KernelSource> = new Map<string, KernelSource>([
  ["console", source(CONSOLE, () => consoleCapability())],
  ["endpoint", { interfaceId: ENDPOINT.id, create: "endpoint" }],
  ["frameAllocator", source(FRAME_ALLOCATOR, () => frameAllocatorCapability())],
  ["virtualMemory", source(VIRTUAL_MEMORY, ({ process }) => virtualMemoryCapability(process))],
  ["processSpawner", source(PROCESS_SPAWNER, () => processSpawnerCapability())],
  ["terminalSession", source(TERMINAL_SESSION, () => terminalSessionCapability())],
  ["entropySource", source(ENTROPY_SOURCE, () => entropySourceCapability())],
  ["systemInfo", source(SYSTEM_INFO, () => systemInfoCapability())],
  ["null", { interfaceId: NULL_INTERFACE_ID, create: () => new NullCapability() }],
  ["timer", source(TIMER, () => timerCapability())],
  ["threadControl", source(THREAD_CONTROL, ({ process }) => threadControlCapability(process))],
  ["threadSpawner", source(THREAD_SPAWNER, ({ process }) => threadSpawnerCapability(process))],
  ["parkSpace", source(PARK_SPACE, ({ process }) => parkSpaceCapability(process))],
  ["wallClock", source(WALL_CLOCK, () => wallClockCapability())],
  ["logSink", source(LOG_SINK, ({ services }) => logSinkCapability(systemLogOf(services)))],
  ["logReader", source(LOG_READER, ({ services }) => logReaderCapability(systemLogOf(services)))],
]);

/**
 * Sources of ours, for init alone: the schema has no number for them, so no program can ask for one. StdIO is what a
 * shell would serve on an endpoint, so a program sees an Endpoint.
 */
export const ADDED_SOURCES: ReadonlyMap<string, KernelSource> = new Map<string, KernelSource>([
  ["stdio", { interfaceId: ENDPOINT.id, create: () => stdioCapability() }],
  ["sharedParkSpace", source(SHARED_PARK_SPACE, () => sharedParkSpaceCapability())],
]);

/** What a run adds to the sources: the stores of its scenario, and the manifest it was started from. */
export interface SourceOptions {
  readonly stores?: ReadonlyMap<string, StoreSpec> | undefined;
  readonly bootManifest?: Uint8Array | undefined;
  readonly systemTexts?: SystemTexts | undefined;
}

/** Everything that one kernel can hand out. */
export class Sources {
  readonly storage: Storage;
  readonly byName: ReadonlyMap<string, KernelSource>;

  constructor({ stores = new Map(), bootManifest, systemTexts }: SourceOptions, clock: Clock) {
    this.storage = new Storage(stores, clock);
    const info = source(SYSTEM_INFO, () => systemInfoCapability(systemTexts));
    const manifest: readonly (readonly [string, KernelSource])[] =
      bootManifest === undefined
        ? []
        : [["bootPackage", source(BOOT_PACKAGE, () => bootPackageCapability(bootManifest))]];
    this.byName = new Map([
      ...KERNEL_SOURCES,
      ["systemInfo", info],
      ...manifest,
      ...this.storage.sources(),
      ...ADDED_SOURCES,
    ]);
  }

  /** What there is to say of a source that does not exist. */
  refusal(name: string): string {
    if (STORE_KINDS.has(name)) return "needs a store, and the run names none for it";
    if (name === "bootPackage") return "needs a boot manifest, and the run has none";
    return "is not implemented";
  }
}
