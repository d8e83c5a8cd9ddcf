/**
 * What a capability points to, as the table, the ring and the call layer see it. An object is bound to one
 * interface; the state behind it (`target`) knows no messages and usually not even this file.
 */

import type { CallOutcome, CallSite } from "./call.ts";
import type { CapabilityObject, Hold, HoldTerms, TransferMode } from "./capability.ts";
import type { Process } from "./objects/process.ts";

/** What differs between capabilities of one interface. */
export interface ObjectProperties {
  /** The kind, as listings show it. */
  readonly label: string;
  /** How a hold of this object may travel when nothing else is said. */
  readonly mode: TransferMode;
  /** Pages charged to the frame grant of every holder. */
  readonly chargedPages?: number;
  /** False once what is behind the object is gone; lookups then answer "revoked". */
  readonly isLive?: () => boolean;
  /** A slot or a transfer on its way begins to name the object. */
  readonly onHeld?: () => void;
  /** The object was made for a result that could not be delivered; no slot ever named it. */
  readonly onDiscarded?: () => void;
  /** Every hold that there is has been revoked: nobody can use the object any more, whoever keeps its slot. */
  readonly onRevoked?: () => void;
  /** A slot or a transfer stops naming it. `holder` is the process whose slot it was. */
  readonly onReleased?: (hold: Hold<KernelObject>, holder: Process | undefined) => void;
}

/** The part of an interface that does not depend on the type of the objects behind it. */
export interface InterfaceInfo {
  readonly id: bigint;
  readonly name: string;
  methodName(method: number): string | undefined;
}

/** A kernel object that capabilities name. Its identity never reaches a guest. */
export abstract class KernelObject implements CapabilityObject {
  readonly interface: InterfaceInfo;
  readonly properties: ObjectProperties;
  /** Slots and prepared transfers that name the object (KER-4). */
  holds = 0;

  constructor(info: InterfaceInfo, properties: ObjectProperties) {
    this.interface = info;
    this.properties = properties;
  }

  get label(): string {
    return this.properties.label;
  }
  get interfaceId(): bigint {
    return this.interface.id;
  }
  get chargedPages(): number {
    return this.properties.chargedPages ?? 0;
  }
  get live(): boolean {
    return this.properties.isLive?.() ?? true;
  }
  get mode(): TransferMode {
    return this.properties.mode;
  }

  /** Runs a method of the interface. The params are still bytes of the guest's making. */
  abstract dispatch(site: CallSite, method: number, params: Uint8Array): CallOutcome;

  hold(): void {
    this.holds++;
    this.properties.onHeld?.();
  }

  /** Nobody ever held it: what it took goes back. */
  discard(): void {
    if (this.holds === 0) this.properties.onDiscarded?.();
  }

  revoke(): void {
    this.properties.onRevoked?.();
  }

  release(hold: Hold<KernelObject>, holder: Process | undefined): void {
    this.holds--;
    this.properties.onReleased?.(hold, holder);
  }
}

/** A capability that a method hands out: the object and the terms of the new hold. */
export interface ResultCap {
  readonly object: KernelObject;
  readonly terms?: HoldTerms;
  /** Other than the object's own: an endpoint facet granted under a service's interface. */
  readonly interfaceId?: bigint;
}
