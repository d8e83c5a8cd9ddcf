/** Stores on the host: what is read when a run starts, what is written through, and what never leaves the folder. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StoredNode } from "../src/host-storage.ts";
import { fileSink, folderSink, isEntryName, loadFile, loadFolder } from "../src/host-storage.ts";
import { FileTree } from "../src/kernel/objects/file-tree.ts";
import { BlobStore } from "../src/kernel/objects/blob-store.ts";
import { NameTable } from "../src/kernel/objects/name-table.ts";
import { BlockDevice } from "../src/kernel/objects/block-device.ts";
import { openStores, type StoreFile } from "../src/scenario-stores.ts";
import { parseSize } from "../src/scenario.ts";

let outer = "";
let root = "";
beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), "capjit-store-"));
  root = join(outer, "root");
  mkdirSync(root);
  writeFileSync(join(outer, "secret"), "secret");
});
afterEach(() => rmSync(outer, { recursive: true, force: true }));

const names = (node: StoredNode): unknown =>
  node.kind === "file"
    ? Buffer.from(node.bytes).toString()
    : Object.fromEntries([...node.entries].map(([name, each]) => [name, names(each)]));

describe("reading", () => {
  test("a folder as it is", () => {
    mkdirSync(join(root, "d/e"), { recursive: true });
    writeFileSync(join(root, "b"), "bee");
    writeFileSync(join(root, "d/f"), "");
    expect(names(loadFolder(root, 1000))).toEqual({ b: "bee", d: { e: {}, f: "" } });
    expect([...loadFolder(root, 1000).entries.keys()]).toEqual(["b", "d"]);
  });

  test.each([
    ["to a file", "../secret", "secret"],
    ["to a folder", ".", "self"],
    ["to nothing", "nowhere", "dangling"],
  ])("a symbolic link %s is refused", (_what, target, name) => {
    symlinkSync(target, join(root, name));
    expect(() => loadFolder(root, 1000)).toThrow(/a symbolic link in a store is refused/);
    expect(() => loadFile(join(root, name), 1000)).toThrow(/it is a symbolic link, not a file/);
  });

  test("the folder itself may be none", () => {
    symlinkSync(root, join(outer, "link"));
    expect(() => loadFolder(join(outer, "link"), 1000)).toThrow(/it is a symbolic link, not a folder/);
    expect(() => loadFolder(join(outer, "gone"), 1000)).toThrow(/no such file or folder/);
    expect(() => loadFolder(join(outer, "secret"), 1000)).toThrow(/it is a file, not a folder/);
  });

  test("more than the limit is refused, over all files together", () => {
    writeFileSync(join(root, "a"), "x".repeat(60));
    writeFileSync(join(root, "b"), "x".repeat(60));
    expect(() => loadFolder(root, 119)).toThrow(/more than 119 bytes/);
    expect(loadFolder(root, 120).entries.size).toBe(2);
    expect(() => loadFile(join(root, "a"), 59)).toThrow(/more than 59 bytes/);
  });
});

test("names that are one entry, and names that are not", () => {
  for (const name of ["a", "a.b", "...", " ", "é", "n".repeat(255), "a:b"])
    expect(isEntryName(name)).toBe(true);
  for (const name of ["", ".", "..", "a/b", "/", "a\\b", "\0", "é".repeat(128), "\ud800"]) {
    expect([name, isEntryName(name)]).toEqual([name, false]);
  }
});

describe("writing through", () => {
  const tree = () =>
    new FileTree({
      content: loadFolder(root, 10_000),
      writable: true,
      maxBytes: 10_000,
      sink: folderSink(root),
      now: () => 0n,
    });
  const folderOf = (of: FileTree) => {
    if (of.root.kind !== "folder") throw new Error("the root is a file");
    return of.root;
  };

  test("changes of a tree are on the host at once, and there in the next run", () => {
    const first = tree();
    const top = folderOf(first);
    const made = first.createFile(top, "f");
    const sub = first.makeFolder(top, "d");
    if ("text" in made || "text" in sub) throw new Error("refused");
    expect(first.write(made, 2n, Buffer.from("abc"))).toBeUndefined();
    const inner = first.createFile(sub, "g");
    if ("text" in inner) throw new Error("refused");
    first.write(inner, 0n, Buffer.from("12345"));
    first.truncate(inner, 2n);
    first.sync(inner);
    expect(first.rename(sub, "g", "h")).toBeUndefined();
    expect(names(loadFolder(root, 10_000))).toEqual({ f: "\0\0abc", d: { h: "12" } });
    const second = tree();
    expect(second.remove(folderOf(second), "f")).toBeUndefined();
    expect(readdirSync(root)).toEqual(["d"]);
  });

  test("what the host refuses does not happen", () => {
    const store = tree();
    writeFileSync(join(root, "late"), "theirs");
    const before = store.digest();
    expect(store.createFile(folderOf(store), "late")).toMatchObject({
      status: "failed",
      text: "the store could not be changed",
    });
    expect(store.digest()).toBe(before);
    expect(readFileSync(join(root, "late"), "utf8")).toBe("theirs");
    store.createFile(folderOf(store), "mine");
    expect(store.rename(folderOf(store), "mine", "late")).toMatchObject({ status: "failed" });
    expect(readFileSync(join(root, "late"), "utf8")).toBe("theirs");
    expect(existsSync(join(root, "mine"))).toBe(true);
  });

  test("a link that appears during the run is not followed", () => {
    const store = tree();
    const d = store.makeFolder(folderOf(store), "d");
    const f = store.createFile(folderOf(store), "f");
    if ("text" in d || "text" in f) throw new Error("refused");
    rmSync(join(root, "f"));
    symlinkSync(join(outer, "secret"), join(root, "f"));
    expect(store.write(f, 0n, Buffer.from("x"))).toMatchObject({ status: "failed" });
    expect(store.truncate(f, 0n)).toMatchObject({ status: "failed" });
    rmSync(join(root, "d"), { recursive: true });
    symlinkSync(outer, join(root, "d"));
    expect(store.createFile(d, "new")).toMatchObject({ status: "failed" });
    expect(readFileSync(join(outer, "secret"), "utf8")).toBe("secret");
    expect(readdirSync(outer).sort()).toEqual(["root", "secret"]);
  });

  test("the sink itself refuses paths that leave the folder", () => {
    const sink = folderSink(root);
    for (const path of [[], [".."], ["..", "x"], ["a", "..", "..", "x"], ["../x"], ["/etc/x"], ["a\0b"]]) {
      expect(sink.createFile(path)).toBe(false);
      expect(sink.makeFolder(path)).toBe(false);
      expect(sink.write(path, 0, Buffer.from("x"))).toBe(false);
      expect(sink.removeFile(path)).toBe(false);
    }
    writeFileSync(join(root, "f"), "x");
    expect(sink.renameFile(["f"], "../stolen")).toBe(false);
    expect(readdirSync(outer).sort()).toEqual(["root", "secret"]);
    expect(readdirSync(root)).toEqual(["f"]);
  });

  test("blobs, names and blocks", () => {
    const place = { content: loadFolder(root, 1000), writable: true, maxBytes: 1000, sink: folderSink(root) };
    const blobs = new BlobStore(place);
    const hash = blobs.put(Buffer.from("abc"));
    if ("text" in hash) throw new Error("refused");
    const [name] = readdirSync(root);
    expect(name).toBe(Buffer.from(hash).toString("hex"));
    expect(new BlobStore({ ...place, content: loadFolder(root, 1000) }).blobs.size).toBe(1);
    blobs.delete(name ?? "");
    expect(readdirSync(root)).toEqual([]);

    const table = new NameTable(place);
    table.bind("../secret", hash);
    table.bind(
      "../secret",
      hash.map((byte) => byte ^ 1),
    );
    expect(readdirSync(root)).toEqual([Buffer.from("../secret").toString("hex")]);
    const again = new NameTable({ ...place, content: loadFolder(root, 1000) });
    expect([...again.names]).toEqual([...table.names]);

    const disk = join(outer, "disk");
    writeFileSync(disk, new Uint8Array(1024));
    const device = new BlockDevice(loadFile(disk, 2000).bytes, true, fileSink(disk));
    device.write(1n, 1, new Uint8Array(512).fill(9));
    expect(device.flush()).toBeUndefined();
    expect([...readFileSync(disk).subarray(510, 514)]).toEqual([0, 0, 9, 9]);
    expect(statSync(disk).size).toBe(1024);
  });
});

describe("stores of a scenario file", () => {
  const openOne = (source: string, store: StoreFile) =>
    openStores({ [source]: store }, { file: "s.json", folder: outer, parseSize }).get(source);

  test("in memory: writable, with the files it names", () => {
    const store = openOne("directory", { files: { a: "x" } });
    expect([store?.writable, store?.maxBytes, store?.sink]).toEqual([true, 1 << 20, undefined]);
    expect(names(store?.content ?? { kind: "folder", entries: new Map() })).toEqual({ a: "x" });
    expect(openOne("blockDevice", { size: "4KiB", text: "boot" })?.content).toMatchObject({ kind: "file" });
    expect(openOne("file", { text: "abc", writable: false })?.writable).toBe(false);
  });

  test("on the host: changed only when the scenario says so", () => {
    expect(openOne("directory", { path: "root" })).toMatchObject({ writable: false, sink: undefined });
    expect(openOne("directory", { path: "root", writable: true })?.sink).toBeDefined();
    expect(openOne("file", { path: "secret" })?.content).toMatchObject({ kind: "file" });
  });

  test.each<[string, string, StoreFile, RegExp]>([
    [
      "a read-only source made writable",
      "readOnlyFsRoot",
      { writable: true },
      /\$\.stores\.readOnlyFsRoot: .*read-only/,
    ],
    ["a writable root that is not", "writableFsRoot", { path: "root" }, /say "writable": true/],
    ["a path and files", "directory", { path: "root", files: {} }, /exclude each other/],
    ["files of a device", "blockDevice", { files: {} }, /it has no files/],
    ["text of a folder", "directory", { text: "x" }, /it has no text/],
    ["a name that leads away", "directory", { files: { "../x": "" } }, /is no name for a file/],
    ["too large", "directory", { size: "65MiB" }, /at most 67108864 bytes/],
    ["a folder for a file", "file", { path: "root" }, /it is a folder, not a file/],
    ["an unknown source", "console", {}, /not a source of storage/],
  ])("%s is refused", (_what, source, store, text) => {
    expect(() => openOne(source, store)).toThrow(text);
  });
});
