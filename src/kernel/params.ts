/** Params of a call from the guest's bytes: read once completely, so that a handler's reads cannot fail. */

import * as capnp from "capnp-es";
import { InvariantError } from "../invariant.ts";
import { canonicalMessage } from "./message.ts";

const hasFields = ({ _capnp: { size } }: capnp.StructCtor<capnp.Struct>): boolean =>
  size.dataByteLength + size.pointerLength > 0;

const WITHOUT_FIELDS = new WeakMap<object, capnp.Struct>();

/** A zeroed struct that is the root of a message just big enough for its own fields. */
export function emptyStruct<T extends capnp.Struct>(type: capnp.StructCtor<T>): T {
  if (hasFields(type)) return newRoot(type);
  // Nothing can be read from or written to a struct without fields, so all calls share one.
  const shared = WITHOUT_FIELDS.get(type) ?? newRoot(type);
  WITHOUT_FIELDS.set(type, shared);
  return shared as T;
}

function newRoot<T extends capnp.Struct>(type: capnp.StructCtor<T>): T {
  const { dataByteLength, pointerLength } = type._capnp.size;
  const segment = new DataView(new ArrayBuffer(8 + dataByteLength + 8 * pointerLength));
  // A pointer to no words at all must not be the null pointer: its offset is -1.
  if (!hasFields(type)) segment.setInt32(0, -1 << 2, true);
  segment.setUint16(4, dataByteLength / 8, true);
  segment.setUint16(6, pointerLength, true);
  return new capnp.Message(segment.buffer, false, true).getRoot(type);
}

/** Getters that the generator makes for the fields of a struct, most derived class only. */
function fieldNames(struct: capnp.Struct): readonly string[] {
  const prototype = Object.getPrototypeOf(struct) as object;
  return Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, property]) => property.get !== undefined && !name.startsWith("_"))
    .map(([name]) => name);
}
const FIELDS = new WeakMap<object, readonly string[]>();
function fieldsOf(struct: capnp.Struct): readonly string[] {
  const known = FIELDS.get(struct.constructor);
  if (known !== undefined) return known;
  const names = fieldNames(struct);
  FIELDS.set(struct.constructor, names);
  return names;
}
const fieldOf = (struct: capnp.Struct, name: string): unknown =>
  (struct as unknown as Record<string, unknown>)[name];

/** The params struct with every field read once, so that handlers read without failing; undefined if malformed. */
export function readParams(
  paramsClass: capnp.StructCtor<capnp.Struct>,
  bytes: Uint8Array,
): capnp.Struct | undefined {
  const segment = canonicalMessage(bytes);
  if (segment === undefined) return undefined;
  if (!hasFields(paramsClass)) return emptyStruct(paramsClass);
  try {
    const params = new capnp.Message(segment, false, true).getRoot(paramsClass);
    touch(params);
    return params;
  } catch (error) {
    // The generated readers throw when a pointer is of another kind than the schema says: the guest's mistake.
    if (error instanceof InvariantError) throw error;
    return undefined;
  }
}

function touch(value: unknown): void {
  if (value instanceof capnp.Struct) {
    // A union's getters throw for the member that is not set; ours hold no pointers.
    if ("which" in value) return;
    for (const name of fieldsOf(value)) touch(fieldOf(value, name));
  } else if (value instanceof capnp.List && !(value instanceof capnp.Data)) {
    for (let i = 0; i < value.length; i++) touch(value.get(i));
  }
}

/** `hint=0x0, size=0x1000, ...`: scalar fields only, text cut short. */
export function describeParams(params: capnp.Struct): string {
  const parts: string[] = [];
  for (const name of fieldsOf(params)) {
    const value = fieldOf(params, name);
    if (typeof value === "bigint") parts.push(`${name}=0x${value.toString(16)}`);
    else if (typeof value === "number" || typeof value === "boolean") parts.push(`${name}=${String(value)}`);
    else if (typeof value === "string") parts.push(`${name}=${JSON.stringify(value.slice(0, 40))}`);
  }
  return parts.join(", ");
}
