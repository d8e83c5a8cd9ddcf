/** Boot manifests for tests, made with the generated builders. */

import * as capnp from "capnp-es";
import type { CueValue } from "../../src/kernel/schema/manifest.ts";
import { SystemManifest } from "../../src/kernel/schema/manifest.ts";

/** A value of the configuration of init. */
export type Cue = string | bigint | boolean | null | readonly Cue[] | { readonly [name: string]: Cue };

function fill(value: CueValue, content: Cue): void {
  if (content === null) value.null = true;
  else if (typeof content === "string") value.text = content;
  else if (typeof content === "bigint") value.uintValue = content;
  else if (typeof content === "boolean") value.boolean = content;
  else if (Array.isArray(content)) {
    const list = value._initList(content.length);
    for (const [i, each] of (content as readonly Cue[]).entries()) fill(list.get(i), each);
  } else {
    const entries = Object.entries(content as { readonly [name: string]: Cue });
    const fields = value._initFields(entries.length);
    for (const [i, [name, each]] of entries.entries()) {
      const field = fields.get(i);
      field.name = name;
      fill(field._initValue(), each);
    }
  }
}

export interface ManifestParts {
  readonly binaries: ReadonlyMap<string, Uint8Array>;
  readonly config: Cue;
  readonly motd?: string;
  readonly hostname?: string;
}

export const kernelCap = (name: string, source: string, more: Record<string, Cue> = {}): Cue => ({
  name,
  source: { kernel: source },
  ...more,
});

export function buildManifest({ binaries, config, motd = "", hostname = "" }: ManifestParts): Uint8Array {
  const message = new capnp.Message();
  const root = message.initRoot(SystemManifest);
  root.schemaVersion = 1;
  const list = root._initBinaries(binaries.size);
  for (const [i, [name, bytes]] of [...binaries].entries()) {
    const blob = list.get(i);
    blob.name = name;
    blob._initData(bytes.length).copyBuffer(bytes);
  }
  fill(root._initInitConfig(), config);
  const params = root._initKernelParams();
  params.motd = motd;
  params.hostname = hostname;
  return new Uint8Array(message.toArrayBuffer());
}
