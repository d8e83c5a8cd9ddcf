/**
 * Who stands behind a caller, as the receiver of its calls sees it: a reference that tells sessions apart for one
 * endpoint and says nothing outside it, and those facts of the session that both the call and the capability agree
 * to disclose (capos-abi lib.rs, capos-lib derive_endpoint_session_reference).
 *
 * A run has one session or none; every process belongs to it. Without one the block is all zero.
 */

import type { Entropy } from "../host-inputs.ts";
import {
  CALLER_SESSION,
  CALLER_SESSION_BYTES,
  SESSION_DISCLOSES,
  SESSION_KEY_BYTES,
  SESSION_LIVE,
} from "./abi.ts";
import { hmacSha256 } from "./sha256.ts";

/** The session of a run, in the numbers of the block; 0 = not known. */
export interface SessionFacts {
  readonly id: string;
  readonly principalKind: number;
  readonly authStrength: number;
  readonly profileClass: number;
}

const DOMAIN_REF = "capos:endpoint-caller-session-ref:v2";
const DOMAIN_EPOCH = "capos:endpoint-caller-session-epoch:v2";
const encoder = new TextEncoder();

/** What names the session to one endpoint. */
export interface SessionReference {
  readonly scopedRef: bigint;
  readonly scopedRefHi: bigint;
  readonly epoch: bigint;
}

/** Zero would read as absent, so it becomes one. */
const nonZero = (bytes: Uint8Array, at: number): bigint =>
  new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true) || 1n;

/** The reference of a session at the endpoint with this scope id. */
export function sessionReference(key: Uint8Array, scopeId: bigint, sessionId: Uint8Array): SessionReference {
  const numbers = new DataView(new ArrayBuffer(16));
  numbers.setBigUint64(0, scopeId, true);
  numbers.setBigUint64(8, BigInt(sessionId.length), true);
  const about = [new Uint8Array(numbers.buffer), sessionId];
  const ref = hmacSha256(key, encoder.encode(DOMAIN_REF), ...about);
  const epoch = hmacSha256(key, encoder.encode(DOMAIN_EPOCH), ...about);
  return { scopedRef: nonZero(ref, 0), scopedRefHi: nonZero(ref, 8), epoch: nonZero(epoch, 0) };
}

const NO_SESSION = new Uint8Array(CALLER_SESSION_BYTES);

/** Makes the session blocks of a run; a run without a session draws no key. */
export class CallerSessions {
  readonly #facts: SessionFacts | undefined;
  readonly #id: Uint8Array;
  readonly #key = new Uint8Array(SESSION_KEY_BYTES);

  constructor(facts: SessionFacts | undefined, entropy: Entropy) {
    this.#facts = facts;
    this.#id = encoder.encode(facts?.id ?? "");
    if (facts !== undefined) entropy.fill(this.#key);
  }

  /** The block for a call through an endpoint; `disclosed` = what call and capability agree on. */
  block(scopeId: bigint, disclosed: number): Uint8Array {
    const facts = this.#facts;
    if (facts === undefined) return NO_SESSION;
    const { scopedRef, scopedRefHi, epoch } = sessionReference(this.#key, scopeId, this.#id);
    const shown = (bit: number, value: number): number => ((disclosed & bit) === 0 ? 0 : value);
    const view = new DataView(new ArrayBuffer(CALLER_SESSION_BYTES));
    view.setBigUint64(CALLER_SESSION.scopedRef, scopedRef, true);
    view.setBigUint64(CALLER_SESSION.scopedRefHi, scopedRefHi, true);
    view.setBigUint64(CALLER_SESSION.epoch, epoch, true);
    view.setUint32(CALLER_SESSION.flags, SESSION_LIVE, true);
    view.setUint32(CALLER_SESSION.disclosedFields, disclosed, true);
    const { principalKind, authStrength, profileClass } = SESSION_DISCLOSES;
    view.setUint16(CALLER_SESSION.principalKind, shown(principalKind, facts.principalKind), true);
    view.setUint16(CALLER_SESSION.authStrength, shown(authStrength, facts.authStrength), true);
    view.setUint16(CALLER_SESSION.profileClass, shown(profileClass, facts.profileClass), true);
    return new Uint8Array(view.buffer);
  }
}
