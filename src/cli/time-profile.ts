/**
 * Where the time of a run goes, from V8's sampling profiler. A sample is a stack; the innermost function that is
 * known decides what the time was spent on:
 *
 *   ... engine.run > unit                      the unit's own time
 *   ... engine.run > unit > helper > ...       helpers
 *   ... engine.run > ... > runPasses > ...     passes, and so on for the parts of the translator
 *   ... engine.run > ...                       dispatch
 *   ... kernel.handle > ...                    kernel
 *
 * Units are told by what their functions are called: `b_401000` or `region_401000` in JavaScript, and what `FUNCTION_NAMES` gives in
 * WebAssembly.
 */

import { type Profiler, Session } from "node:inspector";

export const PHASES = [
  "guest code",
  "helpers",
  "dispatch",
  "lift",
  "passes",
  "emit",
  "compile",
  "kernel",
  "set-up",
  "garbage collection",
  "host",
] as const;
export type Phase = (typeof PHASES)[number];

/** Own time of one unit. */
export interface UnitTime {
  /** `block`, `batch` or `region`. */
  readonly form: string;
  readonly language: "JavaScript" | "WebAssembly";
  readonly address: number;
  ms: number;
  samples: number;
}

export interface TimeProfile {
  readonly ms: Readonly<Record<Phase, number>>;
  readonly samples: number;
  /** The longest first. */
  readonly units: readonly UnitTime[];
}

/** Function name to what its time and that of everything it calls counts as. */
export type Marks = ReadonlyMap<string, Phase>;

/** The part of a profile that is read. */
export type RawProfile = Pick<Profiler.Profile, "nodes" | "samples" | "timeDeltas">;

const INTERVAL_US = 500;

/** Runs `work` under the profiler; what it throws passes through. */
export function profiled<T>(work: () => T): { readonly result: T; readonly profile: RawProfile } {
  const session = new Session();
  session.connect();
  try {
    session.post("Profiler.enable");
    session.post("Profiler.setSamplingInterval", { interval: INTERVAL_US });
    session.post("Profiler.start");
    const result = work();
    let profile: RawProfile | undefined;
    session.post("Profiler.stop", (failure, stopped) => {
      if (failure !== null) throw failure;
      profile = stopped.profile;
    });
    if (profile === undefined) throw new Error("the profiler gave no profile");
    return { result, profile };
  } finally {
    session.disconnect();
  }
}

/** Frames of V8 itself. */
const HOST_FRAMES: ReadonlyMap<string, Phase | "idle"> = new Map([
  ["(garbage collector)", "garbage collection"],
  ["(program)", "host"],
  ["(root)", "host"],
  ["(idle)", "idle"],
]);

type Frame = RawProfile["nodes"][number]["callFrame"];

export const isUnit = ({ url }: Frame): boolean => url.startsWith("capjit://") || url.startsWith("wasm://");

const FORMS: ReadonlyMap<string, string> = new Map([["b", "block"]]);

/** The unit that a function is; undefined for functions that units share, which have no name of their own. */
function unitOf({ functionName, url }: Frame): Omit<UnitTime, "ms" | "samples"> | undefined {
  const match = /^([a-z]+)_([0-9a-f]+)(?:_[0-9]+)?$/.exec(functionName);
  const [, form = "", address = ""] = match ?? [];
  if (match === null) return undefined;
  const language = url.startsWith("wasm://") ? "WebAssembly" : "JavaScript";
  return { form: FORMS.get(form) ?? form, language, address: parseInt(address, 16) };
}

interface Place {
  readonly phase: Phase | "idle";
  readonly unit: UnitTime | undefined;
}

/** Says for each node of a profile what its own time counts as. */
class Placer {
  readonly units = new Map<string, UnitTime>();
  readonly #nodes: ReadonlyMap<number, RawProfile["nodes"][number]>;
  readonly #parents = new Map<number, number>();
  readonly #marks: Marks;
  readonly #known = new Map<number, Place>();

  constructor({ nodes }: RawProfile, marks: Marks) {
    this.#marks = marks;
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
    for (const { id, children = [] } of nodes) for (const child of children) this.#parents.set(child, id);
  }

  place(id: number): Place {
    let place = this.#known.get(id);
    if (place === undefined) this.#known.set(id, (place = this.#find(id)));
    return place;
  }

  #find(id: number): Place {
    const own = this.#nodes.get(id)?.callFrame;
    const host = HOST_FRAMES.get(own?.functionName ?? "");
    if (host !== undefined) return { phase: host, unit: undefined };
    const unit = own === undefined || !isUnit(own) ? undefined : this.#unit(own);
    if (unit !== undefined) return { phase: "guest code", unit };
    return { phase: this.#phaseOf(id), unit: undefined };
  }

  /** The innermost function that is known. */
  #phaseOf(id: number): Phase {
    for (let at: number | undefined = id; at !== undefined; at = this.#parents.get(at)) {
      const frame = this.#nodes.get(at)?.callFrame;
      if (frame === undefined) break;
      if (isUnit(frame)) return "helpers";
      const mark = this.#marks.get(frame.functionName);
      if (mark !== undefined) return mark;
    }
    return "host";
  }

  #unit(frame: Frame): UnitTime | undefined {
    const found = unitOf(frame);
    if (found === undefined) return undefined;
    const key = `${found.language} ${found.form} ${found.address}`;
    let unit = this.units.get(key);
    if (unit === undefined) this.units.set(key, (unit = { ...found, ms: 0, samples: 0 }));
    return unit;
  }
}

export function readProfile(profile: RawProfile, marks: Marks): TimeProfile {
  const placer = new Placer(profile, marks);
  const ms = Object.fromEntries(PHASES.map((phase) => [phase, 0])) as Record<Phase, number>;
  const { samples = [], timeDeltas = [] } = profile;
  let counted = 0;
  for (const [k, id] of samples.entries()) {
    const { phase, unit } = placer.place(id);
    if (phase === "idle") continue;
    // A delta is the time before its sample; now and then one is negative.
    const spent = Math.max(0, timeDeltas[k] ?? 0) / 1000;
    counted++;
    ms[phase] += spent;
    if (unit === undefined) continue;
    unit.ms += spent;
    unit.samples++;
  }
  return { ms, samples: counted, units: [...placer.units.values()].sort((a, b) => b.ms - a.ms) };
}
