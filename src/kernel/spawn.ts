/**
 * Starting a process. Everything that can be refused is checked first, capabilities are prepared, then memory and
 * table are built on the side; only then do moves leave their source. A refusal at any point gives everything back.
 */

import { hex } from "../mmu/address.ts";
import type { FrameAllocator } from "./frame-allocator.ts";
import { PRESERVE_BADGE } from "./abi.ts";
import { EndpointCapability } from "./caps/endpoint.ts";
import type { Hold, PreparedTransfer } from "./capability.ts";
import { CapabilityTable, newHold } from "./capability.ts";
import type { CapSetEntry } from "./capset.ts";
import { buildCapSet, capSetNamesFault } from "./capset.ts";
import type { Limits } from "./ledger.ts";
import { Ledger } from "./ledger.ts";
import type { ImagePlan } from "./loader.ts";
import { loadProgram } from "./loader.ts";
import type { KernelObject, ResultCap } from "./object.ts";
import type { EndpointLimits } from "./objects/endpoint.ts";
import { Endpoint } from "./objects/endpoint.ts";
import { Process } from "./objects/process.ts";
import type { KernelServices } from "./services.ts";
import type { KernelSource, Sources } from "./sources.ts";
import type { Mmu } from "../mmu/mmu.ts";
import { INSERT_REFUSALS } from "./submission.ts";

export type GrantMode = "raw" | "clientEndpoint" | "move" | "serviceObject";

/** A capability for the new process: the name of its CapSet entry, and where it comes from. */
export interface Grant {
  readonly name: string;
  readonly interfaceId: bigint;
  readonly badge: bigint;
  /** Session fields that calls through an endpoint made for this grant may disclose; absent: those of the run. */
  readonly disclosure?: number;
  readonly mode: GrantMode;
  readonly from: { readonly capability: number } | { readonly kernel: string };
}

export interface SpawnRequest {
  readonly name: string;
  readonly binary: string;
  readonly grants: readonly Grant[];
  /** Whose capabilities the grants name; nobody's for the first process. */
  readonly spawner?: Process;
}

export interface SpawnRefusal {
  readonly status: "invalidArgument" | "failed" | "overloaded" | "unimplemented";
  readonly text: string;
}
export interface Spawned {
  readonly status: "ok";
  readonly process: Process;
  /** Client facets, for the spawner, of the endpoints that were made for the child. */
  readonly facets: readonly ResultCap[];
}
export type SpawnResult = Spawned | SpawnRefusal;

/** What building a process takes besides the request. */
export interface SpawnParts {
  readonly services: KernelServices;
  readonly mmu: Mmu;
  readonly frames: FrameAllocator;
  readonly sources: Sources;
  readonly limits: Partial<Limits>;
  readonly endpointLimits: EndpointLimits;
  /** Session fields that calls through endpoints of this run may disclose. */
  readonly disclosure: number;
  readonly id: number;
  readonly plan: ImagePlan;
}

/** A grant after its check: a hold to insert, and the object to make for it if it comes from the kernel. */
type Prepared = { readonly grant: Grant } & (
  | { readonly transfer: PreparedTransfer<KernelObject> }
  | { readonly source: KernelSource }
  | { readonly mint: Endpoint; readonly badge: bigint; readonly disclosure: number }
);

/** Names are kept in reports after their process is gone. */
const MAX_NAME_LENGTH = 64;

const refuse = (status: SpawnRefusal["status"], text: string): SpawnRefusal => ({ status, text });
const invalid = (grant: Grant, text: string): SpawnRefusal =>
  refuse("invalidArgument", `grant "${grant.name}": ${text}`);

/** Builds the process without starting it. */
export function buildProcess(parts: SpawnParts, request: SpawnRequest): SpawnResult {
  const fault = capSetNamesFault(request.grants.map(({ name }) => name));
  if (fault !== undefined) return refuse("invalidArgument", fault);
  const prepared = prepareGrants(parts, request);
  if ("status" in prepared) return prepared;
  const result = assemble(parts, request, prepared);
  if (result.status === "ok") commit(request, prepared);
  else rollback(request, prepared);
  return result;
}

