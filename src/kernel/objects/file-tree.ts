/**
 * Files and folders of one store, kept in memory. The host, when it keeps a copy, is asked first; what it refuses
 * does not happen here either. Every limit is checked before anything changes.
 */

import { isEntryName } from "../../host-storage.ts";
import type { StorageSink, StoredFolder, StoredNode } from "../../host-storage.ts";
import type { Refusal } from "./claims.ts";
import { refuse } from "./claims.ts";

/** Entries of one folder, so that a listing fits a client's buffer (capos-rt client.rs). */
export const FOLDER_ENTRIES_MAX = 64;
export const FOLDER_DEPTH_MAX = 32;
/** What an entry is charged besides its content: empty ones are not free. */
export const ENTRY_BYTES = 512;

interface NodeBase {
  readonly created: bigint;
  modified: bigint;
  name: string;
  /** Undefined for the root. */
  readonly parent: FolderNode | undefined;
  /** Handles stay; what they name is gone. */
  removed: boolean;
}
export interface FileNode extends NodeBase {
  readonly kind: "file";
  /** The content is the first `length` bytes; zero behind them. */
  data: Uint8Array;
  length: number;
}
export interface FolderNode extends NodeBase {
  readonly kind: "folder";
  readonly entries: Map<string, FileNode | FolderNode>;
}
export type TreeNode = FileNode | FolderNode;

export interface TreeOptions {
  readonly content: StoredNode;
  readonly writable: boolean;
  /** All content and `ENTRY_BYTES` per entry. */
  readonly maxBytes: number;
  readonly sink?: StorageSink | undefined;
  /** Unix time in nanoseconds, for new and changed files. */
  readonly now: () => bigint;
}

const NOTHING = new Uint8Array(0);

/** Fields: `used` = `ENTRY_BYTES` per entry below the root + lengths of all files, at most `maxBytes` (KER-62). */
export class FileTree {
  readonly root: TreeNode;
  readonly writable: boolean;
  readonly maxBytes: number;
  readonly #sink: StorageSink | undefined;
  readonly #now: () => bigint;
  used = 0;

  /** The content counts; when it is larger than the limit, nothing can be added. */
  constructor({ content, writable, maxBytes, sink, now }: TreeOptions) {
    this.writable = writable;
    this.maxBytes = maxBytes;
    this.#sink = sink;
    this.#now = now;
    this.root = this.#adopt(content, "", undefined);
  }

  #adopt(stored: StoredNode, name: string, parent: FolderNode | undefined): TreeNode {
    const base = { name, parent, removed: false, created: 0n, modified: 0n };
    if (parent !== undefined) this.used += ENTRY_BYTES;
    if (stored.kind === "file") {
      this.used += stored.bytes.length;
      // A copy: what was found is the beginning of every run.
      return { ...base, kind: "file", data: stored.bytes.slice(), length: stored.bytes.length };
    }
    const folder: FolderNode = { ...base, kind: "folder", entries: new Map() };
    for (const [each, node] of stored.entries) folder.entries.set(each, this.#adopt(node, each, folder));
    return folder;
  }

  // --- Folders ---------------------------------------------------------------------------------------------------

  /** The entry of this name, or that there is none. */
  find(folder: FolderNode, name: string): TreeNode | Refusal {
    return (
      this.#refuseGone(folder) ?? folder.entries.get(name) ?? refuse("failed", `no entry ${quoted(name)}`)
    );
  }

  createFile(folder: FolderNode, name: string): FileNode | Refusal {
    const refused = this.#refuseNew(folder, name);
    if (refused !== undefined) return refused;
    if (this.#sink?.createFile(pathOf(folder, name)) === false) return NOT_STORED;
    return this.#add(folder, { ...this.#fresh(folder, name), kind: "file", data: NOTHING, length: 0 });
  }

  makeFolder(folder: FolderNode, name: string): FolderNode | Refusal {
    const refused = this.#refuseNew(folder, name);
    if (refused !== undefined) return refused;
    if (depthOf(folder) >= FOLDER_DEPTH_MAX) {
      return refuse("overloaded", `folders are at most ${FOLDER_DEPTH_MAX} deep`);
    }
    if (this.#sink?.makeFolder(pathOf(folder, name)) === false) return NOT_STORED;
    return this.#add(folder, { ...this.#fresh(folder, name), kind: "folder", entries: new Map() });
  }

  #fresh(parent: FolderNode, name: string): NodeBase {
    const now = this.#now();
    return { name, parent, removed: false, created: now, modified: now };
  }

  #add<N extends TreeNode>(folder: FolderNode, node: N): N {
    folder.entries.set(node.name, node);
    this.used += ENTRY_BYTES;
    return node;
  }

