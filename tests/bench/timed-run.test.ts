import { expect, test } from "vitest";
import { timedRun } from "../../bench/support/timed-run.ts";

const node = (code: string, measure: "wall" | "cpu") => timedRun(process.execPath, ["-e", code], measure);

test("processor time leaves out what a process waits, and gives its output unchanged", () => {
  const code = "console.log('out'); console.error('err'); setTimeout(() => {}, 3000)";
  expect(node(code, "cpu")).toMatchObject({ stdout: "out\n", stderr: "err\n" });
  const [wall, cpu] = [node(code, "wall"), node(code, "cpu")];
  if ("problem" in wall || "problem" in cpu) throw new Error("no time");
  expect(wall.ms).toBeGreaterThanOrEqual(3000);
  expect(cpu.ms).toBeLessThan(wall.ms - 1000);
  expect(cpu.ms).toBeGreaterThan(0);
});

test("a run that fails has no time, however it is measured", () => {
  for (const measure of ["wall", "cpu"] as const) {
    expect(node("process.exit(3)", measure)).toEqual({ problem: "exit code 3" });
  }
});
