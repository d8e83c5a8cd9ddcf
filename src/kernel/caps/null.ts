/** The null marker: a capability that is there and can do nothing. */

import { NULL_INTERFACE_ID } from "../abi.ts";
import type { CallOutcome, CallSite } from "../call.ts";
import { refuse } from "../call.ts";
import { KernelObject } from "../object.ts";

const NULL_INTERFACE = { id: NULL_INTERFACE_ID, name: "null", methodName: () => undefined };

export class NullCapability extends KernelObject {
  constructor() {
    super(NULL_INTERFACE, { label: "null", mode: "none" });
  }

  override dispatch(_site: CallSite, method: number): CallOutcome {
    return refuse("unimplemented", `the null capability has no method ${method}`);
  }
}
