/**
 * LogSink and LogReader: authority to append to the system log, and to read it. Both copied freely. One log
 * per kernel. Touches KER-61.
 *
 * LogSink.write: a record below the threshold is not accepted; texts too long are cut. The kernel stamps the tick;
 * everything else is the writer's word.
 * LogReader.read: -3 when not even the first record fits the result buffer.
 */

import { ERR, TICK_NS } from "../abi.ts";
import { defineInterface } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { Choice, LogEntry, LogPage } from "../objects/system-log.ts";
import { LOG_LEVELS, SystemLog } from "../objects/system-log.ts";
import type { LogFilter, LogReader_Read$Results } from "../schema/kernel.ts";
import { LogReader, LogSink } from "../schema/kernel.ts";
import type { KernelServices } from "../services.ts";
import { padded } from "./result-room.ts";

const RECORDS_MAX = 16;
/** Segment table, root pointer, two data words, one pointer, list tag. */
const AROUND_RECORDS = 48;
/** Two data words and two pointers. */
const RECORD_BYTES = 32;

const encoder = new TextEncoder();
const textBytes = (text: string): number => padded(encoder.encode(text).length + 1);
const entryBytes = ({ component, message }: LogEntry): number =>
  RECORD_BYTES + textBytes(component) + textBytes(message);

/** Levels the schema does not know count as debug. */
const rankOf = (level: number): number => (level < LOG_LEVELS.length ? level : 0);

const LOGS = new WeakMap<KernelServices, SystemLog>();

/** The log that all log capabilities of a kernel share. */
export function systemLogOf(services: KernelServices): SystemLog {
  let log = LOGS.get(services);
  if (log === undefined) {
    log = new SystemLog();
    LOGS.set(services, log);
  }
  return log;
}

export const LOG_SINK = defineInterface(LogSink).handle<SystemLog>({
  write(log, { services }, { record }, results) {
    const { component, pid, message } = record;
    const severity = LOG_LEVELS[rankOf(record.level)] ?? "debug";
    const tick = services.inputs.clock.nowNs() / TICK_NS;
    results.accepted = log.append({ tick, severity, component, pid, message });
  },
});

/** Takes what passes the filter, as much as the caller wants and its buffer holds. */
function chooser(filter: LogFilter, maxRecords: number, roomBytes: number): (entry: LogEntry) => Choice {
  const least = rankOf(filter.minLevel);
  const prefix = filter.componentPrefix;
  let left = Math.min(maxRecords, RECORDS_MAX);
  let room = roomBytes;
  return (entry) => {
    if (left === 0) return "stop";
    if (LOG_LEVELS.indexOf(entry.severity) < least || !entry.component.startsWith(prefix)) return "skip";
    room -= entryBytes(entry);
    if (room < 0) return "stop";
    left--;
    return "take";
  };
}

function setPage(results: LogReader_Read$Results, { entries, nextCursor, dropped }: LogPage): void {
  const records = results._initRecords(entries.length);
  for (const [i, entry] of entries.entries()) {
    const record = records.get(i);
    record.tick = entry.tick;
    record.level = LOG_LEVELS.indexOf(entry.severity) as typeof record.level;
    record.component = entry.component;
    record.pid = entry.pid;
    record.message = entry.message;
  }
  results.nextCursor = nextCursor;
  results.dropped = dropped;
}

export const LOG_READER = defineInterface(LogReader).handle<SystemLog>({
  read(log, { resultLength }, { cursor, maxRecords, filter }, results) {
    if (maxRecords === 0) {
      results.nextCursor = cursor;
      return undefined;
    }
    const page = log.read(cursor, chooser(filter, maxRecords, resultLength - AROUND_RECORDS));
    const stuck = page.entries.length === 0 && page.nextCursor < BigInt(log.next);
    if (stuck) return { kind: "transport", code: ERR.invalidResultBuffer };
    setPage(results, page);
    return undefined;
  },
});

export const logSinkCapability = (log: SystemLog): KernelObject =>
  LOG_SINK.capability(log, { label: "log-sink", mode: "copy" });
export const logReaderCapability = (log: SystemLog): KernelObject =>
  LOG_READER.capability(log, { label: "log-reader", mode: "copy" });
