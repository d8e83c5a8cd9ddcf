/** Word indices in linear memory of what emitted code touches directly. */

import { SCRATCH_WORD, STATE_BYTE } from "../../../mmu/layout.ts";
import { BUDGET, CALL_DEPTH, RIP, TABLE_WORD } from "../../ir/state.ts";
import { type Code, statePlace } from "./code.ts";
import { NAMES } from "./helper-names.ts";

/** Word index of a byte offset of the state block. */
export const stateWord = (offset: number): number => (STATE_BYTE + offset) >> 2;

const WORDS: Code[] = [];
/** `I[1056]`: the state word at a byte offset, where it lies. */
export const wordOf = (offset: number): Code =>
  (WORDS[offset >> 2] ??= statePlace(offset, NAMES.I, stateWord(offset)));

export const BUDGET_WORD = stateWord(BUDGET);
export const DEPTH_WORD = stateWord(CALL_DEPTH);
export const RIP_WORD = stateWord(RIP);
export const TABLE_WORD_WORD = stateWord(TABLE_WORD);
/** Where slow paths leave what does not fit the return value. */
export const SECOND_SCRATCH_WORD = SCRATCH_WORD + 1;
