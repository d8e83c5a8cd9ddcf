/**
 * A capability call between the ring and the objects: what a handler is given, what it may answer, and how an
 * interface of the schema is bound to handlers. The only code that knows messages.
 *
 *   bytes -> canonical copy -> generated params reader -> handler -> results builder -> bytes
 *
 * `defineInterface(Console).handle<ConsoleSink>({ write(sink, context, params) { ... } })` does not compile while a
 * method of the schema has no handler.
 */

import type * as capnp from "capnp-es";
import type { TransportCode } from "./abi.ts";
import { ERR } from "./abi.ts";
import type { Hold } from "./capability.ts";
import type { Resource } from "./ledger.ts";
import type { InterfaceInfo, ObjectProperties, ResultCap } from "./object.ts";
import { KernelObject } from "./object.ts";
import type { Process } from "./objects/process.ts";
import type { Provenance } from "./objects/process-memory.ts";
import type { Thread } from "./objects/thread.ts";
import { describeParams, emptyStruct, readParams } from "./params.ts";
import type { KernelServices } from "./services.ts";

/** Types of `CapException`; the position is the schema's number. */
export const EXCEPTION_TYPES = [
  "failed",
  "overloaded",
  "disconnected",
  "unimplemented",
  "invalidArgument",
] as const;
export type ExceptionType = (typeof EXCEPTION_TYPES)[number];

export interface ExceptionOutcome {
  readonly kind: "exception";
  readonly type: ExceptionType;
  readonly text: string;
}
export interface TransportOutcome {
  readonly kind: "transport";
  readonly code: TransportCode;
}
/** How a call ended, or that it will end later. */
export type CallOutcome =
  | { readonly kind: "message"; readonly bytes: Uint8Array; readonly caps: readonly ResultCap[] }
  | { readonly kind: "void" }
  | ExceptionOutcome
  | TransportOutcome
  | { readonly kind: "pending" }
  /** The calling thread is gone; nobody waits for a completion. */
  | { readonly kind: "none" };

/** What a handler returns. Nothing means success with the results as they were set. */
export type Reply =
  | undefined
  | ExceptionOutcome
  | TransportOutcome
  | { readonly kind: "caps"; readonly caps: readonly ResultCap[] }
  | { readonly kind: "pending" }
  | { readonly kind: "none" };

export const refuse = (type: ExceptionType, text: string): ExceptionOutcome => ({
  kind: "exception",
  type,
  text,
});
export const withCaps = (...caps: readonly ResultCap[]): Reply => ({ kind: "caps", caps });
/** The handler called `suspend` and keeps the token. */
export const PENDING = { kind: "pending" } as const;
export const NO_COMPLETION = { kind: "none" } as const;

/** A call that waits. Whoever keeps it completes it at most once; a cancelled token ignores completion. */
export interface PendingCall {
  /** Ends the call as returning `reply` from the handler would have. */
  complete(reply?: Reply): void;
  readonly process: Process;
}

/** What a handler knows of its call. */
export interface CallContext {
  readonly process: Process;
  readonly thread: Thread;
  readonly hold: Hold<KernelObject>;
  readonly services: KernelServices;
  /** Bytes of the caller's result buffer. */
  readonly resultLength: number;
  /**
   * For methods that hand out capabilities, before any effect: the refusal when the records do not fit behind a
   * result message without Text, Data or List, or when the caller cannot hold `caps` more with `framePages` pages.
   */
  refuseCaps(caps: number, framePages?: number): Reply;
  /** Takes one of a resource of the caller until the call ends; false when it has no more. */
  charge(resource: Resource): boolean;
  /** Leaves the call open; return `PENDING`. `onCancel` runs when the caller exits first. */
  suspend(onCancel: () => void): PendingCall;
  /** Who asks for what, for fault reports and traces. */
  provenance(): Provenance;
}

/** What the kernel supplies for a call; the rest of the context is made by `dispatch`. */
export interface CallSite {
  readonly process: Process;
  readonly thread: Thread;
  readonly hold: Hold<KernelObject>;
  readonly services: KernelServices;
  readonly resultLength: number;
  refuseCaps(recordsAt: number, caps: number, framePages: number): Reply;
  charge(resource: Resource): boolean;
  /** Registers an open call; completing it takes the outcome. */
  suspend(onCancel: () => void): { complete(outcome: CallOutcome): void };
  provenance(method: string, params: string): Provenance;
}

type StructClass = capnp.StructCtor<capnp.Struct>;
interface MethodRow {
  readonly methodId: number;
  readonly methodName?: string;
  readonly ParamsClass: StructClass;
  readonly ResultsClass: StructClass;
}
/** The static part of a generated interface class. */
interface SchemaInterface<Target> {
  readonly Client: { readonly interfaceId: bigint; readonly methods: readonly MethodRow[] };
  readonly Server: new (target: Target) => unknown;
  readonly _capnp: { readonly displayName: string };
}

/** One handler per method of the generated interface; they finish before they return. */
export type Handlers<Target, Behind> = {
  readonly [K in keyof Target]: Target[K] extends (params: infer P, results: infer R) => Promise<void>
    ? (object: Behind, context: CallContext, params: P, results: R) => Reply | void
    : never;
};
type AnyHandler<Behind> = (
  object: Behind,
  context: CallContext,
  params: capnp.Struct,
  results: capnp.Struct,
) => Reply | void;

interface HandleOptions {
  /** Methods without result fields that answer with an empty message and not with zero bytes. */
  readonly emptyMessage?: readonly string[];
}

