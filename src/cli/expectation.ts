/** Compares a run with what its scenario expects, while it runs: only the few lines a difference shows are kept. */

import type { Outcome } from "../run-result.ts";
import type { Expectation } from "../scenario.ts";
import { describeOutcome } from "./summary.ts";

const SHOWN_LINES = 5;
/** Longer lines are cut; no expectation can be that long. */
const MAX_LINE = 1 << 20;

/** Field: `#met` = expected lines seen so far, in order; `#since` = the first lines after the last of them. */
export class ExpectationCheck {
  readonly #expect: Expectation;
  readonly #decoder = new TextDecoder();
  #line = "";
  #met = 0;
  #since: string[] = [];
  #sinceCount = 0;

  constructor(expect: Expectation) {
    this.#expect = expect;
  }

  /** Console output as it comes. */
  feed(bytes: Uint8Array): void {
    if (this.#expect.console === undefined) return;
    const parts = this.#decoder.decode(bytes, { stream: true }).split("\n");
    for (const [i, part] of parts.entries()) {
      if (i > 0) this.#endLine();
      if (this.#line.length < MAX_LINE) this.#line += part;
    }
  }

  #endLine(): void {
    const line = this.#line;
    this.#line = "";
    if (line === this.#expect.console?.[this.#met]) {
      this.#met++;
      this.#since = [];
      this.#sinceCount = 0;
    } else if (line !== "") {
      if (this.#since.length < SHOWN_LINES) this.#since.push(line);
      this.#sinceCount++;
    }
  }

  /** What was missed, as a difference a person can read, or undefined when everything was met. */
  missed(outcome: Outcome): string | undefined {
    const { console: lines = [], exitCode } = this.#expect;
    this.#endLine();
    const wanted = lines[this.#met];
    if (wanted !== undefined) return this.#missedLine(wanted);
    if (exitCode === undefined) return undefined;
    if (outcome.kind === "exited" && outcome.exitCode === BigInt(exitCode)) return undefined;
    const got = outcome.kind === "exited" ? String(outcome.exitCode) : describeOutcome(outcome);
    return `exit code of init\n- ${exitCode}\n+ ${got}`;
  }

  #missedLine(wanted: string): string {
    const after = this.#met === 0 ? "the start" : `expected line ${this.#met}`;
    const more = this.#sinceCount - this.#since.length;
    return [
      `console line ${this.#met + 1} of the expectation is missing after ${after}`,
      `- ${wanted}`,
      ...this.#since.map((line) => `+ ${line}`),
      ...(more > 0 ? [`+ ... ${more} more lines`] : []),
    ].join("\n");
  }
}
