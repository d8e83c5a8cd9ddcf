/** Storage: files, directories, stores, namespaces and block devices, through messages. */

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { StoredNode } from "../../../src/host-storage.ts";
import { BLOCK_BYTES } from "../../../src/kernel/objects/block-device.ts";
import { BlobStore, brokenBlobRules } from "../../../src/kernel/objects/blob-store.ts";
import {
  brokenTreeRules,
  EMPTY_FOLDER,
  ENTRY_BYTES,
  FileTree,
} from "../../../src/kernel/objects/file-tree.ts";
import { brokenNameRules, NAMES_MAX, NameTable } from "../../../src/kernel/objects/name-table.ts";
import { BlockDevice, Directory, File, Namespace, Store } from "../../../src/kernel/schema/kernel.ts";
import type { StoreSpec } from "../../../src/kernel/storage.ts";
import type { TestGuest } from "./support.ts";
import { TestKernel } from "./support.ts";

const FAILED = 0;
const OVERLOADED = 1;
const INVALID = 4;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (data: { toUint8Array(): Uint8Array }): string =>
  new TextDecoder().decode(data.toUint8Array());
const file = (text: string): StoredNode => ({ kind: "file", bytes: bytesOf(text) });

function open(source: string, spec: Partial<StoreSpec> = {}) {
  const store = { content: EMPTY_FOLDER, writable: true, maxBytes: 1 << 20, ...spec };
  const machine = new TestKernel({ stores: new Map([[source, store]]) });
  const guest = machine.spawn();
  const made = machine.kernel.sources.byName.get(source)?.create;
  if (typeof made !== "function") throw new Error(`no source ${source}`);
  const cap = guest.give(made({ services: machine.kernel, process: guest.process }));
  /** Refused with this type, and nothing changed. */
  const refused = (call: () => { readonly exception: { readonly type: number } | undefined }): number => {
    const before = machine.kernel.digest();
    const { exception } = call();
    expect(machine.kernel.digest()).toBe(before);
    expect(exception).toBeDefined();
    return exception?.type ?? -1;
  };
  return { machine, guest, cap, refused };
}

function directory(guest: TestGuest, cap: number) {
  const [openFile, list, mkdir, remove, sub, create, rename] = Directory.Client.methods;
  const named = (name: string) => (params: { name: string }) => void (params.name = name);
  return {
    open: (name: string, flags = 0) =>
      guest.call(cap, openFile, (params) => Object.assign(params, { name, flags }), 24_576),
    list: () =>
      guest
        .call(cap, list, undefined, 24_576)
        .results.entries.toArray()
        .map(({ name, size, isDir }) => (isDir ? `${name}/` : `${name} ${size}`)),
    mkdir: (name: string) => guest.call(cap, mkdir, named(name), 24_576),
    remove: (name: string) => guest.call(cap, remove, named(name)),
    sub: (name: string) => guest.call(cap, sub, named(name), 24_576),
    create: (name: string) => guest.call(cap, create, named(name)),
    rename: (from: string, to: string) =>
      guest.call(cap, rename, (params) => Object.assign(params, { from, to })),
  };
}

function opened(guest: TestGuest, answer: { readonly records: readonly { readonly capId: number }[] }) {
  const [read, write, stat, truncate, sync, close] = File.Client.methods;
  const cap = answer.records[0]?.capId ?? -1;
  return {
    cap,
    read: (offset: bigint, length: number, room = 1024) =>
      guest.call(cap, read, (params) => Object.assign(params, { offset, length }), room),
    write: (offset: bigint, text: string) =>
      guest.call(cap, write, (params) => {
        params.offset = offset;
        params._initData(text.length).copyBuffer(bytesOf(text));
      }),
    stat: () => guest.call(cap, stat),
    truncate: (length: bigint) => guest.call(cap, truncate, (params) => Object.assign(params, { length })),
    sync: () => guest.call(cap, sync),
    close: () => guest.call(cap, close),
  };
}

