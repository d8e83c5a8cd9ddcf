/**
 * Namespace: names bound to hashes, those that begin with a prefix. Copied freely.
 *
 * resolve: failed when the name is not bound. bind: invalidArgument for a name or hash that cannot be, failed on a
 * read-only store, overloaded when there are too many names. list: -3 when the names do not fit. sub: -3 or overloaded
 * when the capability cannot be returned.
 */

import { ERR } from "../abi.ts";
import { defineInterface, refuse, withCaps } from "../call.ts";
import type { KernelObject } from "../object.ts";
import { NAME_BYTES_MAX } from "../objects/name-table.ts";
import type { NameTable } from "../objects/name-table.ts";
import { HASH_BYTES } from "../sha256.ts";
import { Namespace } from "../schema/kernel.ts";
import { storageReply } from "./file.ts";
import { dataRoom } from "./result-room.ts";

interface NameView {
  readonly table: NameTable;
  readonly prefix: string;
}

export const NAMESPACE = defineInterface(Namespace).handle<NameView>({
  resolve({ table, prefix }, { resultLength }, { name }, results) {
    if (dataRoom(resultLength) < HASH_BYTES) return { kind: "transport", code: ERR.invalidResultBuffer };
    const hash = table.resolve(prefix + name);
    if ("text" in hash) return storageReply(hash);
    results._initHash(hash.length).copyBuffer(hash);
    return undefined;
  },
  bind({ table, prefix }, _context, { name, hash }) {
    return storageReply(table.bind(prefix + name, hash.toUint8Array()));
  },
  list({ table, prefix }, _context, _params, results) {
    const names = table.list(prefix);
    const list = results._initNames(names.length);
    for (const [i, name] of names.entries()) list.set(i, name);
  },
  sub(view, context, { prefix }) {
    const whole = view.prefix + prefix;
    if (whole.length > NAME_BYTES_MAX) return refuse("invalidArgument", "no name is as long as this prefix");
    const refused = context.refuseCaps(1);
    return refused ?? withCaps({ object: namespaceCapability(view.table, whole) });
  },
});

export const namespaceCapability = (table: NameTable, prefix = ""): KernelObject =>
  NAMESPACE.capability({ table, prefix }, { label: "namespace", mode: "copy" });
