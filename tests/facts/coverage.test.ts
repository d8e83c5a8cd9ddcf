/** Every group of the published facts is compared by a test that reads its data, or is named as not built. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readFacts } from "./facts.ts";

const { groups } = readFacts<{ groups: readonly string[] }>("abi-groups");

/** Group to the test files, each with the data file it reads; the word must occur in data and test. */
const TESTED: Readonly<Record<string, readonly (readonly [test: string, data: string, word: string])[]>> = {
  constants: [["tests/facts/constants.test.ts", "abi-constants", "constants"]],
  structs: [
    ["tests/facts/structs.test.ts", "abi-structs", "structs"],
    ["tests/kernel/capset.test.ts", "capset-layout", "CapSetEntry"],
  ],
  initial_ring_header_hex: [
    ["tests/facts/structs.test.ts", "abi-structs", "initial_ring_header_hex"],
    ["tests/kernel/ring.test.ts", "ring", "initial_ring_header_hex"],
  ],
  interface_ids: [["tests/facts/interface-ids.test.ts", "abi-interface-ids", "interface_ids"]],
  all_interface_ids: [["tests/facts/interface-ids.test.ts", "abi-interface-ids", "all_interface_ids"]],
  kernel_cap_sources: [
    ["tests/facts/interface-ids.test.ts", "kernel-sources", "kernel_cap_sources"],
    ["tests/facts/interface-ids.test.ts", "abi-interface-ids", "manifest_names"],
    ["tests/kernel/spawn.test.ts", "kernel-sources", "kernel_cap_sources"],
  ],
  interfaces: [["tests/kernel/schema.test.ts", "schema", "interfaces"]],
  schema_structs: [["tests/kernel/schema.test.ts", "schema", "structs"]],
  schema_enums: [["tests/kernel/schema.test.ts", "schema", "enums"]],
  sqe_wire_validation: [["tests/kernel/wire.test.ts", "ring", "sqe_wire_validation"]],
  ring_index_checks: [["tests/kernel/ring.test.ts", "ring", "ring_index_checks"]],
  transfer_checks: [["tests/kernel/transfers.test.ts", "ring", "transfer_checks"]],
  cap_table_trace: [["tests/kernel/capability.test.ts", "cap-table-trace", "walk"]],
  frame_bitmap_trace: [["tests/kernel/frame-allocator.test.ts", "frame-bitmap-trace", "walk"]],
  elf_vectors: [["tests/kernel/elf.test.ts", "elf-vectors", "total_len"]],
  service_object_facet_vectors: [["tests/kernel/spawn.test.ts", "ring", "service_object_facet_vectors"]],
  endpoint_session_reference_vector: [
    ["tests/kernel/session.test.ts", "hashes", "endpoint_session_reference_vector"],
  ],
  content_hash_vectors: [["tests/kernel/session.test.ts", "hashes", "content_hash_vectors"]],
  smoke_trace: [["tests/kernel/smoke.test.ts", "smoke-trace", "steps"]],
  client_calls: [
    ["tests/facts/client-calls.test.ts", "messages", "client_calls"],
    ["tests/kernel/message.test.ts", "messages", "client_calls"],
    ["tests/kernel/caps/client-calls.test.ts", "client-calls", "calls"],
  ],
  golden_messages: [
    ["tests/facts/messages.test.ts", "messages", "reader_behaviour"],
    ["tests/facts/messages.test.ts", "ring", "ring_client_sqes"],
    ["tests/kernel/wire.test.ts", "ring", "ring_client_sqes"],
  ],
};

const NOT_BUILT: Readonly<Record<string, string>> = {
  meta: "says how the facts were made",
  schema_file_id:
    "the id of the published file; ours is another file with its own, and no message carries either",
  frame_ledger_trace:
    "frames are counted by references and pages by the frame grant (MMU-3, KER-3); there is no list of tracked frames",
  receiver_cookie_vectors: "programs make and read them; the kernel carries any 64-bit badge unchanged",
  device_request_vectors: "there are no devices: no DMA, no MMIO, no interrupts",
};

const path = (name: string): URL => new URL(`../../${name}`, import.meta.url);
const textOf = (name: string): string => readFileSync(path(name), "utf8");

test("every group is tested or named as not built, and none is both", () => {
  expect([...Object.keys(TESTED), ...Object.keys(NOT_BUILT)].sort()).toEqual([...groups].sort());
});

describe.each(Object.entries(TESTED))("%s", (_group, rows) => {
  test.each(rows)("in %s with %s.json", (file, data, word) => {
    const name = `tests/data/${data}.json`;
    expect([existsSync(path(file)), existsSync(path(name))]).toEqual([true, true]);
    expect(textOf(name)).toContain(`"${word}"`);
    const test = textOf(file);
    expect(test).toMatch(new RegExp(`\\b${data}(\\.json)?"`));
    expect(test).toMatch(new RegExp(`\\b${word}\\b`));
  });
});

test.each(Object.entries(NOT_BUILT))("%s is not built, for a reason of one line", (_group, reason) => {
  expect(reason.length).toBeGreaterThan(10);
  expect(reason).not.toContain("\n");
});
