/**
 * A computed jump to the known targets of its region: the address, in a local, chooses a landing, which compares it
 * in full with what it stands for.
 *
 *     block $miss
 *       block $l1 block $l0
 *         br_table place(target) $l0 $l1 $miss ...
 *       end  if target == a0: go to a0;  br $miss
 *       end  if target == a1: go to a1;  if target == a2: go to a2        fewer places than targets
 *     end
 *     RIP = target, leave
 */

import { type GuestAddress, highHalf, lowHalf } from "../../../mmu/address.ts";
import type { IrBlock } from "../../ir/block.ts";
import { NO_RESULT, OP } from "./bytes.ts";
import { choosePlacing, type Dispatch, placeOf, type Placing } from "./computed-jumps.ts";
import { type RegionExits, TARGET } from "./region-exits.ts";

/** So many targets are compared one after the other. */
const MAX_CHAIN = 3;

/** Takes the jump whose target is in the local; `go` branches to a block of the region. */
export function emitDispatch(
  exits: RegionExits,
  blocks: readonly IrBlock[],
  { targets, source }: Dispatch,
  go: (to: number) => void,
): void {
  const { body } = exits;
  const addressOf = (target: number): GuestAddress => (blocks[target] as IrBlock).address;
  const chain = (some: readonly number[]): void => {
    for (const target of some) {
      const address = addressOf(target);
      body.localGet(TARGET);
      body.const64(lowHalf(address), highHalf(address));
      body.op(OP.i64Eq);
      body.block(OP.if, NO_RESULT);
      go(target);
      body.end();
    }
  };
  if (targets.length <= MAX_CHAIN) chain(targets);
  else {
    const placing = choosePlacing(targets.map((target) => lowHalf(addressOf(target))));
    const places = new Map<number, number[]>();
    for (const target of targets) {
      const place = placeOf(lowHalf(addressOf(target)), placing);
      places.set(place, [...(places.get(place) ?? []), target]);
    }
    emitTable(exits, placing, places, chain);
  }
  exits.storeRipOf(() => body.localGet(TARGET));
  exits.leaveComputed(source);
}

function emitTable(
  { body }: RegionExits,
  placing: Placing,
  places: ReadonlyMap<number, readonly number[]>,
  chain: (some: readonly number[]) => void,
): void {
  body.block(OP.block, NO_RESULT);
  const miss = body.depth;
  // The landing of the first place is the innermost block.
  const landings = [...places.keys()];
  const depths = new Map(landings.toReversed().map((place, k) => [place, miss + 1 + k]));
  for (let k = 0; k < landings.length; k++) body.block(OP.block, NO_RESULT);
  pushPlace(body, placing);
  body.op(OP.brTable);
  const size = 1 << placing.bits;
  body.out.unsigned(size);
  for (let place = 0; place <= size; place++) body.out.unsigned(body.depth - (depths.get(place) ?? miss));
  for (const place of landings) {
    body.end();
    chain(places.get(place) ?? []);
    body.branchTo(miss);
  }
  body.end();
}

function pushPlace(body: RegionExits["body"], { multiplier, shift, bits }: Placing): void {
  body.localGet(TARGET);
  body.op(OP.i32WrapI64);
  if (multiplier !== 1) {
    body.const32(multiplier);
    body.op(OP.i32Mul);
  }
  if (shift !== 0) {
    body.const32(shift);
    body.op(OP.i32ShrU);
  }
  if (shift + bits < 32) {
    body.const32((1 << bits) - 1);
    body.op(OP.i32And);
  }
}
