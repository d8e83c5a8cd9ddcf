/**
 * Directory: a folder of a store and what is below it, never what is above. Copied freely when it can only be read,
 * else bound to its process.
 *
 * All methods: failed when the folder was removed, when there is no such entry or one of the other kind; those that
 * change something: failed on a read-only store, invalidArgument for a name that cannot be an entry, failed when the
 * name is taken, overloaded when folder or store are full. open, mkdir, sub: -3 or overloaded when the capability
 * cannot be returned, before anything changes. list: -3 when the entries do not fit.
 */

import type { CallContext, Reply } from "../call.ts";
import { defineInterface, refuse, withCaps } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { Refusal } from "../objects/claims.ts";
import type { FileNode, FileTree, FolderNode, TreeNode } from "../objects/file-tree.ts";
import { Directory } from "../schema/kernel.ts";
import { fileCapability, storageReply } from "./file.ts";

interface OpenFolder {
  readonly tree: FileTree;
  readonly folder: FolderNode;
}

const OPEN_CREATE = 1;
const OPEN_TRUNCATE = 2;
const OPEN_APPEND = 4;
const OPEN_FLAGS = OPEN_CREATE | OPEN_TRUNCATE | OPEN_APPEND;

/** The file that `open` is to give, made or emptied as the flags say. */
function openFile({ tree, folder }: OpenFolder, name: string, flags: number): FileNode | Refusal {
  if ((flags & (OPEN_TRUNCATE | OPEN_APPEND)) !== 0 && !tree.writable) {
    return { status: "failed", text: "the store is read-only" };
  }
  const found = tree.find(folder, name);
  const missing = "text" in found && !folder.removed;
  if (missing && (flags & OPEN_CREATE) !== 0) return tree.createFile(folder, name);
  if ("text" in found) return found;
  if (found.kind !== "file") return { status: "failed", text: "it is a folder" };
  return (flags & OPEN_TRUNCATE) === 0 ? found : (tree.truncate(found, 0n) ?? found);
}

/** Answers with the capability of a folder, once it is there. */
function folderReply(context: CallContext, tree: FileTree, make: () => TreeNode | Refusal): Reply {
  const refused = context.refuseCaps(1);
  if (refused !== undefined) return refused;
  const node = make();
  if ("text" in node) return storageReply(node);
  if (node.kind !== "folder") return refuse("failed", "it is a file");
  return withCaps({ object: directoryCapability(tree, node) });
}

export const DIRECTORY = defineInterface(Directory).handle<OpenFolder>({
  open(at, context, { name, flags }) {
    const unknown = (flags & ~OPEN_FLAGS) !== 0;
    const refused = unknown ? refuse("invalidArgument", `unknown flags ${flags}`) : context.refuseCaps(1);
    if (refused !== undefined) return refused;
    const file = openFile(at, name, flags);
    if ("text" in file) return storageReply(file);
    return withCaps({ object: fileCapability(at.tree, file, (flags & OPEN_APPEND) !== 0) });
  },
  list({ tree, folder }, _context, _params, results) {
    const nodes = tree.list(folder);
    if ("text" in nodes) return storageReply(nodes);
    const entries = results._initEntries(nodes.length);
    for (const [i, node] of nodes.entries()) {
      const entry = entries.get(i);
      entry.name = node.name;
      entry.size = node.kind === "file" ? BigInt(node.length) : 0n;
      entry.isDir = node.kind === "folder";
    }
    return undefined;
  },
  mkdir({ tree, folder }, context, { name }) {
    return folderReply(context, tree, () => tree.makeFolder(folder, name));
  },
  remove({ tree, folder }, _context, { name }) {
    return storageReply(tree.remove(folder, name));
  },
  sub({ tree, folder }, context, { name }) {
    return folderReply(context, tree, () => tree.find(folder, name));
  },
  create({ tree, folder }, _context, { name }) {
    const made = tree.createFile(folder, name);
    return "text" in made ? storageReply(made) : undefined;
  },
  rename({ tree, folder }, _context, { from, to }) {
    return storageReply(tree.rename(folder, from, to));
  },
});

export const directoryCapability = (tree: FileTree, folder: FolderNode): KernelObject =>
  DIRECTORY.capability({ tree, folder }, { label: "directory", mode: tree.writable ? "none" : "copy" });
