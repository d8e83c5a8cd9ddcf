/** Binding an interface to handlers: types, the zero-byte rule, and calls that complete later. */

import { describe, expect, test } from "vitest";
import type { CallOutcome, CallSite, PendingCall } from "../../src/kernel/call.ts";
import { defineInterface, PENDING, refuse } from "../../src/kernel/call.ts";
import { ProcessHandle, ProcessHandle_Wait$Results, Timer } from "../../src/kernel/schema/kernel.ts";
import { EMPTY, parse } from "./guest.ts";

/** A call site of which only the parts that `dispatch` itself uses exist. */
function site(resultLength = 512): CallSite & { readonly later: CallOutcome[] } {
  const later: CallOutcome[] = [];
  const used = {
    resultLength,
    later,
    suspend: () => ({ complete: (outcome: CallOutcome) => later.push(outcome) }),
  };
  return used as unknown as CallSite & { readonly later: CallOutcome[] };
}

describe("a defined interface", () => {
  test("has the schema's id and method names, and must handle every method", () => {
    const timer = defineInterface(Timer).handle<null>({ now: () => undefined, sleep: () => undefined });
    expect([timer.id, timer.methodName(0), timer.methodName(1), timer.methodName(2)]).toEqual([
      Timer.Client.interfaceId,
      "now",
      "sleep",
      undefined,
    ]);
    // @ts-expect-error a method is missing
    const incomplete = defineInterface(Timer).handle<null>({ now: () => undefined });
    expect(incomplete.id).toBe(timer.id);
  });

  test("answers with zero bytes when there are no result fields, or with a message when told so", () => {
    const handlers = { wait: () => undefined, terminate: () => undefined };
    const plain = defineInterface(ProcessHandle).handle<null>(handlers);
    expect(plain.dispatch(null, site(0), 1, EMPTY)).toEqual({ kind: "void" });
    const message = defineInterface(ProcessHandle).handle<null>(handlers, { emptyMessage: ["terminate"] });
    expect(message.dispatch(null, site(), 1, EMPTY)).toEqual({ kind: "message", bytes: EMPTY, caps: [] });
    expect(message.dispatch(null, site(15), 1, EMPTY)).toEqual({ kind: "transport", code: -3 });
  });

  test("refuses unknown methods before malformed params, and those before the handler", () => {
    let ran = 0;
    const handle = defineInterface(ProcessHandle).handle<null>({
      wait: () => undefined,
      terminate: () => void ran++,
    });
    const malformed = new Uint8Array(3);
    expect(handle.dispatch(null, site(), 2, malformed)).toMatchObject({ type: "unimplemented" });
    expect(handle.dispatch(null, site(), 1, malformed)).toMatchObject({ type: "invalidArgument" });
    expect(ran).toBe(0);
  });

  test("completes later with the results as they are then, or with a refusal", () => {
    const kept: (() => void)[] = [];
    const waiting: PendingCall[] = [];
    const handle = defineInterface(ProcessHandle).handle<null>({
      wait(_target, context, _params, results) {
        const pending = context.suspend(() => undefined);
        waiting.push(pending);
        kept.push(() => {
          results.exitCode = 6n;
          pending.complete();
        });
        return PENDING;
      },
      terminate: () => undefined,
    });
    const first = site();
    expect(handle.dispatch(null, first, 0, EMPTY)).toEqual({ kind: "pending" });
    expect(first.later).toEqual([]);
    kept[0]?.();
    const [outcome] = first.later;
    if (outcome?.kind !== "message") throw new Error("no message");
    expect(parse(ProcessHandle_Wait$Results, outcome.bytes).exitCode).toBe(6n);
    const second = site();
    handle.dispatch(null, second, 0, EMPTY);
    waiting[1]?.complete(refuse("failed", "no"));
    expect(second.later).toEqual([{ kind: "exception", type: "failed", text: "no" }]);
  });
});