/** Every grant checked and every moved capability reserved, or a refusal and nothing reserved. */
function prepareGrants(parts: SpawnParts, request: SpawnRequest): readonly Prepared[] | SpawnRefusal {
  const prepared: Prepared[] = [];
  for (const grant of request.grants) {
    const next =
      "kernel" in grant.from
        ? prepareSource(parts, grant, grant.from.kernel)
        : prepareCapability(request.spawner, grant, grant.from.capability);
    if ("status" in next) {
      rollback(request, prepared);
      return next;
    }
    prepared.push(next);
  }
  return prepared;
}

function prepareSource({ sources }: SpawnParts, grant: Grant, name: string): Prepared | SpawnRefusal {
  const source = sources.byName.get(name);
  if (source === undefined)
    return refuse("unimplemented", `grant "${grant.name}": kernel source ${name} ${sources.refusal(name)}`);
  if (grant.mode !== "raw") return invalid(grant, `a kernel source is granted raw, not as ${grant.mode}`);
  if (grant.interfaceId !== source.interfaceId) {
    return invalid(
      grant,
      `interface ${hex(grant.interfaceId)} is not that of ${name}, ${hex(source.interfaceId)}`,
    );
  }
  return { grant, source };
}

const LOOKUP_TEXT: Readonly<Record<string, string>> = {
  notFound: "is not live",
  staleGeneration: "was released",
  revoked: "was revoked",
  transferPending: "is on its way to another process",
  transferNotAllowed: "is not transferable",
  invalidTransferOrigin: "is not transferable",
};

function prepareCapability(spawner: Process | undefined, grant: Grant, id: number): Prepared | SpawnRefusal {
  const hold = spawner?.table.get(id) ?? "notFound";
  if (spawner === undefined || typeof hold === "string") {
    return invalid(grant, `capability ${id} ${LOOKUP_TEXT[String(hold)] ?? "is not live"}`);
  }
  const facet = hold.object instanceof EndpointCapability ? hold.object : undefined;
  if (grant.mode === "clientEndpoint" || grant.mode === "serviceObject") {
    if (facet === undefined) return invalid(grant, `capability ${id} is no endpoint`);
    if (facet.owner) {
      const badge = grant.badge === PRESERVE_BADGE ? hold.badge : grant.badge;
      return { grant, mint: facet.endpoint, badge, disclosure: hold.disclosure };
    }
  } else if (hold.mode === "none" && facet === undefined) {
    return invalid(grant, `capability ${id} (${hold.object.label}) is not transferable`);
  }
  const relabelled = checkLabels(grant, hold);
  if (relabelled !== undefined) return relabelled;
  return prepareTransfer(spawner, grant, id);
}

/** R-40, 4.6: who may not mint keeps interface and badge. */
function checkLabels(grant: Grant, hold: Hold<KernelObject>): SpawnRefusal | undefined {
  const { interfaceId, badge } = hold;
  if (grant.interfaceId !== interfaceId) {
    return invalid(
      grant,
      `interface ${hex(grant.interfaceId)} is not that of the capability, ${hex(interfaceId)}`,
    );
  }
  const facet = grant.mode === "clientEndpoint" || grant.mode === "serviceObject";
  const keeps = grant.badge === badge || grant.badge === PRESERVE_BADGE || (!facet && grant.badge === 0n);
  return keeps ? undefined : invalid(grant, `badge ${hex(grant.badge)} is not that of the capability`);
}

function prepareTransfer(spawner: Process, grant: Grant, id: number): Prepared | SpawnRefusal {
  const { table } = spawner;
  const transfer =
    grant.mode === "raw"
      ? table.prepareRawSpawnGrant(id)
      : grant.mode === "move"
        ? table.prepareMoveSpawnGrant(id)
        : table.prepareSpawnGrant(id);
  if (typeof transfer === "string")
    return invalid(grant, `capability ${id} ${LOOKUP_TEXT[transfer] ?? transfer}`);
  return { grant, transfer };
}

