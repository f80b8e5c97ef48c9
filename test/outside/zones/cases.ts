import type { OutsideCase } from "../case.ts";

/** A use case with a call a minute while its users are at work, and what the monitor says of a silence. */
export interface ZoneCase extends OutsideCase {
  /** By whose clock its users live. */
  readonly users: string;
  /** Hours of the day by that clock, from the first to before the last; weekdays only, unless it is every day. */
  readonly hours: readonly [number, number];
  readonly isDaily?: boolean;
  /** In the use case's own entry of the config; absent: nothing is configured. */
  readonly configured?: string;
  /** The last moment at which the application can call, ISO 8601 UTC; absent: it works. */
  readonly stopsAt?: string;
  /** When the monitor looks, ISO 8601 UTC. */
  readonly now: string;
  /** What the incident says of the hours; null: there is none. */
  readonly incident: { readonly zone: string; readonly source: string } | null;
}

const OFFICE = [9, 17] as const;
const ALWAYS = [0, 24] as const;
const byConfig = (zone: string) => ({ zone, source: "config" });

export const ZONE_CASES: readonly ZoneCase[] = [
  {
    given: "an evening in Berlin after the clocks went forward, zone configured",
    becomes: "quiet an hour earlier in UTC; no incident",
    users: "Europe/Berlin",
    hours: OFFICE,
    configured: "Europe/Berlin",
    now: "2026-03-30T15:45:00Z",
    incident: null,
  },
  {
    given: "the same evening without a zone",
    becomes: "the day's calls have shown the clock; no incident",
    users: "Europe/Berlin",
    hours: OFFICE,
    now: "2026-03-30T15:45:00Z",
    incident: null,
  },
  {
    given: "a morning in Berlin after the clocks went back, zone configured",
    becomes: "begins an hour later in UTC; no incident",
    users: "Europe/Berlin",
    hours: OFFICE,
    configured: "Europe/Berlin",
    now: "2026-10-26T07:45:00Z",
    incident: null,
  },
  {
    given: "the same morning without a zone",
    becomes: "not known yet by whose clock; no incident",
    users: "Europe/Berlin",
    hours: OFFICE,
    now: "2026-10-26T07:45:00Z",
    incident: null,
  },
  {
    given: "an application that stops on the first working day of the summer, zone configured",
    becomes: "an incident, by the configured zone",
    users: "Europe/Berlin",
    hours: OFFICE,
    configured: "Europe/Berlin",
    stopsAt: "2026-03-30T10:00:00Z",
    now: "2026-03-30T10:45:00Z",
    incident: byConfig("Europe/Berlin"),
  },
  {
    given: "the same stop without a zone",
    becomes: "an incident, by the clock that the morning has shown",
    users: "Europe/Berlin",
    hours: OFFICE,
    stopsAt: "2026-03-30T10:00:00Z",
    now: "2026-03-30T10:45:00Z",
    incident: { zone: "Europe/Berlin", source: "traffic" },
  },
  {
    given: "an application that does not come up on the first summer morning, zone configured",
    becomes: "an incident within the first hour of the local morning",
    users: "Europe/Berlin",
    hours: OFFICE,
    configured: "Europe/Berlin",
    stopsAt: "2026-03-27T18:00:00Z",
    now: "2026-03-30T07:45:00Z",
    incident: byConfig("Europe/Berlin"),
  },
  {
    given: "the same morning without a zone, an hour later",
    becomes: "an incident as soon as no clock explains the silence",
    users: "Europe/Berlin",
    hours: OFFICE,
    stopsAt: "2026-03-27T18:00:00Z",
    now: "2026-03-30T08:45:00Z",
    incident: { zone: "UTC", source: "default" },
  },
  {
    given: "a stop in a week in which no clock was changed, without a zone",
    becomes: "an incident, by UTC, and it says so",
    users: "Europe/Berlin",
    hours: OFFICE,
    stopsAt: "2026-06-10T10:00:00Z",
    now: "2026-06-10T10:45:00Z",
    incident: { zone: "UTC", source: "default" },
  },
  {
    given: "an evening in New York after the change of March 2024",
    becomes: "no incident",
    users: "America/New_York",
    hours: OFFICE,
    now: "2024-03-11T21:45:00Z",
    incident: null,
  },
  {
    given: "a morning in New York after the change of November 2025, zone configured",
    becomes: "no incident",
    users: "America/New_York",
    hours: OFFICE,
    configured: "America/New_York",
    now: "2025-11-03T13:45:00Z",
    incident: null,
  },
  {
    given: "a morning in Sydney after the clocks went back, in the week after Europe's went forward",
    becomes: "no incident",
    users: "Australia/Sydney",
    hours: OFFICE,
    now: "2026-04-05T22:45:00Z",
    incident: null,
  },
  {
    given: "an evening in Sydney after the clocks went forward, zone configured",
    becomes: "no incident",
    users: "Australia/Sydney",
    hours: OFFICE,
    configured: "Australia/Sydney",
    now: "2026-10-05T06:45:00Z",
    incident: null,
  },
  {
    given: "clocks that go forward by half an hour (Lord Howe)",
    becomes: "quiet half an hour earlier in UTC; no incident",
    users: "Australia/Lord_Howe",
    hours: OFFICE,
    configured: "Australia/Lord_Howe",
    now: "2026-10-05T06:35:00Z",
    incident: null,
  },
  {
    given: "an application in a half-hour zone (Kolkata) that does not come up while Europe's clocks change",
    becomes: "an incident, by its own zone",
    users: "Asia/Kolkata",
    hours: OFFICE,
    configured: "Asia/Kolkata",
    stopsAt: "2026-03-27T18:00:00Z",
    now: "2026-03-30T04:15:00Z",
    incident: byConfig("Asia/Kolkata"),
  },
  {
    given: "an evening in Kathmandu, a quarter of an hour off, while Europe's clocks change, without a zone",
    becomes: "no incident",
    users: "Asia/Kathmandu",
    hours: OFFICE,
    now: "2026-03-30T12:00:00Z",
    incident: null,
  },
  {
    given: "a nightly job at an hour that is missing in the night of the change",
    becomes: "not missed; no incident",
    users: "Europe/Berlin",
    hours: [2, 3],
    isDaily: true,
    configured: "Europe/Berlin",
    now: "2026-03-29T01:40:00Z",
    incident: null,
  },
  {
    given: "a nightly job at an hour that comes twice",
    becomes: "not missed the second time; no incident",
    users: "Europe/Berlin",
    hours: [2, 3],
    isDaily: true,
    configured: "Europe/Berlin",
    stopsAt: "2026-10-25T01:00:00Z",
    now: "2026-10-25T01:45:00Z",
    incident: null,
  },
  {
    given: "calls around the clock that stop in the hour that comes twice",
    becomes: "an incident",
    users: "Europe/Berlin",
    hours: ALWAYS,
    isDaily: true,
    configured: "Europe/Berlin",
    stopsAt: "2026-10-25T00:50:00Z",
    now: "2026-10-25T01:40:00Z",
    incident: byConfig("Europe/Berlin"),
  },
  {
    given: "a configured zone that is not that of the users",
    becomes: "an incident that names the zone by which it looked",
    users: "Europe/Berlin",
    hours: OFFICE,
    configured: "America/New_York",
    now: "2026-03-30T15:45:00Z",
    incident: byConfig("America/New_York"),
  },
];

