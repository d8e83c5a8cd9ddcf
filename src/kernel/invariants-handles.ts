/**
 * The rules of handles: what a capability id may name, which slots may be issued again, which are marked as moving,
 * and whose submissions an endpoint may keep. Each is recomputed; a line begins with the rule's id.
 */

import { hex } from "../mmu/address.ts";
import { MAX_GENERATION } from "./abi.ts";
import type { CapabilityObject, CapabilityTable } from "./capability.ts";
import type { Endpoint } from "./objects/endpoint.ts";
import type { Process } from "./objects/process.ts";

/**
 * KER-43  A slot has a hold, or is listed once for reuse at a generation that was never issued, or is retired at the
 * last generation; an id names its slot only at the slot's own generation.
 */
export function brokenTableRules<T extends CapabilityObject>(
  table: CapabilityTable<T>,
  name: string,
): string[] {
  const broken: string[] = [];
  const { slots, free } = table.layout();
  const listed = new Map<number, number>();
  for (const index of free) listed.set(index, (listed.get(index) ?? 0) + 1);
  for (const [index, { generation, held, moving }] of slots.entries()) {
    const times = listed.get(index) ?? 0;
    const retired = !held && generation === MAX_GENERATION && times === 0;
    const what = `KER-43 slot ${index} of ${name}`;
    if (times !== (held || retired ? 0 : 1)) {
      broken.push(`${what} has ${held ? "a" : "no"} hold and is listed ${times} times for reuse`);
    }
    if (!held && times > 0 && generation === 0) broken.push(`${what} would issue its first id again`);
    if (!held && moving) broken.push(`${what} is empty and marked as moving`);
  }
  for (const index of listed.keys()) {
    if (index >= slots.length)
      broken.push(`KER-43 slot ${index} of ${name} is listed for reuse and does not exist`);
  }
  for (const [id, hold] of table.entries()) {
    if (table.peek(id) !== hold) broken.push(`KER-43 id ${hex(id)} of ${name} does not name its hold`);
  }
  return broken;
}

/** KER-44  A capability is marked as moving exactly while a transfer on its way names it. */
export function brokenMoveRules(processes: readonly Process[], endpoints: Iterable<Endpoint>): string[] {
  const broken: string[] = [];
  const moving = new Map<Process, number[]>();
  for (const { queue } of endpoints) {
    for (const { transfers } of queue) {
      const ids = transfers.items.filter(({ move }) => move).map(({ sourceId }) => sourceId);
      moving.set(transfers.source, [...(moving.get(transfers.source) ?? []), ...ids]);
    }
  }
  for (const process of processes) {
    const marked = process.table.layout().slots.filter((slot) => slot.moving).length;
    const named = moving.get(process) ?? [];
    if (new Set(named).size !== named.length) {
      broken.push(`KER-44 a capability of process ${process.id} is on its way twice`);
    }
    if (marked !== named.length) {
      broken.push(
        `KER-44 process ${process.id} has ${marked} capabilities marked as moving, ${named.length} are on their way`,
      );
    }
  }
  return broken;
}

/** KER-46  A call waits in a queue only while nobody receives, or as many calls as may be are in flight. */
export function brokenDeliveryRules(endpoints: Iterable<Endpoint>): string[] {
  const stuck = [...endpoints].filter((endpoint) => endpoint.nextDelivery() !== undefined);
  return stuck.map(({ queue }) => `KER-46 ${queue.length} calls wait for an endpoint that receives`);
}

/** KER-45  What an endpoint keeps belongs to threads that live: nobody waits for one who is gone. */
export function brokenPartyRules(processes: readonly Process[], endpoints: Iterable<Endpoint>): string[] {
  const living = new Set(processes.flatMap((process) => [...process.threads.values()]));
  const broken: string[] = [];
  for (const { queue, receives, inFlight } of endpoints) {
    const kept = [...queue.map(({ submission }) => submission), ...receives];
    for (const { caller, receiver } of inFlight.values()) {
      kept.push(caller);
      if (!processes.includes(receiver)) broken.push("KER-45 a call is in flight to a process that is gone");
    }
    for (const { thread } of kept) {
      if (!living.has(thread))
        broken.push(`KER-45 an endpoint keeps a submission of thread ${thread.id}, which is gone`);
    }
  }
  return broken;
}
