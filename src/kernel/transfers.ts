/**
 * Capabilities on their way from one table to another, with a CALL or a RETURN. A set is prepared completely or not
 * at all, and delivered completely or not at all; while it travels it keeps its objects alive and the sources of
 * moves reserved.
 */

import { InvariantError } from "../invariant.ts";
import type { TransportCode } from "./abi.ts";
import {
  ERR,
  MAX_TRANSFERS,
  TRANSFER_COPY,
  TRANSFER_DESCRIPTOR_ALIGNMENT,
  TRANSFER_DESCRIPTOR_BYTES,
  TRANSFER_MOVE,
} from "./abi.ts";
import type { AddressSpace } from "../mmu/mmu.ts";
import type { HoldOrigin, PreparedTransfer, ProvisionalInsert } from "./capability.ts";
import { copyIn } from "./guest-memory.ts";
import type { KernelObject } from "./object.ts";
import type { Process } from "./objects/process.ts";
import type { CapRecord } from "./submission.ts";

export interface Descriptor {
  readonly capId: number;
  readonly move: boolean;
}

const TWO_64 = 1n << 64n;

/** Where the descriptors behind a payload start, or undefined when they would be misaligned or wrap around. */
export function descriptorRegion(addr: bigint, payloadLength: number, count: number): bigint | undefined {
  const start = addr + BigInt(payloadLength);
  const end = start + BigInt(count * TRANSFER_DESCRIPTOR_BYTES);
  const aligned = start % BigInt(TRANSFER_DESCRIPTOR_ALIGNMENT) === 0n;
  return aligned && start < TWO_64 && end < TWO_64 ? start : undefined;
}

/** Exactly one known mode, and nothing in the reserved field. */
export const isValidDescriptor = (mode: number, reserved: number): boolean =>
  (mode === TRANSFER_COPY || mode === TRANSFER_MOVE) && reserved === 0;

/** The descriptors behind a payload, copied in and checked (R-10: count, place, readability, content). */
export function readDescriptors(
  space: AddressSpace,
  sqe: { readonly addr: bigint; readonly len: number; readonly xferCapCount: number },
): readonly Descriptor[] | TransportCode {
  const count = sqe.xferCapCount;
  if (count === 0) return [];
  if (count > MAX_TRANSFERS) return ERR.invalidTransferDescriptor;
  const start = descriptorRegion(sqe.addr, sqe.len, count);
  if (start === undefined) return ERR.invalidTransferDescriptor;
  const bytes = copyIn(space, start, count * TRANSFER_DESCRIPTOR_BYTES);
  if (bytes === undefined) return ERR.invalidParamsBuffer;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const descriptors: Descriptor[] = [];
  for (let at = 0; at < bytes.length; at += TRANSFER_DESCRIPTOR_BYTES) {
    const mode = view.getUint16(at + 4, true);
    if (!isValidDescriptor(mode, view.getUint16(at + 6, true))) return ERR.invalidTransferDescriptor;
    descriptors.push({ capId: view.getUint32(at, true), move: mode === TRANSFER_MOVE });
  }
  return descriptors;
}

/** Fields: `#items` = what was prepared and neither delivered nor rolled back; each counts as a hold (KER-4). */
export class TransferSet {
  readonly source: Process;
  #items: readonly PreparedTransfer<KernelObject>[];

  private constructor(source: Process, items: readonly PreparedTransfer<KernelObject>[]) {
    this.source = source;
    this.#items = items;
    for (const { hold } of items) hold.object.hold();
  }

  get length(): number {
    return this.#items.length;
  }
  get items(): readonly PreparedTransfer<KernelObject>[] {
    return this.#items;
  }

  /** All of the descriptors, or none: what is not transferable is -6, what is on its way already -8. */
  static prepare(
    source: Process,
    descriptors: readonly Descriptor[],
    origin: HoldOrigin,
  ): TransferSet | TransportCode {
    const items: PreparedTransfer<KernelObject>[] = [];
    for (const { capId, move } of descriptors) {
      const item = move ? source.table.prepareMove(capId, origin) : source.table.prepareCopy(capId, origin);
      if (typeof item === "string") {
        for (const { sourceId, move: moved } of items) if (moved) source.table.rollbackMove(sourceId);
        return item === "transferPending" ? ERR.transferAborted : ERR.transferNotSupported;
      }
      items.push(item);
    }
    return new TransferSet(source, items);
  }

  /** The source keeps everything. Also right when the source process is gone. */
  rollback(): void {
    for (const { sourceId, move } of this.#items) if (move) this.source.table.rollbackMove(sourceId);
    this.#drop();
  }

  /**
   * Puts everything into the target's table and takes what moves out of the source's. The records in order, or
   * undefined when the target has no room or something was revoked on the way; then nothing changed.
   */
  deliver(target: Process): readonly CapRecord[] | undefined {
    // Asked first: an insertion that is taken back uses up a generation of the target's slot.
    const pages = this.#items.reduce((sum, { hold }) => sum + hold.object.chargedPages, 0);
    if (target.table.preflight(this.#items.length, pages) !== undefined) return undefined;
    if (this.#items.some(({ hold }) => hold.cell.epoch !== hold.epoch || !hold.object.live)) return undefined;
    const tokens: ProvisionalInsert<KernelObject>[] = [];
    for (const { hold } of this.#items) {
      const token = target.table.insertProvisional(hold);
      if (typeof token !== "string") tokens.push(token);
      if (typeof token === "string" || target.table.commitProvisional(token) !== "ok") {
        for (const inserted of tokens.reverse()) target.table.rollbackProvisional(inserted);
        return undefined;
      }
    }
    return this.#commit(tokens);
  }

  #commit(tokens: readonly ProvisionalInsert<KernelObject>[]): readonly CapRecord[] {
    const records = this.#items.map(({ hold, move, sourceId }, i) => {
      const token = tokens[i];
      if (token === undefined) throw new InvariantError(["KER-4 a delivered capability has no slot"]);
      hold.object.hold();
      if (move) this.#commitMove(sourceId);
      return { capId: token.id, interfaceId: hold.interfaceId };
    });
    this.#drop();
    return records;
  }

  #commitMove(sourceId: number): void {
    const moved = this.source.table.commitMove(sourceId);
    if (typeof moved === "string")
      throw new InvariantError([`KER-4 a reserved capability did not move: ${moved}`]);
    moved.object.release(moved, this.source);
  }

  #drop(): void {
    const items = this.#items;
    this.#items = [];
    for (const { hold } of items) hold.object.release(hold, undefined);
  }
}
