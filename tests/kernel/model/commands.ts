/** Commands of two programs, as fast-check draws and shrinks them. Each says when it applies and what must happen. */

import fc from "fast-check";
import { expect } from "vitest";
import { OP } from "../../../src/kernel/abi.ts";
import { FrameAllocator } from "../../../src/kernel/schema/kernel.ts";
import { EMPTY, message } from "../guest.ts";
import type { Notes, Sent } from "./notes.ts";
import type { Completion, World } from "./world.ts";
import { OnPages, pageCall } from "./page-commands.ts";
import { pick } from "./pick.ts";

type Command = fc.Command<Notes, World>;

const [INIT, CHILD] = [0, 1];
const [, ALLOCATE] = FrameAllocator.Client.methods;

/** The ids in the records behind a result. */
function recordIds({ bytes, result, capCount }: Completion): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: capCount }, (_, i) => view.getUint32(result + i * 16, true));
}

/** An id to try: mostly a live one, sometimes one that was released, sometimes nonsense. */
function drawId(world: World, process: number, draw: number): number {
  const live = [...world.process(process).table.entries()].map(([id]) => id);
  const stale = [...(world.stale[process] ?? [])];
  if (draw % 5 === 0 && stale.length > 0) return pick(stale, draw) ?? 0;
  if (draw % 11 === 0) return 0x0500_0000 + (draw % 7);
  return pick(live, draw) ?? 0;
}

class Release implements Command {
  readonly process: number;
  readonly draw: number;
  constructor(process: number, draw: number) {
    this.process = process;
    this.draw = draw;
  }

  check = (): boolean => true;

  run(notes: Notes, world: World): void {
    const { process } = this;
    const id = drawId(world, process, this.draw);
    // Without these a program can do little more; they go rarely.
    const label = world.objectOf(process, id)?.label;
    if (label !== undefined && label !== "memory-object" && this.draw % 13 !== 0) return;
    const wanted = label === undefined ? -1 : notes.isMoving(process, id) ? -8 : 0;
    // The last owner of the endpoint gone, waiting calls end.
    if (wanted === 0 && label === "endpoint") return;
    const request = { cap: id, resultLen: 0, sqe: { opcode: OP.release, addr: 0n, resultAddr: 0n } };
    expect(world.call(process, "release", request)?.result).toBe(wanted);
    if (wanted === 0) {
      notes.unname(process, id);
      world.stale[process]?.add(id);
    }
    notes.compare(world);
  }

  toString = (): string => `release(${this.process}, ${this.draw})`;
}

class Allocate implements Command {
  readonly process: number;
  readonly count: number;
  constructor(process: number, count: number) {
    this.process = process;
    this.count = count;
  }

  check = (): boolean => true;

  run(notes: Notes, world: World): void {
    const { process, count } = this;
    const [cap] = world.idsOf(process, "frame-allocator");
    if (cap === undefined || ALLOCATE === undefined) return;
    const room = world.process(process).ledger.available("capSlots") > 0;
    const good = count > 0 && room && notes.grants(process, count);
    const params = message(
      ALLOCATE.ParamsClass,
      (root) => ((root as unknown as { count: number }).count = count),
    );
    const answer = world.call(process, "allocate", { cap, method: 1, params });
    expect(answer !== undefined && answer.result >= 0).toBe(good);
    if (answer === undefined || answer.result < 0) return;
    const [id = -1] = recordIds(answer);
    notes.objects.push(count);
    notes.name(process, id, notes.objects.length - 1);
    notes.compare(world);
  }

  toString = (): string => `allocate(${this.process}, ${this.count})`;
}

class Send implements Command {
  readonly draws: readonly { readonly draw: number; readonly move: boolean }[];
  constructor(draws: readonly { readonly draw: number; readonly move: boolean }[]) {
    this.draws = draws;
  }

  check = (): boolean => true;

