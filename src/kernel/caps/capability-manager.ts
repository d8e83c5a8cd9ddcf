/**
 * CapabilityManager: a parent's view of its child's capability table. Not transferable; it dies with the
 * child. Touches KER-5. Revoking reaches every copy of the capability, so an endpoint nobody can receive from any
 * more closes, and so does an end of a pipe: who waits on the other side learns it.
 *
 * revoke: invalidArgument when the id names no live slot of the child.
 */

import { defineInterface, refuse } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { Process } from "../objects/process.ts";
import { CapabilityManager } from "../schema/kernel.ts";

export const CAPABILITY_MANAGER = defineInterface(CapabilityManager).handle<Process>(
  {
    list(child, _context, _params, results) {
      const entries = [...child.table.entries()].filter(([id]) => typeof child.table.get(id) !== "string");
      const list = results._initCapabilities(entries.length);
      for (const [i, [id, hold]] of entries.entries()) {
        const info = list.get(i);
        info.id = id;
        info.interfaceId = hold.interfaceId;
        info.label = hold.object.label;
      }
    },
    revoke(child, _context, params) {
      const hold = child.table.get(params.capId);
      if (typeof hold === "string") {
        return refuse("invalidArgument", `capability ${params.capId} of the process is not live`);
      }
      child.table.revokeObject(hold.object);
      hold.object.revoke();
      return undefined;
    },
  },
  // The published client decodes a message even though there are no result fields.
  { emptyMessage: ["revoke"] },
);

export const capabilityManagerCapability = (child: Process): KernelObject =>
  CAPABILITY_MANAGER.capability(child, {
    label: "capability-manager",
    mode: "none",
    isLive: () => !child.exited,
  });