describe("Directory and File", () => {
  test("a file is made, written, read, appended to and cut", () => {
    const { guest, cap } = open("directory");
    const root = directory(guest, cap);
    const first = opened(guest, root.open("a", 1));
    expect(first.write(0n, "hello").results.written).toBe(5);
    expect(first.write(8n, "!").results.written).toBe(1);
    expect(textOf(first.read(0n, 100).results.data)).toBe("hello\0\0\0!");
    expect(textOf(first.read(1n, 3).results.data)).toBe("ell");
    expect(textOf(first.read(9n, 3).results.data)).toBe("");
    expect(textOf(first.read((1n << 64n) - 1n, 3).results.data)).toBe("");
    const appending = opened(guest, root.open("a", 4));
    expect(appending.write(0n, "?").results.written).toBe(1);
    expect(first.stat().results.size).toBe(10n);
    expect(first.truncate(2n).result).toBe(0);
    expect(first.truncate(4n).result).toBe(0);
    expect(textOf(first.read(0n, 100).results.data)).toBe("he\0\0");
    expect(first.sync().result).toBe(0);
    expect(root.list()).toEqual(["a 4"]);
    const emptied = opened(guest, root.open("a", 2));
    expect(emptied.stat().results.size).toBe(0n);
  });

  test("a read takes no more than the result buffer holds", () => {
    const { guest, cap } = open("directory", {
      content: { kind: "folder", entries: new Map([["f", file("x".repeat(200))]]) },
    });
    const f = opened(guest, directory(guest, cap).open("f"));
    expect(f.read(0n, 200, 96).results.data.length).toBe(64);
    expect(f.read(0n, 200, 32).result).toBe(-3);
  });

  test("times are those of the run's clock; what was there before has none", () => {
    const { machine, guest, cap } = open("directory", {
      content: { kind: "folder", entries: new Map([["old", file("x")]]) },
    });
    const root = directory(guest, cap);
    const old = opened(guest, root.open("old"));
    expect([old.stat().results.created, old.stat().results.modified]).toEqual([0n, 0n]);
    const made = opened(guest, root.open("new", 1));
    const { created } = made.stat().results;
    machine.advance(1_000);
    made.write(0n, "x");
    expect(made.stat().results.modified).toBe(created + 1_000n);
  });

  test("folders nest, and a name never leads out of one", () => {
    const { guest, cap, refused } = open("directory");
    const root = directory(guest, cap);
    const inner = directory(guest, root.mkdir("d").records[0]?.capId ?? -1);
    opened(guest, inner.open("f", 1)).write(0n, "abc");
    expect(root.list()).toEqual(["d/"]);
    const again = directory(guest, root.sub("d").records[0]?.capId ?? -1);
    expect(again.list()).toEqual(["f 3"]);
    for (const name of ["..", ".", "", "../d", "d/f", "/d", "a\\b", "a\0b", "n".repeat(256)]) {
      expect([name, refused(() => root.open(name, 1))]).toEqual([name, INVALID]);
      expect([name, refused(() => inner.create(name))]).toEqual([name, INVALID]);
      expect([name, refused(() => inner.mkdir(name))]).toEqual([name, INVALID]);
      expect([name, refused(() => inner.rename("f", name))]).toEqual([name, INVALID]);
      expect([name, refused(() => inner.sub(name))]).toEqual([name, FAILED]);
      expect([name, refused(() => inner.remove(name))]).toEqual([name, FAILED]);
    }
    expect(root.mkdir("n".repeat(255)).result).toBeGreaterThan(0);
  });

  test("names that are taken, missing, of the other kind, or of a folder with entries", () => {
    const { guest, cap, refused } = open("directory");
    const root = directory(guest, cap);
    root.mkdir("d");
    root.create("f");
    root.create("g");
    expect(refused(() => root.create("f"))).toBe(FAILED);
    expect(refused(() => root.mkdir("f"))).toBe(FAILED);
    expect(refused(() => root.rename("f", "g"))).toBe(FAILED);
    expect(refused(() => root.rename("x", "y"))).toBe(FAILED);
    expect(refused(() => root.rename("d", "e"))).toBe(FAILED);
    expect(refused(() => root.open("x"))).toBe(FAILED);
    expect(refused(() => root.open("d"))).toBe(FAILED);
    expect(refused(() => root.open("f", 8))).toBe(INVALID);
    expect(refused(() => root.sub("f"))).toBe(FAILED);
    directory(guest, root.sub("d").records[0]?.capId ?? -1).create("x");
    expect(refused(() => root.remove("d"))).toBe(FAILED);
    expect(root.rename("f", "h").result).toBe(0);
    expect(root.list()).toEqual(["d/", "g 0", "h 0"]);
  });

  test("handles outlive what they name, and do nothing then", () => {
    const { guest, cap, refused } = open("directory");
    const root = directory(guest, cap);
    const f = opened(guest, root.open("f", 1));
    f.write(0n, "abc");
    const d = directory(guest, root.mkdir("d").records[0]?.capId ?? -1);
    root.remove("f");
    root.remove("d");
    expect(refused(() => f.read(0n, 1))).toBe(FAILED);
    expect(refused(() => f.write(0n, "x"))).toBe(FAILED);
    expect(refused(() => f.stat())).toBe(FAILED);
    expect(refused(() => d.create("x"))).toBe(FAILED);
    expect(refused(() => d.open("x", 1))).toBe(FAILED);
    const other = opened(guest, root.open("g", 1));
    expect(other.close().result).toBe(0);
    expect(refused(() => other.write(0n, "x"))).toBe(FAILED);
    expect(opened(guest, root.open("g")).write(0n, "x").results.written).toBe(1);
  });

  test("a store that is full, and one too many entries, change nothing", () => {
    const { guest, cap, refused } = open("directory", { maxBytes: 65 * ENTRY_BYTES + 100 });
    const root = directory(guest, cap);
    for (let i = 0; i < 64; i++) expect(root.create(`f${i}`).result).toBe(0);
    expect(refused(() => root.create("more"))).toBe(OVERLOADED);
    expect(refused(() => root.open("more", 1))).toBe(OVERLOADED);
    const f = opened(guest, root.open("f0"));
    const room = ENTRY_BYTES + 100;
    expect(refused(() => f.truncate(BigInt(room + 1)))).toBe(OVERLOADED);
    expect(refused(() => f.truncate((1n << 64n) - 1n))).toBe(OVERLOADED);
    expect(refused(() => f.write((1n << 64n) - 1n, "x"))).toBe(OVERLOADED);
    expect(f.truncate(BigInt(room)).result).toBe(0);
    const other = opened(guest, root.open("f1"));
    expect(refused(() => other.write(0n, "x"))).toBe(OVERLOADED);
    root.remove("f0");
    expect(opened(guest, root.open("f1")).write(0n, "x").results.written).toBe(1);
    expect(root.list()).toHaveLength(63);
  });

  test("folders nest only so deep", () => {
    const { guest, cap, refused } = open("directory");
    let at = directory(guest, cap);
    for (let depth = 1; depth < 32; depth++) at = directory(guest, at.mkdir("d").records[0]?.capId ?? -1);
    expect(refused(() => at.mkdir("d"))).toBe(OVERLOADED);
    expect(at.create("f").result).toBe(0);
  });

  test("a capability that cannot be returned is refused before a file is made", () => {
    const { guest, cap, refused } = open("directory");
    const [openFile, , mkdir] = Directory.Client.methods;
    const root = directory(guest, cap);
    const little = (method: typeof openFile | typeof mkdir) =>
      guest.call(cap, method as typeof mkdir, (params) => void (params.name = "x"), 24).result;
    expect([little(openFile), little(mkdir)]).toEqual([-3, -3]);
    while (guest.process.table.preflight(1, 0) === undefined) root.open("f", 1);
    expect(refused(() => root.open("g", 1))).toBe(OVERLOADED);
    expect(refused(() => root.mkdir("d"))).toBe(OVERLOADED);
    expect(root.list()).toEqual(["f 0"]);
  });

  test("a read-only store, and one that a source makes read-only", () => {
    const content: StoredNode = {
      kind: "folder",
      entries: new Map([
        ["f", file("abc")],
        ["d", EMPTY_FOLDER],
      ]),
    };
    for (const { guest, cap, refused } of [
      open("directory", { content, writable: false }),
      open("readOnlyFsRoot", { content }),
    ]) {
      const root = directory(guest, cap);
      const answer = root.open("f");
      const f = opened(guest, answer);
      expect(textOf(f.read(0n, 9).results.data)).toBe("abc");
      const changes = [
        () => root.create("x"),
        () => root.mkdir("x"),
        () => root.remove("f"),
        () => root.rename("f", "g"),
        () => root.open("x", 1),
        () => root.open("f", 2),
        () => root.open("f", 4),
        () => f.write(0n, "x"),
        () => f.truncate(0n),
      ];
      for (const change of changes) expect(refused(change)).toBe(FAILED);
      expect(guest.process.table.peek(f.cap)?.mode).toBe("copy");
      expect(guest.process.table.peek(cap)?.mode).toBe("copy");
    }
  });

  test("capabilities of a store that can be changed stay where they are", () => {
    const { guest, cap } = open("directory");
    const f = opened(guest, directory(guest, cap).open("f", 1));
    expect([guest.process.table.peek(cap)?.mode, guest.process.table.peek(f.cap)?.mode]).toEqual([
      "none",
      "none",
    ]);
  });

  test("source file is one file", () => {
    const { guest, cap } = open("file", { content: file("abc") });
    const f = opened(guest, { records: [{ capId: cap }] });
    expect(f.write(3n, "d").results.written).toBe(1);
    expect(textOf(f.read(0n, 9).results.data)).toBe("abcd");
  });

  test("what a run changed is not there in the next", () => {
    const content: StoredNode = { kind: "folder", entries: new Map([["f", file("abc")]]) };
    for (let run = 0; run < 2; run++) {
      const { guest, cap } = open("directory", { content });
      const f = opened(guest, directory(guest, cap).open("f"));
      expect(textOf(f.read(0n, 9).results.data)).toBe("abc");
      f.write(0n, "xyz");
      f.truncate(1n);
    }
  });
});

