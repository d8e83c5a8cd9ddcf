/**
 * Guest memory accesses as functions of their own, for code that is to be short: the same fast and slow path as
 * inline, one function per kind and size, shared by all modules.
 *
 *     load64(address, site, site) -> value, refused        store64(address, site, site, value) -> refused
 */

import { SCRATCH_BYTE } from "../../../mmu/layout.ts";
import { ACCESS_ALIGNED, ACCESS_MODIFY } from "../../ir/ops.ts";
import { Body, type Frame } from "./body.ts";
import { OP, TYPE_I64, TYPE_V128 } from "./bytes.ts";
import {
  type Access,
  ACCESSES,
  loadTags,
  move,
  type Place,
  placeAt,
  pushHost,
  pushSlow,
} from "./emitters-memory.ts";
import { functionCode } from "./function-code.ts";
import { ACCESS_SIGNATURES, type AccessName, type FunctionCode } from "./imports.ts";
import { IN_PLACE } from "./places.ts";

const ADDRESS = 0;
const RIP_LOW = 1;
const SITE = 2;
const VALUE = 3;

const FRAME: Pick<Frame, "pushTags"> = { pushTags: loadTags };

const BY_BITS: Readonly<Record<string, Access>> = {
  8: ACCESSES.byte,
  16: ACCESSES.half,
  32: ACCESSES.word,
  64: ACCESSES.long,
  128: ACCESSES.vector,
};

export const ACCESS_NAMES = Object.keys(ACCESS_SIGNATURES) as readonly AccessName[];

/** In the order of `ACCESS_NAMES`. */
export const accessFunctions = (): FunctionCode[] => ACCESS_NAMES.map(accessFunction);

function accessFunction(name: AccessName): FunctionCode {
  const type = ACCESS_SIGNATURES[name];
  const access = BY_BITS[/\d+$/.exec(name)?.[0] ?? ""] ?? ACCESSES.byte;
  const flags =
    (name.includes("Aligned") ? ACCESS_ALIGNED : 0) | (name.startsWith("modify") ? ACCESS_MODIFY : 0);
  const body = new Body({
    frame: FRAME as Frame,
    places: IN_PLACE,
    firstLocal: type.parameters.length,
    compact: false,
  });
  const place = placeAt(body, ADDRESS);
  const writes = name.startsWith("store");
  pushSlow(body, place, access.bytes, flags, writes);
  body.ifUnlikely();
  if (writes) slowStore(body, place, access);
  else slowLoad(body, place, access);
  body.end();
  pushHost(body, place);
  if (writes) body.localGet(VALUE);
  move(body, access, writes ? access.store : access.load, 0);
  body.const32(0);
  body.op(OP.end);
  const { out, relocations, hints, localTypes: locals } = body;
  return functionCode({ locals, out, relocations, hints, type });
}

function callSlow(body: Body, name: "load" | "store", { lo, address }: Place, { bytes }: Access): void {
  body.localGet(lo);
  body.localGet(address);
  body.highHalf();
  body.const32(bytes);
  body.localGet(RIP_LOW);
  body.localGet(SITE);
  body.call(name);
}

function slowStore(body: Body, place: Place, access: Access): void {
  body.const32(0);
  body.localGet(VALUE);
  move(body, access, access.store, SCRATCH_BYTE);
  callSlow(body, "store", place, access);
  body.op(OP.return);
}

function slowLoad(body: Body, place: Place, access: Access): void {
  callSlow(body, "load", place, access);
  body.ifUnlikely();
  if (access.type === TYPE_V128) body.vectorConst([]);
  else if (access.type === TYPE_I64) body.const64(0, 0);
  else body.const32(0);
  body.const32(1);
  body.op(OP.return);
  body.end();
  body.const32(0);
  move(body, access, access.load, SCRATCH_BYTE);
  body.const32(0);
  body.op(OP.return);
}
