/**
 * File: one file of a store. Copied freely when it can only be read, else bound to its process.
 *
 * All methods: failed when the handle is closed or the file was removed. read: -3 when no byte would fit the result
 * buffer. write, truncate: failed on a read-only store; overloaded when the store is full. close: ends this handle,
 * in whoever's table it is; nothing to refuse.
 */

import { ERR } from "../abi.ts";
import type { Reply } from "../call.ts";
import { defineInterface, refuse } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { Refusal } from "../objects/claims.ts";
import type { FileNode, FileTree } from "../objects/file-tree.ts";
import { File } from "../schema/kernel.ts";
import { dataRoom } from "./result-room.ts";

/** An open file. `append`: writes go to the end, wherever they are asked to go. */
interface FileHandle {
  readonly tree: FileTree;
  readonly file: FileNode;
  readonly append: boolean;
  open: boolean;
}

const CLOSED = refuse("failed", "the file is closed");

/** A refusal of an object as the answer to a call. */
export const storageReply = (refusal: Refusal | undefined): Reply =>
  refusal && refuse(refusal.status, refusal.text);

export const FILE = defineInterface(File).handle<FileHandle>({
  read({ tree, file, open }, { resultLength }, { offset, length }, results) {
    if (!open) return CLOSED;
    const limit = Math.min(length, dataRoom(resultLength));
    if (limit <= 0 && length > 0) return { kind: "transport", code: ERR.invalidResultBuffer };
    const bytes = tree.read(file, offset, limit);
    if ("text" in bytes) return storageReply(bytes);
    results._initData(bytes.length).copyBuffer(bytes);
    return undefined;
  },
  write({ tree, file, append, open }, _context, { offset, data }, results) {
    if (!open) return CLOSED;
    const bytes = data.toUint8Array();
    const refused = tree.write(file, append ? BigInt(file.length) : offset, bytes);
    results.written = bytes.length;
    return storageReply(refused);
  },
  stat({ file, open }, _context, _params, results) {
    if (!open) return CLOSED;
    if (file.removed) return refuse("failed", "the file was removed");
    results.size = BigInt(file.length);
    results.created = file.created;
    results.modified = file.modified;
    return undefined;
  },
  truncate({ tree, file, open }, _context, { length }) {
    return open ? storageReply(tree.truncate(file, length)) : CLOSED;
  },
  sync({ tree, file, open }) {
    return open ? storageReply(tree.sync(file)) : CLOSED;
  },
  close(handle) {
    handle.open = false;
  },
});

export const fileCapability = (tree: FileTree, file: FileNode, append = false): KernelObject =>
  FILE.capability(
    { tree, file, append, open: true },
    { label: "file", mode: tree.writable ? "none" : "copy" },
  );
