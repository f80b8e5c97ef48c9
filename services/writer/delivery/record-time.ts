/**
 * When the log accepted a record. Kafka passes on what the producer wrote: nothing (-1), zero, or a number in the wrong
 * unit, which would file the record in 1970, where it expires, or beyond the calendar.
 */
import type { LogRecord } from "@plumbline/ports";
import { DAY_MS } from "@plumbline/schemas";
import type { TimedRecord } from "./destination.ts";

/** 2015: nothing that we read is older. */
const EARLIEST_MS = Date.UTC(2015, 0, 1);
/** Producers' clocks run ahead by minutes; beyond that a time is wrong. */
const AHEAD_MS_MAX = 10 * 60_000;
/** As near as this to the time of writing, any number of milliseconds is plausible: simulated clocks start at 0. */
const NEAR_MS = 35 * DAY_MS;
/** Milliseconds in one unit: milliseconds, seconds, microseconds, nanoseconds. */
const UNITS = [1, 1_000, 1 / 1_000, 1 / 1_000_000] as const;

/**
 * Gives a record a usable time: its own, in the unit that makes it plausible, or `at`.
 *
 * @param at when the batch was first written, ms since the epoch. It lies in the intent, so a replay decides alike.
 */
export function withRecordTime(record: LogRecord, at: number): TimedRecord {
  for (const unit of UNITS) {
    const time = Math.floor(record.timestamp * unit);
    if (isPlausible(time, at)) return { ...record, timestamp: time, isTimeRepaired: unit !== 1 };
  }
  return { ...record, timestamp: at, isTimeRepaired: true };
}

/** A time that an event reports may be one. @param at when the record arrived, ms since the epoch */
export function isPlausible(time: number, at: number): boolean {
  return time <= at + AHEAD_MS_MAX && (time >= EARLIEST_MS || (time >= 0 && at - time <= NEAR_MS));
}