  /** Removes a file or an empty folder. */
  remove(folder: FolderNode, name: string): Refusal | undefined {
    const node = this.#refuseChange(folder) ?? this.find(folder, name);
    if ("text" in node) return node;
    if (node.kind === "folder" && node.entries.size > 0) {
      return refuse("failed", `the folder ${quoted(name)} is not empty`);
    }
    const path = pathOf(folder, name);
    const stored = node.kind === "file" ? this.#sink?.removeFile(path) : this.#sink?.removeFolder(path);
    if (stored === false) return NOT_STORED;
    folder.entries.delete(name);
    node.removed = true;
    this.used -= ENTRY_BYTES;
    if (node.kind === "file") this.#empty(node);
    return undefined;
  }

  /** Its content is no longer counted, so it is no longer kept. */
  #empty(file: FileNode): void {
    this.used -= file.length;
    file.data = NOTHING;
    file.length = 0;
  }

  /** Gives a file another name in the same folder. */
  rename(folder: FolderNode, from: string, to: string): Refusal | undefined {
    const node = this.#refuseChange(folder) ?? this.find(folder, from);
    if ("text" in node) return node;
    if (node.kind !== "file") return refuse("failed", `${quoted(from)} is a folder`);
    const refused = refuseName(folder, to);
    if (refused !== undefined) return refused;
    if (this.#sink?.renameFile(pathOf(folder, from), to) === false) return NOT_STORED;
    folder.entries.delete(from);
    folder.entries.set(to, node);
    node.name = to;
    return undefined;
  }

  /** Entries by name, in the order of their code units; the same in every run. */
  list(folder: FolderNode): readonly TreeNode[] | Refusal {
    const sorted = [...folder.entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#refuseGone(folder) ?? sorted;
  }

  // --- Files -----------------------------------------------------------------------------------------------------

  /** Bytes from `offset` on, at most `limit`; none behind the end. */
  read(file: FileNode, offset: bigint, limit: number): Uint8Array | Refusal {
    const refused = this.#refuseGone(file);
    if (refused !== undefined) return refused;
    const from = offset < BigInt(file.length) ? Number(offset) : file.length;
    return file.data.subarray(from, Math.min(file.length, from + limit));
  }

  /** Writes all bytes; a gap behind the end becomes zeros. */
  write(file: FileNode, offset: bigint, bytes: Uint8Array): Refusal | undefined {
    const end = offset + BigInt(bytes.length);
    const refused = this.#refuseChange(file) ?? this.#refuseLength(file, end);
    if (refused !== undefined || bytes.length === 0) return refused;
    if (this.#sink?.write(pathOf(file.parent, file.name), Number(offset), bytes) === false) return NOT_STORED;
    this.#resize(file, Math.max(file.length, Number(end)));
    file.data.set(bytes, Number(offset));
    file.modified = this.#now();
    return undefined;
  }

  /** Makes the file this long: cut, or filled with zeros. */
  truncate(file: FileNode, length: bigint): Refusal | undefined {
    const refused = this.#refuseChange(file) ?? this.#refuseLength(file, length);
    if (refused !== undefined) return refused;
    if (this.#sink?.truncate(pathOf(file.parent, file.name), Number(length)) === false) return NOT_STORED;
    this.#resize(file, Number(length));
    file.modified = this.#now();
    return undefined;
  }

  sync(file: FileNode): Refusal | undefined {
    const refused = this.#refuseGone(file);
    if (refused !== undefined || !this.writable) return refused;
    return this.#sink?.sync(pathOf(file.parent, file.name)) === false ? NOT_STORED : undefined;
  }

  #resize(file: FileNode, length: number): void {
    if (length > file.data.length) {
      const larger = new Uint8Array(Math.min(Math.max(length, file.data.length * 2), this.maxBytes));
      larger.set(file.data);
      file.data = larger;
    }
    if (length < file.length) file.data.fill(0, length, file.length);
    this.used += length - file.length;
    file.length = length;
  }

  // --- Refusals --------------------------------------------------------------------------------------------------

  #refuseGone(node: TreeNode): Refusal | undefined {
    return node.removed ? refuse("failed", `the ${node.kind} was removed`) : undefined;
  }

  #refuseChange(node: TreeNode): Refusal | undefined {
    return this.#refuseGone(node) ?? (this.writable ? undefined : refuse("failed", "the store is read-only"));
  }

  #refuseNew(folder: FolderNode, name: string): Refusal | undefined {
    const refused = this.#refuseChange(folder) ?? refuseName(folder, name);
    if (refused !== undefined) return refused;
    if (folder.entries.size >= FOLDER_ENTRIES_MAX) {
      return refuse("overloaded", `a folder has at most ${FOLDER_ENTRIES_MAX} entries`);
    }
    return this.used + ENTRY_BYTES <= this.maxBytes ? undefined : refuse("overloaded", FULL);
  }

  #refuseLength(file: FileNode, length: bigint): Refusal | undefined {
    const grows = length > BigInt(file.length);
    const fits = length - BigInt(file.length) <= BigInt(this.maxBytes - this.used);
    return grows && !fits ? refuse("overloaded", FULL) : undefined;
  }

  /** Everything a refused call must leave as it was, as text (KER-6). */
  digest(): string {
    const lines: string[] = [`store ${this.used}`];
    const visit = (node: TreeNode, path: string): void => {
      lines.push(`${path}${node.kind === "file" ? ` ${node.length} ${node.modified}` : "/"}`);
      if (node.kind === "folder") for (const [name, each] of node.entries) visit(each, `${path}/${name}`);
    };
    visit(this.root, "");
    return lines.join("\n");
  }
}