describe("Store", () => {
  const [put, get, has, drop] = Store.Client.methods;
  const sha = (text: string): Uint8Array => createHash("sha256").update(text).digest();
  const use = (guest: TestGuest, cap: number) => ({
    put: (text: string, room = 512) =>
      guest.call(cap, put, (params) => params._initData(text.length).copyBuffer(bytesOf(text)), room),
    get: (hash: Uint8Array, room = 512) =>
      guest.call(cap, get, (params) => params._initHash(hash.length).copyBuffer(hash), room),
    has: (hash: Uint8Array) =>
      guest.call(cap, has, (params) => params._initHash(hash.length).copyBuffer(hash)),
    drop: (hash: Uint8Array) =>
      guest.call(cap, drop, (params) => params._initHash(hash.length).copyBuffer(hash)),
  });

  test("keeps blobs by their hash", () => {
    const { guest, cap, refused } = open("store");
    const store = use(guest, cap);
    expect(store.put("abc").results.hash.toUint8Array()).toEqual(Uint8Array.from(sha("abc")));
    expect(store.put("abc").results.hash.toUint8Array()).toEqual(Uint8Array.from(sha("abc")));
    expect(textOf(store.get(sha("abc")).results.data)).toBe("abc");
    expect([store.has(sha("abc")).results.exists, store.has(sha("x")).results.exists]).toEqual([true, false]);
    expect(refused(() => store.get(sha("x")))).toBe(FAILED);
    expect(refused(() => store.drop(sha("x")))).toBe(FAILED);
    expect(store.drop(sha("abc")).result).toBe(0);
    expect(store.has(sha("abc")).results.exists).toBe(false);
  });

  test("refuses what is no hash, what does not fit, and more than it may hold", () => {
    const { guest, cap, refused } = open("persistentStore", { maxBytes: 200 });
    const store = use(guest, cap);
    for (const length of [0, 31, 33]) {
      const hash = new Uint8Array(length);
      for (const call of [store.get, store.has, store.drop]) expect(refused(() => call(hash))).toBe(INVALID);
    }
    expect(store.put("abc", 56).result).toBe(-3);
    expect(store.has(sha("abc")).results.exists).toBe(false);
    expect(store.put("x".repeat(136)).result).toBeGreaterThan(0);
    expect(store.get(sha("x".repeat(136)), 128).result).toBe(-3);
    expect(refused(() => store.put("y"))).toBe(OVERLOADED);
  });

  test("leaves out content whose name is not its hash", () => {
    const name = Buffer.from(sha("abc")).toString("hex");
    const content: StoredNode = {
      kind: "folder",
      entries: new Map([
        [name, file("abc")],
        ["x", file("y")],
      ]),
    };
    const { guest, cap, refused } = open("store", { content, writable: false });
    const store = use(guest, cap);
    expect(textOf(store.get(sha("abc")).results.data)).toBe("abc");
    expect(store.has(sha("y")).results.exists).toBe(false);
    expect(refused(() => store.put("new"))).toBe(FAILED);
    expect(refused(() => store.drop(sha("abc")))).toBe(FAILED);
    expect(store.put("abc").result).toBeGreaterThan(0);
  });
});

