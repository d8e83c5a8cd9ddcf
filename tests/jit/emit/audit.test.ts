/** JIT-6: the audit accepts what the emitters write and refuses everything that could reach out of it. */

import { describe, expect, test } from "vitest";
import { InvariantError } from "../../../src/invariant.ts";
import { auditSource } from "../../../src/jit/emit/javascript/audit.ts";
import { CodeText, identifiers, js, textOf } from "../../../src/jit/emit/javascript/code.ts";
import { instantiate } from "../../../src/jit/emit/javascript/compile.ts";

const GOOD = `"use strict";
const ld32 = H.ld32;
const c0 = C[0];
const b_401000 = (function b_401000() {
let r128 = I[1056], e = 0;
const T = I[1033];
try {
for (;;) {
const v1 = (e = I[T + (r128 >>> 12) | 0]) & 1 ? I[e + r128 >> 2] : ld32(r128, 0, 256);
r128 = (v1 + 5 | 0);
if ((I[1032] -= 3) > 0) continue;
return c0;
}
} catch (x) {
I[1056] = r128;
throw x;
}
});
const b_401010 = (function b_401010() {
let r128 = 0;
try {
r128 = ld32(I[1058], I[1059], 0);
return c0;
} finally {
I[1056] = r128;
}
});
return [b_401000, b_401010];
//# sourceURL=capjit://b_401000.js
`;

const GOOD_REGION = `"use strict";
const stopAt = H.stopAt, caught = H.caught, goOn = H.goOn;
const c0 = C[0], c1 = C[1];
const b_401000 = (function b_401000() {
let n = I[1032], e = 0, d = 0, q = c0, k = 0, r128 = I[1056];
try {
again: for (;;) {
l1: {
l0: {
switch (k) {
case 0: break l0;
case 1: break l1;
}
}
h0: for (;;) {
n = n - 3 | 0;
if (n <= 0) stopAt(4198400, 0, 2);
if (r128 === 0) break l1;
continue h0;
}
}
d = I[1035];
q = c1.run();
if (!(q === c0 && I[1024] === 4198416) && !goOn(q, 4198416, 0)) return null;
k = 1; continue again;
}
} catch (x) {
const s = caught(x, U[0]);
if (s >= 2) {
I[1056] = r128;
}
return null;
}
});
return [b_401000];
`;

test("accepts emitted text", () => {
  expect(auditSource(GOOD)).toEqual([]);
  expect(auditSource(GOOD_REGION)).toEqual([]);
});

describe("sabotage: JIT-6 is reported for", () => {
  test.each([
    ["a global", "return globalThis;"],
    ["an unknown name", "return process;"],
    ["a call to an unknown function", "return alert(1);"],
    ["a throw of a value", "const v1 = 1; throw v1;"],
    ["a throw of a helper's result", "throw ld32(1);"],
    ["a call of a function expression", "(function b_1() {})();"],
    ["a function expression with a strange parameter", "const b_1 = (function b_1(a) {});"],
    ["a function expression that can wait", "const b_1 = (async function b_1() {});"],
    ["a call of a call", "return ld32(1)(2);"],
    ["a computed call", "return I[0](1);"],
    ["a property of a value", "return v1.constructor;"],
    ["a property of the helpers that is none", "return H.constructor;"],
    ["a computed property of the helpers", "return H[0];"],
    ["an element of a value", "return v1[0];"],
    ["a string", 'return "text";'],
    ["a template", "return `text`;"],
    ["a regular expression", "return /x/;"],
    ["a double", "return 0.5;"],
    ["a big integer", "return 1n;"],
    ["this", "return this;"],
    ["new", "return new ld32(1);"],
    ["an arrow function", "return () => 1;"],
    ["an async function", "async function b_1() { return 1; }"],
    ["a loop with a condition", "for (; v1;) { return 1; }"],
    ["while", "while (true) { return 1; }"],
    ["a strange label", "v1: for (;;) { continue v1; }"],
    ["a break out of nothing", "for (;;) { break; }"],
    ["a switch over a value", "const v1 = 1; switch (v1) { case 1: return 1; }"],
    ["a case that is no number", "let k = 0; const v1 = 1; switch (k) { case v1: return 1; }"],
    ["a default case", "let k = 0; switch (k) { default: return 1; }"],
    ["a call of another property of a cell", "const c0 = C[0]; return c0.constructor();"],
    ["what a cell runs with an argument", "const c0 = C[0]; return c0.run(1);"],
    ["what a value runs", "const v1 = 1; return v1.run();"],
    ["assignment to a helper", "ld32 = 1;"],
    ["assignment to a cell element", "C[0] = 1;"],
    ["assignment to a property", "H.ld32 = 1;"],
    ["another assignment operator", "v1 += 1;"],
    ["multiplication", "return v1 * v1;"],
    ["typeof", "return typeof v1;"],
    ["spread", "return ld32(...I);"],
    ["destructuring", "const [v1] = I;"],
    ["var", "var v1 = 1;"],
    ["another directive", '"use asm";'],
    ["import", "return import(v1);"],
    ["a comment", "/* hello */ return 1;"],
    ["an array of values", "return [v1];"],
    ["an object", "return ({});"],
    ["a name in a finally clause", "try { return 1; } finally { process; }"],
    ["optional access", "return I?.[0];"],
    ["text that does not parse", "return ("],
  ])("%s", (_title, text) => {
    const broken = auditSource(text);
    expect(broken.length).toBeGreaterThan(0);
    for (const line of broken) expect(line).toMatch(/^JIT-6 /);
  });
});

test("full checks refuse a source before it runs; without checks nothing is parsed", () => {
  const text = new CodeText();
  text.line(js`return this;`);
  const run = (checks: "full" | "off"): unknown => instantiate(text, new Set(), { helpers: {}, checks });
  expect(() => run("full")).toThrow(InvariantError);
  expect(() => run("full")).toThrow(/^JIT-6 /);
  expect(run("off")).toBeUndefined();
});

describe("the builder admits only code and safe integers", () => {
  test("numbers", () => {
    expect(textOf(js`${1} - ${-5}`)).toBe("1 - (-5)");
    for (const bad of [0.5, NaN, Infinity, 2 ** 53]) expect(() => js`${bad}`).toThrow(/^JIT-6 /);
  });

  test("a string does not compile, and does not run either", () => {
    // @ts-expect-error a string is not code
    expect(() => js`${"alert(1)"}`).toThrow(/^JIT-6 /);
    // @ts-expect-error nor is an object that looks like code
    expect(() => js`${{ text: "alert(1)", deps: 0, constant: undefined, atom: true }}`).toThrow(/^JIT-6 /);
  });

  test("names are words", () => {
    expect(() => identifiers(["a b"])).toThrow(/^JIT-6 /);
    expect(textOf(identifiers(["abc"]).abc)).toBe("abc");
  });
});
