/**
 * An endpoint with two owners and a client: calls, receives, answers, cancellations, owners that give it up and
 * processes that end, in every order, through the ring operations themselves. Calls carry nothing: what travels with
 * them is explored in transfers.ts.
 */

import { OP, RING } from "../../../src/kernel/abi.ts";
import { EndpointCapability } from "../../../src/kernel/caps/endpoint.ts";
import { CapabilityTable, newHold } from "../../../src/kernel/capability.ts";
import {
  brokenChargeRules,
  brokenCompletionRules,
  brokenEndpointRules,
} from "../../../src/kernel/invariants.ts";
import { brokenDeliveryRules, brokenPartyRules } from "../../../src/kernel/invariants-handles.ts";
import { Ledger } from "../../../src/kernel/ledger.ts";
import { dropEverything } from "../../../src/kernel/lifecycle.ts";
import type { KernelObject } from "../../../src/kernel/object.ts";
import { Endpoint } from "../../../src/kernel/objects/endpoint.ts";
import { Process } from "../../../src/kernel/objects/process.ts";
import type { ProcessMemory } from "../../../src/kernel/objects/process-memory.ts";
import { Thread } from "../../../src/kernel/objects/thread.ts";
import { runOperation } from "../../../src/kernel/operations.ts";
import type { Sqe } from "../../../src/kernel/ring.ts";
import { Ring } from "../../../src/kernel/ring.ts";
import type { KernelServices } from "../../../src/kernel/services.ts";
import { Submission } from "../../../src/kernel/submission.ts";
import { address, pageNumber } from "../../../src/mmu/address.ts";
import { MemoryMachine } from "../../support/memory.ts";
import { PLAIN_SQE } from "../plain-sqe.ts";
import type { Space, System } from "./explorer.ts";

type EndpointOperation =
  | { readonly do: "call" | "receive" | "cancel"; readonly by: number; readonly name: number }
  | { readonly do: "answer"; readonly by: number; readonly flight: number }
  | { readonly do: "release"; readonly by: number }
  | { readonly do: "exit"; readonly by: number };

/** Processes: two owners, and a client. */
const OWNERS = [0, 1];
const CLIENT = 2;
const ALL = [...OWNERS, CLIENT];
/** Names under which one process may have a submission open. */
const NAMES = [1, 2];
const EXIT_CODE = 0n;
const RESULT_ADDRESS = 0x4000_0000n;
const PAGE_BYTES = 4096;

const SESSION = new Uint8Array(40);
const SERVICES = {
  sessions: { block: () => SESSION },
  inspectReply: () => undefined,
} as unknown as KernelServices;
const EMPTY_SQE: Sqe = { ...PLAIN_SQE, opcode: OP.nop, userData: 0n };

interface Party {
  readonly process: Process;
  readonly thread: Thread;
  readonly page: DataView;
}

class EndpointSystem implements System<EndpointOperation> {
  readonly #endpoint: Endpoint;
  readonly #parties: readonly Party[];

  constructor(limits: { readonly queued: number; readonly inFlight: number }, memory: ProcessMemory) {
    this.#endpoint = new Endpoint(limits);
    const owner = EndpointCapability.ownerOf(this.#endpoint);
    this.#parties = ALL.map((id) => makeParty(id, memory));
    for (const id of OWNERS) this.#give(id, owner);
    this.#give(CLIENT, EndpointCapability.clientOf(this.#endpoint));
  }

  #give(id: number, object: KernelObject): void {
    this.#party(id).process.table.insert(newHold(object, object.interfaceId, { mode: object.mode }));
    object.hold();
  }

