/** Recorded results of a processor, replayed without one: every implemented encoding, on every way to run code. */

import { describe, expect, test } from "vitest";
import { decode } from "../../src/frontend/decode.ts";
import { disassemble } from "../../src/frontend/disassemble.ts";
import { newInstruction } from "../../src/frontend/instruction.ts";
import { EVEX_ROW } from "../../src/frontend/tables/vex.ts";
import { EXECUTORS } from "../support/executors.ts";
import { CODE_PAGE, type TestCase } from "../support/state.ts";
import { changesText, parseVector } from "../support/vector.ts";
import { implementedByMap, isHostsOwn, readRecorded } from "./files.ts";

const MAX_REPORTS = 20;
const MAPS = implementedByMap();

const insn = newInstruction(EVEX_ROW);

/** Flags that the row leaves undefined; they are not in the recording. */
function undefinedFlags({ code, state }: TestCase): number {
  decode(code, 0, code.length, Number(state.rip), insn);
  return insn.row.undefinedFlags;
}

describe.each([...MAPS.keys()])("map %j", (map) => {
  const recorded = readRecorded(map);
  const places = MAPS.get(map) ?? [];

  test("every implemented encoding has recorded results", () => {
    const without = places.filter(
      ({ key, encoding }) => !isHostsOwn(encoding) && (recorded[key]?.length ?? 0) === 0,
    );
    expect(without.map(({ key }) => key)).toEqual([]);
  });

  // The evaluator and the translator take turns: each encoding comes to all of them.
  test("what was recorded happens", { timeout: 240_000 }, () => {
    const executors = EXECUTORS.map(({ name, make }) => ({ name, executor: make() }));
    const reports: string[] = [];
    for (const { key } of places) {
      for (const [i, line] of (recorded[key] ?? []).entries()) {
        const { test: experiment, changes } = parseVector(line);
        for (const turn of [i, i + 2]) {
          const { name, executor } = executors[turn % executors.length]!;
          const got = changesText(experiment, executor.run(experiment), undefinedFlags(experiment));
          if (got === changes) continue;
          const { text } = disassemble(experiment.code, CODE_PAGE);
          reports.push(
            `${key}: ${line.split(" ", 2).join(" ")}  ${text}, on ${name}\n  wanted ${changes}\n  got    ${got}`,
          );
        }
      }
    }
    expect(reports.slice(0, MAX_REPORTS).join("\n")).toBe("");
  });
});
