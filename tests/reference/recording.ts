/** Jobs and the reference's answers as they are checked in: packed, so that they stay small. */

import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Job, JobKind } from "./jobs.ts";
import { KIND_BYTES, Reader, Writer } from "./jobs.ts";

export interface RecordedGroup {
  readonly kind: string;
  readonly jobs: number;
  /** Base64 of the deflated jobs and answers, in the form the program reads and writes. */
  readonly input: string;
  readonly output: string;
}
export type Recording = readonly RecordedGroup[];

const pack = (bytes: Uint8Array): string => deflateRawSync(bytes, { level: 9 }).toString("base64");
const unpack = (text: string): Uint8Array => Uint8Array.from(inflateRawSync(Buffer.from(text, "base64")));

export function encodeRecording(jobs: readonly Job[], answers: readonly Uint8Array[]): RecordedGroup {
  const input = new Writer();
  const output = new Writer();
  for (const { kind, payload } of jobs) {
    input.u8(KIND_BYTES[kind].charCodeAt(0)).u32(payload.length).raw(payload);
  }
  for (const answer of answers) output.u32(answer.length).raw(answer);
  const kind = jobs.at(-1)?.kind ?? "nothing";
  return { kind, jobs: jobs.length, input: pack(input.bytes()), output: pack(output.bytes()) };
}

const KINDS = new Map(Object.entries(KIND_BYTES).map(([kind, letter]) => [letter, kind as JobKind]));

export function decodeRecording(group: RecordedGroup): {
  jobs: readonly Job[];
  answers: readonly Uint8Array[];
} {
  const jobs: Job[] = [];
  const answers: Uint8Array[] = [];
  const [input, output] = [new Reader(unpack(group.input)), new Reader(unpack(group.output))];
  while (input.more) {
    const kind = KINDS.get(String.fromCharCode(input.u8()));
    if (kind === undefined) throw new Error("a recorded job of unknown kind");
    jobs.push({ kind, payload: input.raw(input.u32()) });
    answers.push(output.raw(output.u32()));
  }
  return { jobs, answers };
}