  /** What the kernel answers for the set: the first capability that may not go decides. */
  #verdict(notes: Notes, world: World, items: readonly Sent[]): number | undefined {
    const moved = new Set<number>();
    for (const { id, move } of items) {
      const mode = world.objectOf(CHILD, id)?.mode;
      if (mode === undefined) return -6;
      if (notes.isMoving(CHILD, id) || moved.has(id)) return -8;
      if (mode === "none" || (mode === "move" && !move)) return -6;
      if (move) moved.add(id);
    }
    return undefined;
  }

  run(notes: Notes, world: World): void {
    const [cap] = world.idsOf(CHILD, "endpoint-client");
    if (cap === undefined || notes.queue.length >= 4) return;
    const items = this.draws.map(({ draw, move }): Sent => {
      const id = drawId(world, CHILD, draw);
      return { id, move, object: notes.namesOf(CHILD).get(id) };
    });
    const wanted = this.#verdict(notes, world, items);
    const transfers = items.map(({ id, move }) => ({ cap: id, mode: move ? 2 : 1 }));
    const answer = world.call(CHILD, "send", { cap, params: new Uint8Array(16), transfers });
    expect(answer?.result).toBe(wanted);
    if (wanted === undefined) notes.queue.push(items);
    notes.compare(world);
  }

  toString = (): string => `send(${JSON.stringify(this.draws)})`;
}

class Receive implements Command {
  check = ({ queue }: Readonly<Notes>): boolean => queue.length > 0;

  run(notes: Notes, world: World): void {
    const [cap] = world.idsOf(INIT, "endpoint");
    if (cap === undefined) return;
    const delivered = this.#takeFitting(notes, world);
    const request = { cap, resultLen: 1024, sqe: { opcode: OP.recv, addr: 0n, userData: 4711n } };
    const answer = world.call(INIT, "receive", request);
    if (delivered === undefined) {
      expect(answer).toBeUndefined();
      const sqe = { opcode: OP.cancel, addr: 0n, resultAddr: 0n, pipelineDep: 4711n };
      expect(world.call(INIT, "cancel", { cap, resultLen: 0, sqe })?.result).toBe(0);
    } else {
      expect(answer?.capCount).toBe(delivered.length);
      if (answer !== undefined) this.#arrive(notes, world, delivered, answer);
    }
    world.collect(CHILD);
    notes.compare(world);
  }

  /** The first waiting call that init has room for. Those before it end with -8, and their sender keeps all. */
  #takeFitting(notes: Notes, world: World): readonly Sent[] | undefined {
    for (let call = notes.queue.shift(); call !== undefined; call = notes.queue.shift()) {
      const pages = call.reduce((sum, { object }) => sum + notes.pagesOf(object), 0);
      const room = world.process(INIT).ledger.available("capSlots") >= call.length;
      if (room && notes.grants(INIT, pages)) return call;
    }
    return undefined;
  }

  #arrive(notes: Notes, world: World, items: readonly Sent[], answer: Completion): void {
    const ids = recordIds(answer);
    for (const [i, { id, move, object }] of items.entries()) {
      if (object !== undefined) notes.name(INIT, ids[i] ?? -1, object);
      if (!move) continue;
      notes.unname(CHILD, id);
      world.stale[CHILD]?.add(id);
    }
    notes.received.push(answer.callId);
  }

  toString = (): string => "receive";
}

class Answer implements Command {
  readonly draw: number;
  constructor(draw: number) {
    this.draw = draw;
  }

  check = (): boolean => true;

  run(notes: Notes, world: World): void {
    const [cap] = world.idsOf(INIT, "endpoint");
    if (cap === undefined) return;
    const known = pick(notes.received, this.draw);
    const callId = known === undefined || this.draw % 7 === 0 ? 9999 : known;
    const sqe = { opcode: OP.return, resultAddr: 0n, callId };
    const answer = world.call(INIT, "return", { cap, params: EMPTY, resultLen: 0, sqe });
    expect(answer?.result).toBe(callId === 9999 ? -1 : 0);
    if (callId !== 9999) {
      notes.received.splice(notes.received.indexOf(callId), 1);
      expect(world.collect(CHILD).length).toBe(1);
    }
  }

  toString = (): string => `answer(${this.draw})`;
}

const process = fc.nat(1);
const draw = fc.nat(1000);
export const commandArbitraries: fc.Arbitrary<Command>[] = [
  fc.tuple(process, draw).map(([p, d]) => new Release(p, d)),
  fc.tuple(process, fc.nat(4)).map(([p, count]) => new Allocate(p, count)),
  ...[1, 2, 3].map(() => pageCall.map((call) => new OnPages(call))),
  fc.array(fc.record({ draw, move: fc.boolean() }), { maxLength: 3 }).map((draws) => new Send(draws)),
  fc.constant(new Receive()),
  draw.map((d) => new Answer(d)),
];