describe("Namespace", () => {
  const [resolve, bind, list, sub] = Namespace.Client.methods;
  const HASH = Uint8Array.from({ length: 32 }, (_, i) => i);
  const use = (guest: TestGuest, cap: number) => ({
    resolve: (name: string) => guest.call(cap, resolve, (params) => void (params.name = name)),
    bind: (name: string, hash = HASH) =>
      guest.call(cap, bind, (params) => {
        params.name = name;
        params._initHash(hash.length).copyBuffer(hash);
      }),
    list: (room = 24_576) => guest.call(cap, list, undefined, room),
    names: () => guest.call(cap, list, undefined, 24_576).results.names.toArray(),
    sub: (prefix: string) => guest.call(cap, sub, (params) => void (params.prefix = prefix), 24_576),
  });

  test("binds names, also anew, and shows those below a prefix", () => {
    const { guest, cap, refused } = open("namespace");
    const names = use(guest, cap);
    expect(names.bind("app/two").result).toBe(0);
    expect(names.bind("app/one").result).toBe(0);
    expect(names.bind("lib").result).toBe(0);
    expect(
      names.bind(
        "lib",
        HASH.map((byte) => byte + 1),
      ).result,
    ).toBe(0);
    expect(names.resolve("lib").results.hash.toUint8Array()[0]).toBe(1);
    const below = use(guest, names.sub("app/").records[0]?.capId ?? -1);
    expect(below.names()).toEqual(["one", "two"]);
    expect(below.bind("three").result).toBe(0);
    expect(refused(() => below.resolve("lib"))).toBe(FAILED);
    expect(refused(() => below.resolve("../lib"))).toBe(FAILED);
    const deeper = use(guest, below.sub("t").records[0]?.capId ?? -1);
    expect(deeper.names()).toEqual(["hree", "wo"]);
    expect(names.names()).toEqual(["app/one", "app/three", "app/two", "lib"]);
  });

  test("refuses names and hashes that cannot be, and too many", () => {
    const { guest, cap, refused } = open("namespace");
    const names = use(guest, cap);
    expect(refused(() => names.bind(""))).toBe(INVALID);
    expect(refused(() => names.bind("n".repeat(121)))).toBe(INVALID);
    expect(refused(() => names.bind("n", new Uint8Array(31)))).toBe(INVALID);
    expect(refused(() => names.sub("n".repeat(121)))).toBe(INVALID);
    for (let i = 0; i < NAMES_MAX; i++) expect(names.bind(`${i}`.padStart(120, "n")).result).toBe(0);
    expect(refused(() => names.bind("more"))).toBe(OVERLOADED);
    expect(names.names()).toHaveLength(NAMES_MAX);
    expect(names.list(1024).result).toBe(-3);
  });

  test("a read-only one", () => {
    const content: StoredNode = {
      kind: "folder",
      entries: new Map<string, StoredNode>([
        [Buffer.from("a/b").toString("hex"), { kind: "file", bytes: HASH }],
        ["zz", { kind: "file", bytes: HASH }],
        ["ff", { kind: "file", bytes: HASH }],
        [Buffer.from("short").toString("hex"), file("x")],
      ]),
    };
    const { guest, cap, refused } = open("namespace", { content, writable: false });
    const names = use(guest, cap);
    expect(names.names()).toEqual(["a/b"]);
    expect(refused(() => names.bind("a/b"))).toBe(FAILED);
  });
});

