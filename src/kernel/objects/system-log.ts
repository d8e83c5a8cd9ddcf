/**
 * The system log: the last records written, numbered from 0 without a gap. A reader keeps its place as the number of
 * the record it wants next, so readers do not disturb each other.
 */

/** Severity; the position is the schema's number. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogSeverity = (typeof LOG_LEVELS)[number];

export interface LogEntry {
  readonly tick: bigint;
  readonly severity: LogSeverity;
  readonly component: string;
  /** As the writer says; the log does not vouch for it. */
  readonly pid: number;
  readonly message: string;
}

/** What a reader does with a record: `stop` leaves it for the next read. */
export type Choice = "take" | "skip" | "stop";

export interface LogPage {
  readonly entries: readonly LogEntry[];
  readonly nextCursor: bigint;
  /** Records between the cursor and the oldest one, lost to this reader. */
  readonly dropped: bigint;
}

export const LOG_CAPACITY = 1024;
/** Texts are cut to these lengths, so that one record always fits a client's buffer. */
export const COMPONENT_BYTES_MAX = 64;
export const MESSAGE_BYTES_MAX = 1024;

const encoder = new TextEncoder();
const scratch = new Uint8Array(MESSAGE_BYTES_MAX);

/** The longest start of `text` that is at most `limit` bytes of UTF-8; never ends inside a character. */
const cut = (text: string, limit: number): string =>
  text.slice(0, encoder.encodeInto(text, scratch.subarray(0, limit)).read);

/**
 * Fields: record n is at `slots[n % capacity]` for `oldest` <= n < `next` (KER-61); `threshold` = the least
 * severity that is kept.
 */
export class SystemLog {
  readonly threshold: LogSeverity;
  readonly capacity: number;
  readonly slots: (LogEntry | undefined)[];
  #next = 0;

  constructor(threshold: LogSeverity = "info", capacity = LOG_CAPACITY) {
    this.threshold = threshold;
    this.capacity = capacity;
    this.slots = new Array<LogEntry | undefined>(capacity).fill(undefined);
  }

  /** Number of the next record to be written. */
  get next(): number {
    return this.#next;
  }
  get oldest(): number {
    return Math.max(0, this.#next - this.capacity);
  }

  /** False, and nothing kept, when the record is below the threshold. */
  append(entry: LogEntry): boolean {
    if (LOG_LEVELS.indexOf(entry.severity) < LOG_LEVELS.indexOf(this.threshold)) return false;
    this.slots[this.#next % this.capacity] = {
      ...entry,
      component: cut(entry.component, COMPONENT_BYTES_MAX),
      message: cut(entry.message, MESSAGE_BYTES_MAX),
    };
    this.#next++;
    return true;
  }

  /** The records from `cursor` on for which `choose` says `take`, up to the first where it says `stop`. */
  read(cursor: bigint, choose: (entry: LogEntry) => Choice): LogPage {
    const from = cursor > BigInt(this.#next) ? this.#next : Math.max(Number(cursor), this.oldest);
    const entries: LogEntry[] = [];
    let at = from;
    for (; at < this.#next; at++) {
      const entry = this.slots[at % this.capacity];
      const choice = entry === undefined ? "skip" : choose(entry);
      if (choice === "stop") break;
      if (choice === "take" && entry !== undefined) entries.push(entry);
    }
    const dropped = BigInt(from) > cursor ? BigInt(from) - cursor : 0n;
    return { entries, nextCursor: BigInt(at), dropped };
  }
}

/** KER-61  The log holds exactly its newest records, at most its capacity, none below the threshold. */
export function brokenLogRules(log: SystemLog): string[] {
  const broken: string[] = [];
  const kept = log.slots.filter((entry) => entry !== undefined);
  const wanted = log.next - log.oldest;
  if (kept.length !== wanted) broken.push(`KER-61 the log holds ${kept.length} records, not ${wanted}`);
  const least = LOG_LEVELS.indexOf(log.threshold);
  for (const { severity, message } of kept) {
    if (LOG_LEVELS.indexOf(severity) < least) {
      broken.push(`KER-61 a ${severity} record is kept: ${JSON.stringify(message)}`);
    }
  }
  return broken;
}
