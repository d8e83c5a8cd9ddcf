/**
 * EntropySource: authority to draw random bytes. Copied freely. The bytes come from the run's seed.
 *
 * fill: what does not fit the result buffer is `unavailable` and draws nothing.
 */

import { defineInterface } from "../call.ts";
import type { KernelObject } from "../object.ts";
import { EntropySource, EntropyStatus } from "../schema/kernel.ts";
import { dataRoom } from "./result-room.ts";

export const ENTROPY_SOURCE = defineInterface(EntropySource).handle<null>({
  fill(_source, { services, resultLength }, { bytes }, results) {
    if (bytes > dataRoom(resultLength)) {
      results.status = EntropyStatus.UNAVAILABLE;
      return;
    }
    const random = new Uint8Array(bytes);
    services.inputs.entropy.fill(random);
    results._initData(bytes).copyBuffer(random);
  },
});

export const entropySourceCapability = (): KernelObject =>
  ENTROPY_SOURCE.capability(null, { label: "entropy-source", mode: "copy" });
