/**
 * The stores of a run: what the scenario put behind the kernel sources of storage, and nothing else. All capabilities
 * of one source, whoever holds them, show the same store.
 */

import type { Clock } from "../host-inputs.ts";
import type { StorageSink, StoredNode } from "../host-storage.ts";
import { BLOCK_DEVICE, blockDeviceCapability } from "./caps/block-device.ts";
import { DIRECTORY, directoryCapability } from "./caps/directory.ts";
import { FILE, fileCapability } from "./caps/file.ts";
import { NAMESPACE, namespaceCapability } from "./caps/namespace.ts";
import { STORE, storeCapability } from "./caps/store.ts";
import type { InterfaceInfo, KernelObject } from "./object.ts";
import { BlobStore, brokenBlobRules } from "./objects/blob-store.ts";
import { BlockDevice } from "./objects/block-device.ts";
import { brokenTreeRules, FileTree } from "./objects/file-tree.ts";
import { brokenNameRules, NameTable } from "./objects/name-table.ts";
import type { KernelSource } from "./sources.ts";

/** What is behind a source. */
export interface StoreSpec {
  readonly content: StoredNode;
  readonly writable: boolean;
  readonly maxBytes: number;
  /** Where changes go as well. */
  readonly sink?: StorageSink | undefined;
}

/** One opened store: capabilities for it, and its checks. */
interface OpenStore {
  readonly capability: () => KernelObject;
  readonly brokenRules: () => string[];
  readonly digest: () => string;
}
interface StoreKind {
  readonly info: InterfaceInfo;
  /** What has to be behind it. */
  readonly content: StoredNode["kind"];
  readonly readOnly: boolean;
  readonly open: (spec: StoreSpec, clock: Clock) => OpenStore;
}

function openTree(spec: StoreSpec, clock: Clock): OpenStore {
  const tree = new FileTree({ ...spec, now: () => clock.wallNs() });
  const { root } = tree;
  return {
    capability: () => (root.kind === "file" ? fileCapability(tree, root) : directoryCapability(tree, root)),
    brokenRules: () => brokenTreeRules(tree),
    digest: () => tree.digest(),
  };
}

function openBlobs(spec: StoreSpec): OpenStore {
  const store = new BlobStore(spec);
  return {
    capability: () => storeCapability(store),
    brokenRules: () => brokenBlobRules(store),
    digest: () => store.digest(),
  };
}

function openNames(spec: StoreSpec): OpenStore {
  const table = new NameTable(spec);
  return {
    capability: () => namespaceCapability(table),
    brokenRules: () => brokenNameRules(table),
    digest: () => table.digest(),
  };
}

function openDevice({ content, writable, sink }: StoreSpec): OpenStore {
  const bytes = content.kind === "file" ? content.bytes : new Uint8Array(0);
  const device = new BlockDevice(bytes, writable, sink);
  return {
    capability: () => blockDeviceCapability(device),
    brokenRules: () => [],
    digest: () => device.digest(),
  };
}

const kind = (
  info: InterfaceInfo,
  content: StoreKind["content"],
  open: StoreKind["open"],
  readOnly = false,
): StoreKind => ({ info, content, open, readOnly });

/** The kernel sources that need a store. */
export const STORE_KINDS: ReadonlyMap<string, StoreKind> = new Map<string, StoreKind>([
  ["file", kind(FILE, "file", openTree)],
  ["directory", kind(DIRECTORY, "folder", openTree)],
  ["store", kind(STORE, "folder", openBlobs)],
  ["namespace", kind(NAMESPACE, "folder", openNames)],
  ["blockDevice", kind(BLOCK_DEVICE, "file", openDevice)],
  ["readOnlyFsRoot", kind(DIRECTORY, "folder", openTree, true)],
  ["persistentStore", kind(STORE, "folder", openBlobs)],
  ["writableFsRoot", kind(DIRECTORY, "folder", openTree)],
  ["blockDeviceTarget", kind(BLOCK_DEVICE, "file", openDevice)],
  ["installableImageSource", kind(DIRECTORY, "folder", openTree, true)],
]);

/** Fields: `#open` = the stores of the run by source; those without one do not exist. */
export class Storage {
  readonly #open = new Map<string, OpenStore>();

  constructor(stores: ReadonlyMap<string, StoreSpec>, clock: Clock) {
    for (const [source, spec] of stores) {
      const found = STORE_KINDS.get(source);
      if (found === undefined) continue;
      this.#open.set(source, found.open({ ...spec, writable: spec.writable && !found.readOnly }, clock));
    }
  }

  sources(): readonly (readonly [string, KernelSource])[] {
    return [...STORE_KINDS].flatMap(([name, { info }]) => {
      const store = this.#open.get(name);
      return store === undefined ? [] : [[name, { interfaceId: info.id, create: store.capability }] as const];
    });
  }

  /** KER-62 to KER-64. */
  brokenRules(): string[] {
    return [...this.#open.values()].flatMap((store) => store.brokenRules());
  }

  digest(): string {
    return [...this.#open.values()].map((store) => store.digest()).join("\n");
  }
}
