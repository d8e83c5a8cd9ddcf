/**
 * The vocabulary of addresses. A user-half address (below 2^47) is a JavaScript number, which holds it exactly.
 * Full 64-bit addresses, as emitted code computes them, travel as two int32 halves `lo`, `hi`.
 */

declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** A user-half virtual address: an integer, 0 <= a < 2^47. */
export type GuestAddress = Branded<"GuestAddress">;
/** A user-half virtual page number: address / 4096. */
export type PageNumber = Branded<"PageNumber">;
/** A physical frame number: physical address / 4096. */
export type FrameNumber = Branded<"FrameNumber">;

export const PAGE_BYTES = 4096;
/** First address past the user half. */
export const USER_END = 2 ** 47;
/** First page number past the user half. */
export const USER_END_PAGE = 2 ** 35;

const TWO_32 = 2 ** 32;

export const isUserAddress = (value: number): value is GuestAddress =>
  Number.isInteger(value) && value >= 0 && value < USER_END;

/** The value as a user-half address, or undefined when it is not one. */
export function userAddress(value: bigint | number): GuestAddress | undefined {
  if (typeof value === "bigint") {
    return value >= 0n && value < BigInt(USER_END) ? (Number(value) as GuestAddress) : undefined;
  }
  return isUserAddress(value) ? value : undefined;
}

/** A number known to be a user-half address (a constant, or a result of checked arithmetic). */
export const address = (value: number): GuestAddress => value as GuestAddress;
export const pageNumber = (value: number): PageNumber => value as PageNumber;
export const frameNumber = (value: number): FrameNumber => value as FrameNumber;

export const pageOf = (a: GuestAddress): PageNumber => Math.floor(a / PAGE_BYTES) as PageNumber;
export const pageStart = (page: PageNumber): GuestAddress => (page * PAGE_BYTES) as GuestAddress;
export const offsetInPage = (a: GuestAddress): number => a % PAGE_BYTES;

/** Low and high int32 half of a user-half address. */
export const lowHalf = (a: number): number => a | 0;
export const highHalf = (a: number): number => Math.floor(a / TWO_32) | 0;

/** Joins two halves to a number; exact only below 2^53, so only for addresses known to be in the user half. */
export const fromHalves = (lo: number, hi: number): GuestAddress =>
  ((hi >>> 0) * TWO_32 + (lo >>> 0)) as GuestAddress;

/** Joins two halves to the exact unsigned 64-bit value. */
export const bigFromHalves = (lo: number, hi: number): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

/** Whether the halves form a canonical 48-bit address (Intel SDM vol. 1, 3.3.7.1). */
export const isCanonical = (hi: number): boolean => {
  const top = hi >> 15;
  return top === 0 || top === -1;
};
/** Whether the halves form a user-half address. */
export const isUserHalf = (hi: number): boolean => hi >>> 15 === 0;

/** A run of whole pages: `first` .. `first + count - 1`. */
export interface PageRange {
  readonly first: PageNumber;
  readonly count: number;
}

/** `0x` and lower-case hexadecimal digits. */
export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
