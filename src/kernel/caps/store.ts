/**
 * Store: blobs by the hash of their content. Copied freely.
 *
 * put: failed on a read-only store, overloaded when it is full. get: invalidArgument for what is no hash, failed when
 * there is no such blob, -3 when it does not fit. has, delete: invalidArgument; delete: failed.
 */

import { ERR } from "../abi.ts";
import { defineInterface } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { BlobStore } from "../objects/blob-store.ts";
import { hashKey } from "../objects/blob-store.ts";
import { HASH_BYTES } from "../sha256.ts";
import { Store } from "../schema/kernel.ts";
import { storageReply } from "./file.ts";
import { dataRoom } from "./result-room.ts";

const NO_ROOM = { kind: "transport", code: ERR.invalidResultBuffer } as const;

export const STORE = defineInterface(Store).handle<BlobStore>({
  put(store, { resultLength }, { data }, results) {
    if (dataRoom(resultLength) < HASH_BYTES) return NO_ROOM;
    const hash = store.put(data.toUint8Array());
    if ("text" in hash) return storageReply(hash);
    results._initHash(hash.length).copyBuffer(hash);
    return undefined;
  },
  get(store, { resultLength }, { hash }, results) {
    const key = hashKey(hash.toUint8Array());
    const bytes = typeof key === "string" ? store.get(key) : key;
    if ("text" in bytes) return storageReply(bytes);
    if (bytes.length > dataRoom(resultLength)) return NO_ROOM;
    results._initData(bytes.length).copyBuffer(bytes);
    return undefined;
  },
  has(store, _context, { hash }, results) {
    const key = hashKey(hash.toUint8Array());
    if (typeof key !== "string") return storageReply(key);
    results.exists = store.blobs.has(key);
    return undefined;
  },
  delete(store, _context, { hash }) {
    const key = hashKey(hash.toUint8Array());
    return storageReply(typeof key === "string" ? store.delete(key) : key);
  },
});

export const storeCapability = (store: BlobStore): KernelObject =>
  STORE.capability(store, { label: "store", mode: "copy" });
