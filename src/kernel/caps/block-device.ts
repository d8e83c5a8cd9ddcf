/**
 * BlockDevice: a device of fixed-size blocks. Copied freely when it can only be read, else bound to its process.
 *
 * readBlocks: invalidArgument for blocks that are not on the device, -3 when they do not fit the result buffer.
 * writeBlocks: invalidArgument for blocks that are not on the device or data of another length, failed on a read-only
 * device. flush: failed when the host refuses.
 */

import { ERR } from "../abi.ts";
import { defineInterface } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { BlockDevice } from "../objects/block-device.ts";
import { BLOCK_BYTES } from "../objects/block-device.ts";
import { BlockDevice as BlockDeviceSchema } from "../schema/kernel.ts";
import { storageReply } from "./file.ts";
import { dataRoom } from "./result-room.ts";

export const BLOCK_DEVICE = defineInterface(BlockDeviceSchema).handle<BlockDevice>({
  readBlocks(device, { resultLength }, { startLba, count }, results) {
    const bytes = device.read(startLba, count);
    if ("text" in bytes) return storageReply(bytes);
    if (bytes.length > dataRoom(resultLength)) return { kind: "transport", code: ERR.invalidResultBuffer };
    results._initData(bytes.length).copyBuffer(bytes);
    return undefined;
  },
  writeBlocks(device, _context, { startLba, count, data }) {
    return storageReply(device.write(startLba, count, data.toUint8Array()));
  },
  info(device, _context, _params, results) {
    results.blockSize = BLOCK_BYTES;
    results.blockCount = BigInt(device.blockCount);
    results.readOnly = !device.writable;
  },
  flush(device) {
    return storageReply(device.flush());
  },
});

export const blockDeviceCapability = (device: BlockDevice): KernelObject =>
  BLOCK_DEVICE.capability(device, { label: "block-device", mode: device.writable ? "none" : "copy" });
