/**
 * From an address of the running space to its cell. Pages are attached on demand: the MMU says which frame may be
 * executed there, the frame's bytes say which code page that is. An attachment is the cached answer of
 * `fetchFrame` until the MMU says that the page or the frame changed.
 */

import { type CheckLevel, demand, InvariantError } from "../invariant.ts";
import {
  fromHalves,
  type GuestAddress,
  highHalf,
  isCanonical,
  isUserHalf,
  lowHalf,
  offsetInPage,
  type PageNumber,
  pageOf,
  pageStart,
  USER_END_PAGE,
} from "../mmu/address.ts";
import { FAULT_FETCH, FAULT_USER, type PageFault, VECTOR_PAGE, VECTOR_PROTECTION } from "../mmu/fault.ts";
import { ACCESS_FAULT, type AddressSpace, type Mmu } from "../mmu/mmu.ts";
import type { CacheCell } from "./cache/cell.ts";
import type { Attachment, CodePage } from "./cache/code-page.ts";
import type { SpaceCode } from "./cache/space-code.ts";
import type { TranslationCache } from "./cache/translation-cache.ts";
import type { GuestFault } from "./exit.ts";
import { brokenPageRules } from "./invariants.ts";
import type { JitStats } from "./stats.ts";

export class CodeLookup {
  /** What the running space knows of translated code. */
  space: SpaceCode;
  readonly #mmu: Mmu;
  readonly #cache: TranslationCache;
  readonly #stats: JitStats;
  readonly #checks: CheckLevel;
  #active: AddressSpace | undefined;

  constructor(mmu: Mmu, cache: TranslationCache, stats: JitStats, checks: CheckLevel) {
    this.#mmu = mmu;
    this.#cache = cache;
    this.#stats = stats;
    this.#checks = checks;
    this.space = cache.space(-1);
  }

  /** Makes the MMU's active space the running one; true when it was not. */
  select(): boolean {
    const active = this.#mmu.active;
    if (active === undefined) throw new InvariantError(["JIT-1 a run needs an active address space"]);
    if (active === this.#active) return false;
    this.#active = active;
    this.space = this.#cache.space(active.id);
    return true;
  }

  /** The cell for an address in halves; attaches its page when it is executable. Otherwise the fetch's fault. */
  enter(lo: number, hi: number): CacheCell | GuestFault {
    this.#stats.lookups++;
    if (!isUserHalf(hi)) return this.#outsideFetch(lo, hi);
    const address = fromHalves(lo, hi);
    const attachment = this.attach(pageOf(address), address);
    if (!("code" in attachment)) return attachment;
    const cell = attachment.code.cellAt(offsetInPage(address));
    return cell.state === "forwarding" ? this.#enterCrossing(attachment.code, address) : cell;
  }

  /** The cell for a user-half address whose page is attached already. */
  attached(address: GuestAddress): CacheCell | undefined {
    const page = pageOf(address);
    const code = this.space.pages.get(page)?.code;
    const cell = code?.cellAt(offsetInPage(address));
    if (cell?.state !== "forwarding") return cell;
    const next = this.space.pages.get((page + 1) as PageNumber)?.code;
    return next === undefined ? undefined : code?.variantFor(offsetInPage(address), next.bytes);
  }

  /** The attachment of a page of the running space; `at` is the address that a refused fetch names. */
  attach(page: PageNumber, at: GuestAddress): Attachment | GuestFault {
    const known = this.space.pages.get(page);
    if (known !== undefined) return known;
    if (page >= USER_END_PAGE || this.#active === undefined) {
      return { vector: VECTOR_PROTECTION, errorCode: 0 };
    }
    const frame = this.#active.fetchFrame(page);
    if (typeof frame !== "number") {
      const memory: PageFault = { ...frame, lo: lowHalf(at), hi: highHalf(at) };
      return { vector: memory.vector, errorCode: memory.errorCode, memory };
    }
    const attachment = this.#cache.attach(this.space, page, frame, this.#mmu.frameBytes(frame));
    this.#stats.pagesAttached++;
    if (attachment.code.translated > 0) this.#stats.pagesReused++;
    if (this.#checks !== "off") demand(brokenPageRules(attachment.code, this.#cache, this.#mmu));
    return attachment;
  }

  /** The variant of a crossing instruction for what the next page shows now. */
  #enterCrossing(code: CodePage, address: GuestAddress): CacheCell | GuestFault {
    const offset = offsetInPage(address);
    const next = (code.number + 1) as PageNumber;
    const attachment = this.attach(next, pageStart(next));
    if (!("code" in attachment)) return attachment;
    const bytes = attachment.code.bytes;
    return code.variantFor(offset, bytes) ?? this.#cache.addVariant(code, offset, bytes);
  }

  /** A fetch outside the user half. */
  #outsideFetch(lo: number, hi: number): GuestFault {
    if (!isCanonical(hi)) return { vector: VECTOR_PROTECTION, errorCode: 0 };
    // Whether something is mapped there shows in the error code of any user access.
    const refused = this.#mmu.load(lo, hi, 1, 0) === ACCESS_FAULT ? this.#mmu.fault : undefined;
    const errorCode = (refused?.errorCode ?? 0) | FAULT_USER | FAULT_FETCH;
    const memory: PageFault = { vector: VECTOR_PAGE, errorCode, lo, hi, access: "execute" };
    return { vector: VECTOR_PAGE, errorCode, memory };
  }
}
