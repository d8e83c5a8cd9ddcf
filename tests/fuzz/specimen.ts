/** What is compared with the processor: code at a place of the code pages, and what is known about it. */

import type { Encoding } from "../../src/frontend/tables/encodings.ts";
import type { Row } from "../../src/frontend/tables/row.ts";
import type { Image } from "../support/native-layout.ts";
import { CODE_AREA_BYTES, type DataPart } from "../support/state.ts";

/** One instruction as it came from the tables. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly row: Row;
  readonly encoding: Encoding | undefined;
}

export interface Specimen {
  /** Where it begins in the code pages. */
  readonly offset: number;
  readonly code: Uint8Array;
  /** Of a sequence, in order; of a program everything it may come to. */
  readonly pieces: readonly Piece[];
  /** Flags that the manual leaves undefined at its end. */
  readonly undefinedFlags: number;
}

/** Specimens of one image, each with as many start states. */
export interface Sheet {
  readonly parts: readonly DataPart[];
  readonly image: Image;
  readonly specimens: readonly Specimen[];
  /** Of specimen k: cases k * states .. (k + 1) * states. */
  readonly states: number;
  readonly cases: Buffer;
}

/** Puts the code of a specimen where it belongs; what does not fit into the pages is left out. */
export function place(image: Image, { code, offset }: Specimen): void {
  image.set(code.subarray(0, CODE_AREA_BYTES - offset), offset);
}
