/**
 * BootPackage: read access to the manifest the system was started from. Cannot leave its process.
 *
 * readManifest: -3 when the chunk does not fit the result buffer; a range behind the end is empty.
 */

import { BOOT_PACKAGE_CHUNK_BYTES, ERR } from "../abi.ts";
import { defineInterface } from "../call.ts";
import type { KernelObject } from "../object.ts";
import { BootPackage } from "../schema/kernel.ts";
import { dataRoom } from "./result-room.ts";

export const BOOT_PACKAGE = defineInterface(BootPackage).handle<Uint8Array>({
  manifestSize(manifest, _context, _params, results) {
    results.size = BigInt(manifest.length);
  },
  readManifest(manifest, { resultLength }, { offset, maxBytes }, results) {
    const from = offset < BigInt(manifest.length) ? Number(offset) : manifest.length;
    const chunk = manifest.subarray(from, from + Math.min(maxBytes, BOOT_PACKAGE_CHUNK_BYTES));
    if (chunk.length > dataRoom(resultLength)) return { kind: "transport", code: ERR.invalidResultBuffer };
    results._initData(chunk.length).copyBuffer(chunk);
    return undefined;
  },
});

export const bootPackageCapability = (manifest: Uint8Array): KernelObject =>
  BOOT_PACKAGE.capability(manifest, { label: "boot-package", mode: "none" });