function rollback({ spawner }: SpawnRequest, prepared: readonly Prepared[]): void {
  for (const each of prepared) {
    if ("transfer" in each && each.transfer.move) spawner?.table.rollbackMove(each.transfer.sourceId);
  }
}

function commit({ spawner }: SpawnRequest, prepared: readonly Prepared[]): void {
  for (const each of prepared) {
    if (!("transfer" in each) || !each.transfer.move) continue;
    const moved = spawner?.table.commitMove(each.transfer.sourceId);
    if (typeof moved === "object") moved.object.release(moved, spawner);
  }
}

/** Memory, table and CapSet of the new process; all of it is given back when something does not fit. */
function assemble(parts: SpawnParts, request: SpawnRequest, prepared: readonly Prepared[]): SpawnResult {
  const { mmu, frames, limits, id } = parts;
  const ledger = new Ledger(limits);
  const loaded = loadProgram({ mmu, frames, ledger }, parts.plan);
  if (loaded.status !== "ok") return loaded;
  const { memory } = loaded;
  const table = new CapabilityTable<KernelObject>(ledger);
  const name = request.name.slice(0, MAX_NAME_LENGTH);
  const process = new Process({ id, name, binary: request.binary, ledger, table, memory });
  const facets: ResultCap[] = [];
  const refused = furnish(parts, process, prepared, facets);
  if (refused === undefined) return { status: "ok", process, facets };
  for (const hold of table.clear()) hold.object.release(hold, undefined);
  memory.teardown();
  return refused;
}

/** Fills table and CapSet page. */
function furnish(
  parts: SpawnParts,
  process: Process,
  prepared: readonly Prepared[],
  facets: ResultCap[],
): SpawnRefusal | undefined {
  const entries: CapSetEntry[] = [];
  for (const each of prepared) {
    const hold = holdFor(parts, process, each, facets);
    const capId = process.table.insert(hold);
    if (typeof capId === "string") {
      return refuse("overloaded", `grant "${each.grant.name}": ${INSERT_REFUSALS[capId]}`);
    }
    hold.object.hold();
    entries.push({ name: each.grant.name, capId, interfaceId: hold.interfaceId });
  }
  const capSet = buildCapSet(entries);
  if (capSet.status !== "ok") return capSet;
  const page = process.memory.addCapSetPage(capSet.page, "loader: CapSet R--");
  return page.status === "ok" ? undefined : page;
}

function holdFor(
  parts: SpawnParts,
  process: Process,
  each: Prepared,
  facets: ResultCap[],
): Hold<KernelObject> {
  if ("transfer" in each) return each.transfer.hold;
  const { grant } = each;
  if ("mint" in each) {
    const facet = EndpointCapability.clientOf(each.mint);
    return newHold<KernelObject>(facet, grant.interfaceId, {
      mode: "copy",
      badge: each.badge,
      disclosure: each.disclosure,
      origin: "spawnGrant",
    });
  }
  const badge = grant.badge === PRESERVE_BADGE ? 0n : grant.badge;
  const object = sourceObject(parts, process, each.source);
  if (!(object instanceof EndpointCapability)) {
    return newHold(object, grant.interfaceId, { mode: object.mode, badge });
  }
  const { disclosure = parts.disclosure } = grant;
  facets.push({ object: EndpointCapability.clientOf(object.endpoint), terms: { badge, disclosure } });
  return newHold<KernelObject>(object, grant.interfaceId, { mode: object.mode, badge, disclosure });
}

function sourceObject(parts: SpawnParts, process: Process, { create }: KernelSource): KernelObject {
  if (create === "endpoint") {
    return EndpointCapability.ownerOf(new Endpoint(parts.endpointLimits, parts.services.nextScopeId()));
  }
  return create({ services: parts.services, process });
}