describe("BlockDevice", () => {
  const [read, write, info, flush] = BlockDevice.Client.methods;
  const content: StoredNode = { kind: "file", bytes: new Uint8Array(8 * BLOCK_BYTES + 100) };
  const use = (guest: TestGuest, cap: number) => ({
    read: (startLba: bigint, count: number, room = 16_384) =>
      guest.call(cap, read, (params) => Object.assign(params, { startLba, count }), room),
    write: (startLba: bigint, count: number, bytes: Uint8Array) =>
      guest.call(cap, write, (params) => {
        params.startLba = startLba;
        params.count = count;
        params._initData(bytes.length).copyBuffer(bytes);
      }),
    info: () => guest.call(cap, info).results,
    flush: () => guest.call(cap, flush),
  });

  test("blocks are written and read where they are", () => {
    const { guest, cap } = open("blockDevice", { content });
    const device = use(guest, cap);
    const { blockSize, blockCount, readOnly } = device.info();
    expect([blockSize, blockCount, readOnly]).toEqual([512, 8n, false]);
    const two = new Uint8Array(2 * BLOCK_BYTES).fill(7);
    expect(device.write(6n, 2, two).result).toBe(0);
    expect(device.read(6n, 2).results.data.toUint8Array()).toEqual(two);
    expect(device.read(5n, 1).results.data.toUint8Array()).toEqual(new Uint8Array(BLOCK_BYTES));
    expect(device.read(0n, 0).results.data.length).toBe(0);
    expect(device.read(0n, 8, 2048).result).toBe(-3);
    expect(device.flush().result).toBe(0);
  });

  test("ranges off the device, data of another length, a device that cannot be written", () => {
    const { guest, cap, refused } = open("blockDeviceTarget", { content });
    const device = use(guest, cap);
    expect(refused(() => device.read(8n, 1))).toBe(INVALID);
    expect(refused(() => device.read((1n << 64n) - 1n, 2))).toBe(INVALID);
    expect(refused(() => device.read(0n, 0xffff_ffff))).toBe(INVALID);
    expect(refused(() => device.write(7n, 2, new Uint8Array(1024)))).toBe(INVALID);
    expect(refused(() => device.write(0n, 1, new Uint8Array(511)))).toBe(INVALID);
    const fixed = open("blockDevice", { content, writable: false });
    expect(use(fixed.guest, fixed.cap).info().readOnly).toBe(true);
    const block = new Uint8Array(BLOCK_BYTES);
    expect(fixed.refused(() => use(fixed.guest, fixed.cap).write(0n, 1, block))).toBe(FAILED);
  });
});

