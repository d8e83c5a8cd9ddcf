/**
 * The stores of a scenario file: what is behind the kernel sources of storage. In memory, or a folder or file of the
 * host that the scenario names; it is changed only when the scenario says `writable`.
 */

import { resolve } from "node:path";
import { fileSink, folderSink, isEntryName, loadFile, loadFolder, type StoredNode } from "./host-storage.ts";
import { InputError } from "./input-error.ts";
import { STORE_KINDS, type StoreSpec } from "./kernel/storage.ts";

/** One store as written. The schema has checked the types. */
export interface StoreFile {
  readonly path?: string;
  readonly writable?: boolean;
  readonly size?: number | string;
  readonly files?: Readonly<Record<string, string>>;
  readonly text?: string;
}

const MEMORY_BYTES = 1 << 20;
const HOST_BYTES = 16 << 20;
const SIZE_MAX = 64 << 20;
const DEVICE_BYTES = 64 << 10;

/** What reading a store takes: the file it stands in and the folder its paths are relative to. */
export interface StorePlace {
  readonly file: string;
  readonly folder: string;
  readonly parseSize: (text: string) => number | undefined;
}

/** Opens every store. Throws `InputError`. */
export function openStores(
  stores: Readonly<Record<string, StoreFile>>,
  place: StorePlace,
): ReadonlyMap<string, StoreSpec> {
  return new Map(Object.entries(stores).map(([source, store]) => [source, openStore(source, store, place)]));
}

function openStore(source: string, store: StoreFile, place: StorePlace): StoreSpec {
  const refuse = (text: string): InputError => new InputError(`${place.file}: $.stores.${source}: ${text}`);
  const kind = STORE_KINDS.get(source);
  if (kind === undefined) throw refuse("not a source of storage");
  const wanted = typeof store.size === "string" ? place.parseSize(store.size) : store.size;
  if (wanted !== undefined && wanted > SIZE_MAX) throw refuse(`a store has at most ${SIZE_MAX} bytes`);
  if (kind.readOnly && store.writable === true) throw refuse("this source is read-only");
  if (store.path === undefined) return inMemory(source, store, wanted, refuse);
  if (store.files !== undefined || store.text !== undefined)
    throw refuse("path, files and text exclude each other");
  if (source === "writableFsRoot" && store.writable !== true) {
    throw refuse('its path is changed by the run: say "writable": true');
  }
  const path = resolve(place.folder, store.path);
  const maxBytes = wanted ?? HOST_BYTES;
  const whole = kind.content === "folder";
  const content = whole ? loadFolder(path, maxBytes) : loadFile(path, maxBytes);
  const writable = store.writable ?? false;
  const sink = writable ? (whole ? folderSink(path) : fileSink(path)) : undefined;
  return { content, writable, maxBytes, sink };
}

function inMemory(
  source: string,
  { files, text, writable = true }: StoreFile,
  size: number | undefined,
  refuse: (text: string) => InputError,
): StoreSpec {
  const isDevice = source.startsWith("blockDevice");
  const isFolder = STORE_KINDS.get(source)?.content === "folder";
  if (files !== undefined && !isFolder) throw refuse("it has no files; give its text");
  if (text !== undefined && isFolder) throw refuse("it has no text; give its files");
  const bad = Object.keys(files ?? {}).find((name) => !isEntryName(name));
  if (bad !== undefined) throw refuse(`${JSON.stringify(bad)} is no name for a file`);
  const maxBytes = size ?? (isDevice ? DEVICE_BYTES : MEMORY_BYTES);
  const content = isFolder ? memoryFolder(files ?? {}) : memoryFile(text ?? "", isDevice ? maxBytes : 0);
  return { content, writable, maxBytes };
}

const encoder = new TextEncoder();

function memoryFile(text: string, leastBytes: number): StoredNode {
  const written = encoder.encode(text);
  const bytes = new Uint8Array(Math.max(written.length, leastBytes));
  bytes.set(written);
  return { kind: "file", bytes };
}

const memoryFolder = (files: Readonly<Record<string, string>>): StoredNode => ({
  kind: "folder",
  entries: new Map(Object.entries(files).map(([name, text]) => [name, memoryFile(text, 0)])),
});