  #party(id: number): Party {
    return this.#parties[id] as Party;
  }

  apply(operation: EndpointOperation): string {
    const { process } = this.#party(operation.by);
    if (process.exited) return "refused gone";
    if (operation.do === "exit") {
      process.exitCode = EXIT_CODE;
      dropEverything(process, EXIT_CODE);
      return "ok";
    }
    const sqe = this.#entry(operation);
    return sqe === undefined ? "refused busy" : this.#run(operation.by, sqe);
  }

  #entry(operation: Exclude<EndpointOperation, { do: "exit" }>): Sqe | undefined {
    if (operation.do === "release") return { ...EMPTY_SQE, opcode: OP.release };
    if (operation.do === "answer") {
      const flight = [...this.#endpoint.inFlight.keys()][operation.flight];
      return { ...EMPTY_SQE, opcode: OP.return, callId: flight ?? 0xffff };
    }
    const name = BigInt(operation.name);
    if (operation.do === "cancel") return { ...EMPTY_SQE, opcode: OP.cancel, pipelineDep: name };
    const { open } = this.#party(operation.by).thread;
    if ([...open].some(({ sqe }) => sqe.userData === name)) return undefined;
    const opcode = operation.do === "call" ? OP.call : OP.recv;
    return { ...EMPTY_SQE, opcode, userData: name, resultAddr: RESULT_ADDRESS, resultLen: 256 };
  }

  /** As `syscall.ts` does; what the program has been told it takes off its ring at once. */
  #run(by: number, sqe: Sqe): string {
    const { thread } = this.#party(by);
    const results: number[] = [];
    thread.ring.consumed++;
    const submission = new Submission(thread, sqe, (_ended, code) => results.push(code));
    runOperation(SERVICES, submission);
    for (const { page, thread: each } of this.#parties) {
      page.setUint32(RING.cqHead, each.ring.cursors().cqTail, true);
    }
    const [result = 0] = results;
    return result < 0 ? `refused ${result}` : "ok";
  }

  key(): string {
    const order = [...this.#endpoint.inFlight.keys()];
    const flights = /in flight (.*)$/;
    const digest = this.#endpoint
      .digest()
      .replace(flights, (_, text: string) =>
        text.replace(/(\d+)=/g, (_each, id: string) => `${order.indexOf(Number(id))}=`),
      );
    const parties = this.#parties.map(({ process, thread }) => {
      const open = [...thread.open].map(({ sqe }) => `${sqe.opcode}:${sqe.userData}`).sort();
      return `${process.exited} ${process.table.digest()} ${open.join()}`;
    });
    return [digest, this.#endpoint.closed, ...parties].join("|");
  }

  broken(): readonly string[] {
    const processes = this.#parties.map(({ process }) => process).filter(({ exited }) => !exited);
    const endpoints = [this.#endpoint];
    return [
      ...brokenEndpointRules(endpoints),
      ...brokenPartyRules(processes, endpoints),
      ...brokenDeliveryRules(endpoints),
      ...brokenCompletionRules(processes),
      ...processes.flatMap((process) => brokenChargeRules(process, endpoints)),
    ];
  }

  /** When all have ended, nothing is kept for anybody. */
  end(): readonly string[] {
    for (const by of ALL) this.apply({ do: "exit", by });
    const { closed, queue, receives, inFlight } = this.#endpoint;
    const kept = queue.length + receives.length + inFlight.size;
    const broken = closed && kept === 0 ? [] : [`KER-41 an endpoint without processes keeps ${kept}`];
    for (const { process, thread } of this.#parties) {
      const { ledger } = process;
      const left = [
        ledger.used("outstandingCalls"),
        ledger.used("capSlots"),
        ledger.used("threads"),
        thread.open.size,
      ];
      if (left.some((count) => count !== 0)) broken.push(`KER-3 process ${process.id} keeps ${left.join()}`);
    }
    return broken;
  }
}

function makeParty(id: number, memory: ProcessMemory): Party {
  const ledger = new Ledger();
  const table = new CapabilityTable<KernelObject>(ledger);
  const process = new Process({ id, name: "small", binary: "small", ledger, table, memory });
  const bytes = new Uint8Array(PAGE_BYTES);
  const thread = new Thread({
    id: 1,
    process,
    cpuState: new Uint8Array(0),
    ring: new Ring(bytes),
    ringAddress: address(0),
    onRunnable: () => undefined,
  });
  process.threads.set(1, thread);
  ledger.charge("threads", 1);
  return { process, thread, page: new DataView(bytes.buffer) };
}

export function endpointSpace(limits: {
  readonly queued: number;
  readonly inFlight: number;
}): Space<EndpointOperation> {
  const memory = new MemoryMachine(1 << 20).process();
  const first = pageNumber(Number(RESULT_ADDRESS) / PAGE_BYTES);
  memory.addFixed({ mapping: "results", first, count: 1, protection: "rw", contents: [], by: "results" });
  const named = (what: "call" | "receive" | "cancel", who: readonly number[]): EndpointOperation[] =>
    who.flatMap((by) => NAMES.map((name): EndpointOperation => ({ do: what, by, name })));
  return {
    name: "endpoint",
    bound: `2 owners and a client, ${limits.queued} calls queued and ${limits.inFlight} in flight, 2 submissions of each`,
    operations: [
      ...named("call", [0, CLIENT]),
      ...named("receive", ALL),
      ...named("cancel", OWNERS),
      ...OWNERS.flatMap((by) => [0, 1, 2].map((flight): EndpointOperation => ({ do: "answer", by, flight }))),
      ...ALL.map((by): EndpointOperation => ({ do: "release", by })),
      ...ALL.map((by): EndpointOperation => ({ do: "exit", by })),
    ],
    create: () => new EndpointSystem(limits, memory),
  };
}
