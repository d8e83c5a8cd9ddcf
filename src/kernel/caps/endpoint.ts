/**
 * Endpoint: authority to receive calls (owner) or to make them (client facet). No methods: ring operations only.
 * An owner capability is not transferable, but the spawner grants it raw; any number of holders share it, and the
 * endpoint closes when the last one is gone. A client facet carries its interface id and badge on the hold.
 * Touches KER-4, KER-5, KER-41.
 */

import type { CallOutcome, CallSite } from "../call.ts";
import { defineInterface, refuse } from "../call.ts";
import { KernelObject } from "../object.ts";
import type { Endpoint } from "../objects/endpoint.ts";
import type { Process } from "../objects/process.ts";
import { Endpoint as EndpointSchema } from "../schema/kernel.ts";

export const ENDPOINT = defineInterface(EndpointSchema).handle<Endpoint>({});

/** One of the two facets. Every minted client facet is an object of its own, so it can be revoked alone. */
export class EndpointCapability extends KernelObject {
  readonly endpoint: Endpoint;
  readonly owner: boolean;

  private constructor(endpoint: Endpoint, owner: boolean) {
    super(ENDPOINT, {
      label: owner ? "endpoint" : "endpoint-client",
      mode: owner ? "none" : "copy",
      isLive: () => !endpoint.closed,
      onReleased: (_hold, holder) => {
        if (owner) this.#ownerReleased(holder);
      },
      onRevoked: () => {
        if (owner) endpoint.close();
      },
      onDiscarded: () => {
        if (owner) endpoint.close();
      },
    });
    this.endpoint = endpoint;
    this.owner = owner;
  }

  static ownerOf(endpoint: Endpoint): EndpointCapability {
    return new EndpointCapability(endpoint, true);
  }
  static clientOf(endpoint: Endpoint): EndpointCapability {
    return new EndpointCapability(endpoint, false);
  }

  #ownerReleased(holder: Process | undefined): void {
    if (this.holds === 0) return this.endpoint.close();
    const stillOwner =
      holder !== undefined && [...holder.table.entries()].some(([, { object }]) => object === this);
    if (holder !== undefined && !stillOwner) this.endpoint.dropReceiver(holder);
  }

  /** Calls to endpoints are queued by the CALL operation and never get here. */
  override dispatch(_site: CallSite, method: number): CallOutcome {
    return refuse("unimplemented", `Endpoint has no method ${method}`);
  }
}
