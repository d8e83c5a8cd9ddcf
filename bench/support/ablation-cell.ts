/** One cell of the ablation table, in a process of its own: `node ablation-cell.js PROGRAM SCALE OPTIONS`. */

import { DEFAULT_OPTIONS, type JitOptions } from "../../src/jit/options.ts";
import { singleProgram } from "../../src/scenario.ts";
import { guestRun } from "./guest-run.ts";
import { countOption, programsOption, refuse } from "./options.ts";
import { scaledBytes } from "./programs-on-disk.ts";

const [programText = "", scaleText = "", overrides = "{}"] = process.argv.slice(2);
const [program = refuse("give a program")] = programsOption(programText);
const scale = countOption("scale", scaleText);
const jit: JitOptions = { ...DEFAULT_OPTIONS, ...(JSON.parse(overrides) as Partial<JitOptions>) };
console.log(guestRun(singleProgram(program, scaledBytes(program, "guest", scale)), jit).cpuMs);