const FULL = "the store is full";
const NOT_STORED = refuse("failed", "the store could not be changed");
const quoted = (name: string): string => JSON.stringify(name.slice(0, 64));

function refuseName(folder: FolderNode, name: string): Refusal | undefined {
  if (!isEntryName(name)) return refuse("invalidArgument", `${quoted(name)} is no name for an entry`);
  return folder.entries.has(name) ? refuse("failed", `${quoted(name)} exists already`) : undefined;
}

function pathOf(parent: FolderNode | undefined, name: string): readonly string[] {
  const path: string[] = [];
  if (parent !== undefined) path.push(name);
  for (let at = parent; at?.parent !== undefined; at = at.parent) path.unshift(at.name);
  return path;
}

function depthOf(folder: FolderNode): number {
  let depth = 0;
  for (let at: FolderNode | undefined = folder; at !== undefined; at = at.parent) depth++;
  return depth;
}

/** An empty folder, for a store in memory. */
export const EMPTY_FOLDER: StoredFolder = { kind: "folder", entries: new Map() };

/** KER-62  A store counts exactly what it keeps, within its limit or as much as it started with. */
export function brokenTreeRules(tree: FileTree): string[] {
  const broken: string[] = [];
  let used = 0;
  const visit = (node: TreeNode, name: string, parent: FolderNode | undefined): void => {
    if (node.removed) broken.push(`KER-62 ${quoted(name)} is removed and still there`);
    if (node.name !== name || node.parent !== parent) broken.push(`KER-62 ${quoted(name)} is misplaced`);
    if (parent !== undefined) used += ENTRY_BYTES;
    if (node.kind === "file") used += node.length;
    else for (const [each, inner] of node.entries) visit(inner, each, node);
  };
  visit(tree.root, "", undefined);
  if (tree.used !== used) broken.push(`KER-62 the store counts ${tree.used} bytes and keeps ${used}`);
  return broken;
}
