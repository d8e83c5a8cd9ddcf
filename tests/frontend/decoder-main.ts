/** `npm run check:decoder [-- strings [seed]]`: our decoder against iced-x86, ten million byte strings by default. */

import { compareDecoders } from "./decoder-check.ts";
import { RULES } from "./decoder-rules.ts";

const [strings = 10_000_000, seed = 1] = process.argv.slice(2).map(Number);
const start = performance.now();
const found = compareDecoders(strings, seed);
for (const rule of RULES) {
  const count = found.explained.get(rule) ?? 0;
  console.log(`${String(count).padStart(9)}  ${rule.kind.padEnd(8)}  ${rule.why}`);
}
for (const line of found.unexplained) console.log(line);
const seconds = Math.round((performance.now() - start) / 1000);
console.log(
  `${found.strings} byte strings, ${found.texts} instructions compared, ${found.notEntered} of VEX and EVEX not entered: ` +
    `${found.unexplained.length} unexplained (seed ${seed}, ${seconds} s)`,
);
if (found.unexplained.length > 0) process.exitCode = 1;
