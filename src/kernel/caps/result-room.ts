/** How much of a caller's result buffer is left for what varies in length, known before anything happens. */

/** Segment table, root pointer, one data word and one pointer: a results struct with one Data or Text field. */
const AROUND_DATA = 32;
const WORD = 8;

/** Bytes of Data that fit behind a results struct of at most one data word and one pointer; negative: none do. */
export const dataRoom = (resultLength: number): number =>
  Math.floor((resultLength - AROUND_DATA) / WORD) * WORD;

/** Bytes that `lengthBytes` of list content take in a message. */
export const padded = (lengthBytes: number): number => Math.ceil(lengthBytes / WORD) * WORD;
