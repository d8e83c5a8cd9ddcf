/**
 * The only door to files of the host that guests can read or change: the stores a scenario names. What is there is
 * read once, when the run starts, so a run stays a function of its inputs; changes are written through when they
 * happen. A path never leaves the folder it was given, and a symbolic link anywhere below it is refused.
 */

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { InputError } from "./input-error.ts";

/** What a store held when the run started. */
export type StoredNode = StoredFile | StoredFolder;
export interface StoredFile {
  readonly kind: "file";
  readonly bytes: Uint8Array;
}
export interface StoredFolder {
  readonly kind: "folder";
  readonly entries: ReadonlyMap<string, StoredNode>;
}

/**
 * Takes the changes of a store, by names from its root down. False when the host refuses.
 */
export interface StorageSink {
  createFile(path: readonly string[]): boolean;
  makeFolder(path: readonly string[]): boolean;
  removeFile(path: readonly string[]): boolean;
  removeFolder(path: readonly string[]): boolean;
  /** Gives a file another name in the same folder; nothing may have that name. */
  renameFile(path: readonly string[], name: string): boolean;
  write(path: readonly string[], offset: number, bytes: Uint8Array): boolean;
  truncate(path: readonly string[], lengthBytes: number): boolean;
  sync(path: readonly string[]): boolean;
}

const NAME_BYTES_MAX = 255;
const DEPTH_MAX = 32;

/** Whether a name can be one entry of a folder: it names nothing above, below or beside it. */
export function isEntryName(name: string): boolean {
  const { length } = new TextEncoder().encode(name);
  if (length === 0 || length > NAME_BYTES_MAX || name === "." || name === "..") return false;
  // A lone surrogate would become another name on the way to the host.
  return !/[/\\\0]/.test(name) && !/\p{Surrogate}/u.test(name);
}

/** Counts what is read, over all of a store. */
class Budget {
  #left: number;
  readonly #limit: number;
  readonly #what: string;

  constructor(limit: number, what: string) {
    this.#left = limit;
    this.#limit = limit;
    this.#what = what;
  }

  spend(lengthBytes: number): void {
    this.#left -= lengthBytes;
    if (this.#left < 0) throw new InputError(`${this.#what}: more than ${this.#limit} bytes; set its "size"`);
  }
}

/** The content of a folder. Throws `InputError`. */
export function loadFolder(path: string, maxBytes: number): StoredFolder {
  const what = kindOf(path);
  if (what !== "folder") throw new InputError(`${path}: it is a ${what}, not a folder`);
  return readFolder(path, new Budget(maxBytes, path), DEPTH_MAX);
}

/** The content of a file. Throws `InputError`. */
export function loadFile(path: string, maxBytes: number): StoredFile {
  const what = kindOf(path);
  if (what !== "file") throw new InputError(`${path}: it is a ${what}, not a file`);
  return readFile(path, new Budget(maxBytes, path));
}

function kindOf(path: string): "file" | "folder" | "symbolic link" | "special file" {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new InputError(`${path}: no such file or folder`);
  if (found.isSymbolicLink()) return "symbolic link";
  return found.isFile() ? "file" : found.isDirectory() ? "folder" : "special file";
}

function readFolder(path: string, budget: Budget, depth: number): StoredFolder {
  if (depth === 0) throw new InputError(`${path}: more than ${DEPTH_MAX} folders deep`);
  const entries = new Map<string, StoredNode>();
  for (const name of readdirSync(path).sort()) {
    const at = join(path, name);
    if (!isEntryName(name))
      throw new InputError(`${path}: the name ${JSON.stringify(name)} is not acceptable`);
    const what = kindOf(at);
    if (what === "file") entries.set(name, readFile(at, budget));
    else if (what === "folder") entries.set(name, readFolder(at, budget, depth - 1));
    else throw new InputError(`${at}: a ${what} in a store is refused`);
  }
  return { kind: "folder", entries };
}

function readFile(path: string, budget: Budget): StoredFile {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    budget.spend(fstatSync(fd).size);
    return { kind: "file", bytes: Uint8Array.from(readFileSync(fd)) };
  } finally {
    closeSync(fd);
  }
}

const WRITE_FLAGS = constants.O_WRONLY | constants.O_NOFOLLOW;
const CREATE_FLAGS = WRITE_FLAGS | constants.O_CREAT | constants.O_EXCL;

/** Writes changes below a folder. */
export function folderSink(root: string): StorageSink {
  /** The host's path, when every name is one and every folder on the way is a folder and no link. */
  const resolve = (path: readonly string[]): string => {
    if (path.length === 0 || !path.every(isEntryName)) throw new InputError("not a path of the store");
    let at = root;
    for (const name of path) {
      if (kindOf(at) !== "folder") throw new InputError("not a folder of the store");
      at = join(at, name);
    }
    return at;
  };
  return {
    ...fileChanges(resolve),
    createFile: (path) => attempt(() => closeSync(openSync(resolve(path), CREATE_FLAGS, 0o666))),
    makeFolder: (path) => attempt(() => mkdirSync(resolve(path))),
    removeFile: (path) => attempt(() => unlinkSync(resolve(path))),
    removeFolder: (path) => attempt(() => rmdirSync(resolve(path))),
    renameFile: (path, name) =>
      attempt(() => {
        const from = resolve(path);
        // A link, and not a rename, because a rename replaces what has the name already.
        linkSync(from, resolve([...path.slice(0, -1), name]));
        unlinkSync(from);
      }),
  };
}

/** Writes changes of one file; there are no other names. */
export function fileSink(file: string): StorageSink {
  const never = (): boolean => false;
  return {
    ...fileChanges(() => file),
    createFile: never,
    makeFolder: never,
    removeFile: never,
    removeFolder: never,
    renameFile: never,
  };
}

function fileChanges(
  resolve: (path: readonly string[]) => string,
): Pick<StorageSink, "write" | "truncate" | "sync"> {
  const withFile = (path: readonly string[], action: (fd: number) => void): boolean =>
    attempt(() => {
      const fd = openSync(resolve(path), WRITE_FLAGS);
      try {
        action(fd);
      } finally {
        closeSync(fd);
      }
    });
  return {
    write: (path, offset, bytes) =>
      withFile(path, (fd) => {
        for (let done = 0; done < bytes.length;) {
          done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
        }
      }),
    truncate: (path, lengthBytes) => withFile(path, (fd) => ftruncateSync(fd, lengthBytes)),
    sync: (path) => withFile(path, (fd) => fsyncSync(fd)),
  };
}

/** A refusal of the host is an answer for the guest, which learns no more than that; what else goes wrong is a bug. */
function attempt(change: () => void): boolean {
  try {
    change();
    return true;
  } catch (error) {
    if (error instanceof InputError || (error instanceof Error && "code" in error)) return false;
    throw error;
  }
}