describe("rules", () => {
  test("KER-62 notices a store that counts wrong, and an entry that is not where it says", () => {
    const tree = new FileTree({ content: EMPTY_FOLDER, writable: true, maxBytes: 10_000, now: () => 0n });
    if (tree.root.kind !== "folder") throw new Error("the root is a file");
    tree.createFile(tree.root, "f");
    expect(brokenTreeRules(tree)).toEqual([]);
    tree.used++;
    expect(brokenTreeRules(tree).join()).toMatch(/^KER-62 the store counts 513 bytes and keeps 512$/);
    tree.used--;
    for (const node of tree.root.entries.values()) node.name = "g";
    expect(brokenTreeRules(tree).join()).toMatch(/^KER-62 "f" is misplaced$/);
    for (const node of tree.root.entries.values()) node.removed = true;
    expect(brokenTreeRules(tree).join()).toMatch(/KER-62 "f" is removed and still there/);
  });

  test("KER-63 notices a blob of another content, and a wrong count", () => {
    const store = new BlobStore({ content: EMPTY_FOLDER, writable: true, maxBytes: 10_000 });
    store.put(bytesOf("abc"));
    expect(brokenBlobRules(store)).toEqual([]);
    for (const bytes of store.blobs.values()) bytes[0] = 0;
    expect(brokenBlobRules(store).join()).toMatch(/^KER-63 the blob ba7816bf\w+ has another content$/);
    store.blobs.clear();
    expect(brokenBlobRules(store).join()).toMatch(/^KER-63 the store counts 67 bytes and keeps 0$/);
  });

  test("KER-64 notices names and hashes that cannot be", () => {
    const table = new NameTable({ content: EMPTY_FOLDER, writable: true });
    table.bind("a", new Uint8Array(32));
    expect(brokenNameRules(table)).toEqual([]);
    table.names.set("", new Uint8Array(32));
    table.names.set("b", new Uint8Array(3));
    for (let i = 0; i < NAMES_MAX; i++) table.names.set(`${i}`, new Uint8Array(32));
    const broken = brokenNameRules(table);
    expect(broken).toEqual([
      "KER-64 131 names, the limit is 128",
      "KER-64 a name of 0 bytes",
      'KER-64 "b" is bound to 3 bytes',
    ]);
  });
});
