/**
 * The kernel sources of capabilities that exist: for a name of the schema's `KernelCapSource` the interface and how
 * to make an object. A name without a row here is refused when somebody asks for it.
 */

import { NULL_INTERFACE_ID } from "./abi.ts";
import { CONSOLE, consoleCapability } from "./caps/console.ts";
import { ENDPOINT } from "./caps/endpoint.ts";
import { ENTROPY_SOURCE, entropySourceCapability } from "./caps/entropy-source.ts";
import { FRAME_ALLOCATOR, frameAllocatorCapability } from "./caps/frame-allocator.ts";
import { LOG_READER, LOG_SINK, logReaderCapability, logSinkCapability, systemLogOf } from "./caps/log.ts";
import { NullCapability } from "./caps/null.ts";
import { PARK_SPACE, parkSpaceCapability } from "./caps/park-space.ts";
import { PROCESS_SPAWNER, processSpawnerCapability } from "./caps/process-spawner.ts";
import { SYSTEM_INFO, systemInfoCapability } from "./caps/system-info.ts";
import { TERMINAL_SESSION, terminalSessionCapability } from "./caps/terminal-session.ts";
import { THREAD_CONTROL, threadControlCapability } from "./caps/thread-control.ts";
import { THREAD_SPAWNER, threadSpawnerCapability } from "./caps/thread-spawner.ts";
import { TIMER, timerCapability } from "./caps/timer.ts";
import { VIRTUAL_MEMORY, virtualMemoryCapability } from "./caps/virtual-memory.ts";
import { WALL_CLOCK, wallClockCapability } from "./caps/wall-clock.ts";
import type { InterfaceInfo } from "./object.ts";
import type { SourceFactory } from "./services.ts";

/** A source that exists. `endpoint` has no factory: the spawner makes both facets. */
export interface KernelSource {
  readonly interfaceId: bigint;
  readonly create: SourceFactory | "endpoint";
}

const source = (info: InterfaceInfo, create: SourceFactory): KernelSource => ({
  interfaceId: info.id,
  create,
});

/** What the kernel can hand out, by name. */
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