/** An interface of the schema, to be given handlers for objects of one type. */
export function defineInterface<Target>(schema: SchemaInterface<Target>): {
  handle<Behind>(handlers: Handlers<Target, Behind>, options?: HandleOptions): Interface<Behind>;
} {
  return {
    handle: (handlers, options = {}) => {
      const methods = schema.Client.methods.map((row) => {
        const name = row.methodName ?? `method ${row.methodId}`;
        const handler = handlers[name as keyof Target] as unknown as AnyHandler<never>;
        return new Method(row, name, handler, options.emptyMessage?.includes(name) ?? false);
      });
      return new Interface(schema._capnp.displayName, schema.Client.interfaceId, methods);
    },
  };
}

/** An interface with its handlers; makes the kernel objects that have it. */
export class Interface<Behind> implements InterfaceInfo {
  readonly name: string;
  readonly id: bigint;
  readonly #methods: readonly Method[];

  constructor(name: string, id: bigint, methods: readonly Method[]) {
    this.name = name;
    this.id = id;
    this.#methods = methods;
  }

  methodName(method: number): string | undefined {
    return this.#methods[method]?.name;
  }

  /** A kernel object with `target` behind it. */
  capability(target: Behind, properties: ObjectProperties): KernelObject {
    return new SchemaObject(this, target, properties);
  }

  /** An unknown method is refused before the params are looked at. */
  dispatch(target: Behind, site: CallSite, method: number, params: Uint8Array): CallOutcome {
    const row = this.#methods[method];
    if (row === undefined) return refuse("unimplemented", `${this.name} has no method ${method}`);
    return row.run(target as never, site, params);
  }
}

class SchemaObject<Behind> extends KernelObject {
  readonly #interface: Interface<Behind>;
  readonly #target: Behind;

  constructor(definition: Interface<Behind>, target: Behind, properties: ObjectProperties) {
    super(definition, properties);
    this.#interface = definition;
    this.#target = target;
  }

  override dispatch(site: CallSite, method: number, params: Uint8Array): CallOutcome {
    return this.#interface.dispatch(this.#target, site, method, params);
  }
}

const FRAME_BYTES = 8;
const ROOT_POINTER_BYTES = 8;

class Method {
  readonly name: string;
  readonly #handler: AnyHandler<never>;
  readonly #paramsClass: StructClass;
  readonly #resultsClass: StructClass;
  /** Bytes of a results message without Text, Data or List; zero for a method that answers with zero bytes. */
  readonly #leastBytes: number;

  constructor(row: MethodRow, name: string, handler: AnyHandler<never>, emptyMessage: boolean) {
    this.name = name;
    this.#handler = handler;
    this.#paramsClass = row.ParamsClass;
    this.#resultsClass = row.ResultsClass;
    const { dataByteLength, pointerLength } = row.ResultsClass._capnp.size;
    const fields = dataByteLength + 8 * pointerLength;
    this.#leastBytes = fields === 0 && !emptyMessage ? 0 : FRAME_BYTES + ROOT_POINTER_BYTES + fields;
  }

  run(target: never, site: CallSite, bytes: Uint8Array): CallOutcome {
    if (site.resultLength < this.#leastBytes) return { kind: "transport", code: ERR.invalidResultBuffer };
    const params = readParams(this.#paramsClass, bytes);
    if (params === undefined) return refuse("invalidArgument", `malformed parameters of ${this.name}`);
    const results = emptyStruct(this.#resultsClass);
    const context = new MethodContext(site, this.name, params, this.#leastBytes, (reply) =>
      this.#finish(reply, results),
    );
    return this.#finish(this.#handler(target, context, params, results), results);
  }

  #finish(reply: Reply | void, results: capnp.Struct): CallOutcome {
    if (reply !== undefined && reply.kind !== "caps") return reply;
    const caps = reply?.caps ?? [];
    if (this.#leastBytes === 0) return { kind: "void" };
    return { kind: "message", bytes: new Uint8Array(results.segment.message.toArrayBuffer()), caps };
  }
}

class MethodContext implements CallContext {
  readonly process: Process;
  readonly thread: Thread;
  readonly hold: Hold<KernelObject>;
  readonly services: KernelServices;
  readonly resultLength: number;
  readonly #site: CallSite;
  readonly #method: string;
  readonly #params: capnp.Struct;
  readonly #leastBytes: number;
  readonly #finish: (reply: Reply) => CallOutcome;

  constructor(
    site: CallSite,
    method: string,
    params: capnp.Struct,
    leastBytes: number,
    finish: (reply: Reply) => CallOutcome,
  ) {
    this.process = site.process;
    this.thread = site.thread;
    this.hold = site.hold;
    this.services = site.services;
    this.resultLength = site.resultLength;
    this.#site = site;
    this.#method = method;
    this.#params = params;
    this.#leastBytes = leastBytes;
    this.#finish = finish;
  }

  refuseCaps(caps: number, framePages = 0): Reply {
    return this.#site.refuseCaps(this.#leastBytes, caps, framePages);
  }

  charge(resource: Resource): boolean {
    return this.#site.charge(resource);
  }

  suspend(onCancel: () => void): PendingCall {
    const open = this.#site.suspend(onCancel);
    return { process: this.process, complete: (reply) => open.complete(this.#finish(reply)) };
  }

  provenance(): Provenance {
    return this.#site.provenance(this.#method, describeParams(this.#params));
  }
}
