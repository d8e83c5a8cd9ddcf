/**
 * ProcessSpawner: authority to start processes from the run's programs, with capabilities of the caller and of the
 * kernel. Not transferable. The rules are in spawn.ts.
 */

import type { CallContext, Reply } from "../call.ts";
import { defineInterface, refuse, withCaps } from "../call.ts";
import type { KernelObject, ResultCap } from "../object.ts";
import type { CapGrant } from "../schema/kernel.ts";
import { CapGrantMode, CapGrantSource, ProcessSpawner } from "../schema/kernel.ts";
import { SOURCE_NAMES } from "../source-names.ts";
import type { Grant, GrantMode } from "../spawn.ts";
import { capabilityManagerCapability } from "./capability-manager.ts";
import { createPipe } from "./pipe.ts";
import { processHandleCapability } from "./process-handle.ts";

const HANDLE_RECORD = 0;
const MANAGER_RECORD = 1;

const MODES: ReadonlyMap<number, GrantMode> = new Map<number, GrantMode>([
  [CapGrantMode.RAW, "raw"],
  [CapGrantMode.CLIENT_ENDPOINT, "clientEndpoint"],
  [CapGrantMode.MOVE, "move"],
  [CapGrantMode.SERVICE_OBJECT, "serviceObject"],
]);

/** A grant as the rules see it, or what is wrong with its encoding. */
function decodeGrant(grant: CapGrant): Grant | string {
  const { name, interfaceId, badge, source } = grant;
  const mode = MODES.get(grant.mode);
  if (mode === undefined) return `grant "${name}": unknown mode ${grant.mode}`;
  const which = source.which();
  if (which === CapGrantSource.CAPABILITY) {
    return { name, interfaceId, badge, mode, from: { capability: grant.capId } };
  }
  const kernel = which === CapGrantSource.KERNEL ? SOURCE_NAMES[source.kernel] : undefined;
  if (kernel === undefined) return `grant "${name}": unknown source`;
  return { name, interfaceId, badge, mode, from: { kernel } };
}

function spawn(context: CallContext, name: string, binary: string, grants: readonly Grant[]): Reply {
  const endpoints = grants.filter(({ from }) => "kernel" in from && from.kernel === "endpoint").length;
  const refused = context.refuseCaps(2 + endpoints);
  if (refused !== undefined) return refused;
  const outcome = context.services.spawn({ name, binary, grants, spawner: context.process });
  if (outcome.status !== "ok") return refuse(outcome.status, outcome.text);
  const facets = outcome.facets.map((facet): ResultCap => ({
    ...facet,
    terms: { ...facet.terms, origin: "spawnerEndpointResult" },
  }));
  return withCaps(
    { object: processHandleCapability(outcome.process) },
    { object: capabilityManagerCapability(outcome.process) },
    ...facets,
  );
}

export const PROCESS_SPAWNER = defineInterface(ProcessSpawner).handle<null>({
  spawn(_spawner, context, params, results) {
    const grants: Grant[] = [];
    for (let i = 0; i < params.grants.length; i++) {
      const grant = decodeGrant(params.grants.get(i));
      if (typeof grant === "string") return refuse("invalidArgument", grant);
      grants.push(grant);
    }
    results.handleIndex = HANDLE_RECORD;
    results.capabilityManagerIndex = MANAGER_RECORD;
    return spawn(context, params.name, params.binaryName, grants);
  },
  createPipe(_spawner, context, params, results) {
    const refused = context.refuseCaps(2);
    if (refused !== undefined) return refused;
    const ends = createPipe(params.bufferBytes);
    if ("kind" in ends) return ends;
    results.readIndex = 0;
    results.writeIndex = 1;
    return withCaps({ object: ends.read }, { object: ends.write });
  },
});

export const processSpawnerCapability = (): KernelObject =>
  PROCESS_SPAWNER.capability(null, { label: "process-spawner", mode: "none" });