/** A time that somebody writes on a computer in New York, and the instant that it is. */
export interface TimeCase extends OutsideCase {
  readonly written: string;
  /** ISO 8601 UTC; null: refused. */
  readonly is: string | null;
}

export const TIME_CASES: readonly TimeCase[] = [
  {
    given: "a time without a zone, on a computer in New York",
    becomes: "UTC, as every time that is printed",
    written: "2099-01-31T00:00:00",
    is: "2099-01-31T00:00:00.000Z",
  },
  {
    given: "a time in the hour that New York's clocks leave out",
    becomes: "UTC, where that hour exists",
    written: "2099-03-08T02:30",
    is: "2099-03-08T02:30:00.000Z",
  },
  {
    given: "a time with an offset of half an hour",
    becomes: "that instant",
    written: "2099-01-31T00:00:00+05:30",
    is: "2099-01-30T18:30:00.000Z",
  },
  { given: "a day", becomes: "its midnight in UTC", written: "2099-01-31", is: "2099-01-31T00:00:00.000Z" },
  { given: "30 February", becomes: "refused: it is no time", written: "2099-02-30", is: null },
];

/** A config that names no zone of the database, and the field that the refusal names. */
export interface ZoneNameCase extends OutsideCase {
  readonly named: string;
}

export const ZONE_NAME_CASES: readonly ZoneNameCase[] = ["Europe/Berlim", "Mars/Base", "+02:00", "UTC+2"].map(
  (named) => ({
    given: `\`time_zone: "${named}"\` in the config`,
    becomes: "refused, naming the field, with a zone as an example",
    named,
  }),
);
