/** The bytes of a `CapException` message: one segment, root of one data word and one pointer. */

import type { ExceptionType } from "./call.ts";
import { EXCEPTION_TYPES } from "./call.ts";

const HEADER_BYTES = 8;
/** Header, root pointer, data word, text pointer: an exception with no text. */
const LEAST_BYTES = HEADER_BYTES + 24;
const LIST_OF_BYTES = 2;

const encoder = new TextEncoder();

/**
 * The exception in at most `room` bytes, its text shortened to fit; undefined when not even an exception
 * without text fits.
 */
export function encodeException(type: ExceptionType, text: string, room: number): Uint8Array | undefined {
  if (room < LEAST_BYTES) return undefined;
  // A UTF-16 unit becomes three bytes at most; one more ends the text.
  const wanted = LEAST_BYTES + Math.ceil((text.length * 3 + 1) / 8) * 8;
  const textRoom = Math.floor((Math.min(room, wanted) - LEAST_BYTES) / 8) * 8 - 1;
  const bytes = new Uint8Array(LEAST_BYTES + Math.max(0, textRoom) + 1);
  const written =
    textRoom < 0 ? -1 : encoder.encodeInto(text, bytes.subarray(LEAST_BYTES, LEAST_BYTES + textRoom)).written;
  const textWords = Math.ceil((written + 1) / 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, 3 + textWords, true);
  view.setUint16(12, 1, true);
  view.setUint16(14, 1, true);
  view.setUint16(16, EXCEPTION_TYPES.indexOf(type), true);
  if (written >= 0) {
    view.setUint32(24, 1, true);
    view.setUint32(28, ((written + 1) << 3) | LIST_OF_BYTES, true);
  }
  return bytes.slice(0, LEAST_BYTES + textWords * 8);
}
