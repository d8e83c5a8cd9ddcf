/** Exception messages: the golden bytes, and how they are shortened. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { encodeException } from "../../src/kernel/exception.ts";
import { CapException } from "../../src/kernel/schema/kernel.ts";
import { parse } from "./guest.ts";

const { messages } = JSON.parse(readFileSync(new URL("../data/messages.json", import.meta.url), "utf8")) as {
  messages: readonly { name: string; hex: string }[];
};
const golden = (name: string): string => {
  const found = messages.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no golden message ${name}`);
  return found.hex;
};
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex");

test("the published bytes", () => {
  expect(hex(encodeException("unimplemented", "no", 512))).toBe(golden("CapException unimplemented 'no'"));
  expect(hex(encodeException("failed", "", 512))).toBe(golden("CapException failed ''"));
});

test("a text is shortened to the room, at a character's end", () => {
  const text = "0123456789abcdefghij€";
  for (let room = 32; room < 80; room++) {
    const bytes = encodeException("overloaded", text, room);
    expect(bytes?.length).toBeLessThanOrEqual(room);
    const { type, message } = parse(CapException, bytes ?? new Uint8Array(0));
    expect(type).toBe(1);
    expect(text.startsWith(message)).toBe(true);
    expect(message.length).toBe(room < 40 ? 0 : Math.min(text.length, Math.floor((room - 32) / 8) * 8 - 1));
  }
});

test("below 32 bytes nothing fits", () => {
  expect(encodeException("failed", "x", 31)).toBeUndefined();
  expect(encodeException("failed", "x", 32)?.length).toBe(32);
});
