/**
 * Where computed jumps were seen to go, by the block that ends in the jump. These are hints for regions: whoever
 * uses them compares, so they may be incomplete, or those of another process with other code at the same address.
 */

import type { GuestAddress } from "../../mmu/address.ts";
import type { JumpHints } from "../ir/region.ts";
import type { CacheCell } from "./cell.ts";

/** Targets kept per jump. */
const MAX_TARGETS = 128;
/** Jumps and targets kept in all; when they are reached the profile starts anew. */
const MAX_KEPT = 1 << 16;
/** Jumps to targets that a region does not know until it is compiled again, and by how much that grows each time. */
const FIRST_PATIENCE = 256;
const PATIENCE_GROWTH = 8;

interface JumpProfile {
  /** How often each target was met. */
  readonly times: Map<GuestAddress, number>;
  /** The region compiled last with the jump in it, and the targets that it knows. */
  region: CacheCell | undefined;
  known: ReadonlySet<GuestAddress>;
  /** Jumps to other targets until the region should know them. */
  patience: number;
  nextPatience: number;
}

export class JumpProfiles implements Pick<JumpHints, "get"> {
  readonly #profiles = new Map<GuestAddress, JumpProfile>();
  #kept = 0;

  /** Jumps and targets kept at this moment. */
  get size(): number {
    return this.#kept;
  }

  /** A jump was made. Gives the entry of the region that should be compiled again because of it. */
  note(source: GuestAddress, target: GuestAddress): CacheCell | undefined {
    const profile = this.#profileOf(source);
    const times = profile.times.get(target) ?? 0;
    if (times === 0) {
      if (profile.times.size >= MAX_TARGETS) return undefined;
      this.#kept++;
    }
    profile.times.set(target, times + 1);
    if (profile.region === undefined || profile.known.has(target)) return undefined;
    if (--profile.patience > 0) return undefined;
    profile.patience = profile.nextPatience;
    profile.nextPatience *= PATIENCE_GROWTH;
    return profile.region;
  }

  /** The targets of a jump, the most frequent first. */
  get(source: GuestAddress): readonly GuestAddress[] | undefined {
    const times = this.#profiles.get(source)?.times;
    return times === undefined
      ? undefined
      : [...times].sort(([, a], [, b]) => b - a).map(([target]) => target);
  }

  /** A region was compiled with what is known of these jumps. */
  compiled(sources: Iterable<GuestAddress>, region: CacheCell): void {
    for (const source of sources) {
      const profile = this.#profileOf(source);
      profile.region = region;
      profile.known = new Set(profile.times.keys());
    }
  }

  /** The source of the jumps to a target that come most often. */
  sourceOf(target: GuestAddress): GuestAddress | undefined {
    let most = 0;
    let found: GuestAddress | undefined;
    for (const [source, { times }] of this.#profiles) {
      const count = times.get(target) ?? 0;
      if (count <= most) continue;
      most = count;
      found = source;
    }
    return found;
  }

  #profileOf(source: GuestAddress): JumpProfile {
    let profile = this.#profiles.get(source);
    if (profile === undefined) {
      if (this.#kept >= MAX_KEPT) {
        this.#profiles.clear();
        this.#kept = 0;
      }
      this.#kept++;
      profile = {
        times: new Map(),
        region: undefined,
        known: NOTHING,
        patience: FIRST_PATIENCE,
        nextPatience: FIRST_PATIENCE * PATIENCE_GROWTH,
      };
      this.#profiles.set(source, profile);
    }
    return profile;
  }
}

const NOTHING: ReadonlySet<GuestAddress> = new Set();
