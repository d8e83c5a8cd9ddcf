/** What `capjit bench --explain` found, as text and as JSON. */

import type { ExplainedUnit, Explanation } from "./bench-explain.ts";
import { describeOutcome, duration, grouped, scaled } from "./summary.ts";
import { figure, tableText } from "./table.ts";
import { type Phase, PHASES } from "./time-profile.ts";

export interface Shown {
  readonly name: string;
  readonly tier: string;
  /** Units to show. */
  readonly top: number;
}

const MEANINGS: Readonly<Record<Phase, string>> = {
  "guest code": "translated units",
  helpers: "slow memory accesses, and what the host cannot do itself",
  dispatch: "from unit to unit, look-ups, invalidation",
  lift: "decoding and IR",
  passes: "optimisations of the IR",
  emit: "IR to JavaScript or WebAssembly",
  compile: "JavaScript and WebAssembly to functions, in V8",
  kernel: "capability calls, scheduling, loading",
  "set-up": "memory, kernel and the first process",
  "garbage collection": "",
  host: "V8 and Node themselves",
};

/** Why units were left, or runs ended: what it is called, how often. */
type Reason = readonly [what: string, count: number];

function exitReasons({ exits, jit }: Explanation): Reason[] {
  const runs = [...exits.values()].reduce((sum, count) => sum + count, 0);
  const { follows, followMisses, lookups, leaves, stepsRun } = jit;
  return [
    ["to a unit that is not linked", follows],
    ["  of these not in the jump cache", followMisses],
    ["back to the loop of the engine", lookups],
    ["  of these to the kernel: system call", exits.get("syscall") ?? 0],
    ["  of these to the kernel: fault", exits.get("fault") ?? 0],
    ["  of these to the kernel: end of the slice", exits.get("budget") ?? 0],
    ["  of these a store to translated code", leaves],
    ["  of these other: a sample, code not seen before", Math.max(0, lookups - runs - leaves)],
    ["instructions run alone", stepsRun],
  ];
}

const memoryRows = ({ mmu }: Explanation): Reason[] => [
  ["TLB fills", mmu.tlbFills],
  ["TLB flushes", mmu.tlbFlushes],
  ["accesses on the slow path", mmu.slowAccesses],
];

const translationRows = ({ jit }: Explanation): Reason[] => [
  ["blocks translated", jit.unitsTranslated],
  ["instructions in them", jit.instructionsTranslated],
  ["blocks compiled again for speed", jit.unitsSharpened],
  ["regions compiled", jit.regionsCompiled],
  ["calls bound", jit.callsBound],
  ["calls unbound", jit.callsUnbound],
  ["pages dropped: written", jit.invalidations.write.pages],
  ["pages dropped: unmapped", jit.invalidations.unmap.pages],
  ["pages dropped: protected", jit.invalidations.protect.pages],
];

const totalMs = ({ profile }: Explanation): number =>
  PHASES.reduce((sum, phase) => sum + profile.ms[phase], 0);

const share = (part: number, whole: number): string =>
  `${((100 * part) / Math.max(whole, 1e-9)).toFixed(1)} %`;

const formOf = ({ form, language }: ExplainedUnit): string =>
  `${form}${form === "block" ? `, ${language}` : ""}`;

export function explanationText(explained: Explanation, { name, tier, top }: Shown): string {
  const { outcome, instructions, wallMs, profile, units } = explained;
  const total = totalMs(explained);
  const perThousand = (count: number): string => figure((count * 1000) / Math.max(instructions, 1));
  const counted = (title: string, rows: readonly Reason[]): string =>
    tableText(
      [title, "count", "per 1000"],
      rows.map(([what, count]) => [what, grouped(count), perThousand(count)]),
    );
  const phases = PHASES.filter((phase) => profile.ms[phase] > 0).map((phase) => [
    phase,
    figure(profile.ms[phase]),
    share(profile.ms[phase], total),
    `  ${MEANINGS[phase]}`,
  ]);
  const shown = units
    .slice(0, top)
    .map((unit) => [
      `0x${unit.address.toString(16)}`,
      formOf(unit),
      figure(unit.ms),
      share(unit.ms, total),
      `  ${unit.symbols.join(", ")}`,
    ]);
  const rate = scaled(instructions / Math.max(wallMs / 1000, 1e-9));
  return [
    `${name}, tier ${tier}: ${describeOutcome(outcome)}`,
    `${grouped(instructions)} guest instructions in ${duration(wallMs)}, ${rate} per second`,
    "",
    columns(["time", "ms", "share", ""], phases),
    "",
    columns(["hottest units", "form", "ms", "share", ""], shown),
    ...(units.length > top ? [`and ${units.length - top} more`] : []),
    "",
    counted("units left", exitReasons(explained)),
    "",
    counted("guest memory", memoryRows(explained)),
    "",
    counted("calls of helpers", explained.helperCalls),
    "",
    counted("translation", translationRows(explained)),
    "",
    `Times: ${profile.samples} samples of V8's profiler. Counts: of a second run, the same to the byte; per 1000`,
    "guest instructions. A unit is a block, a batch of blocks or a region.",
  ].join("\n");
}

/** The last column is text. */
function columns(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = Math.max(0, ...rows.map((row) => row.at(-1)?.length ?? 0));
  return tableText(
    header,
    rows.map((row) => [...row.slice(0, -1), (row.at(-1) ?? "").padEnd(width)]),
  );
}

export function explanationJson(explained: Explanation, { name, tier, top }: Shown): string {
  const { outcome, instructions, wallMs, profile, units, helperCalls } = explained;
  return JSON.stringify({
    name,
    tier,
    outcome: outcome.kind,
    exitCode: outcome.kind === "exited" ? Number(outcome.exitCode) : null,
    instructions,
    wallMs,
    samples: profile.samples,
    phasesMs: profile.ms,
    units: units.slice(0, top).map(({ address, symbols, form, language, ms, samples }) => ({
      address: `0x${address.toString(16)}`,
      symbols,
      form,
      language,
      ms,
      samples,
      share: ms / Math.max(totalMs(explained), 1e-9),
    })),
    left: Object.fromEntries(exitReasons(explained).map(([what, count]) => [what.trim(), count])),
    memory: Object.fromEntries(memoryRows(explained)),
    helperCalls: Object.fromEntries(helperCalls),
    translation: Object.fromEntries(translationRows(explained)),
  });
}
