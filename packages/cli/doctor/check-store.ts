/** The store over SQL: is it there and migrated, did every call arrive, and what was set aside? */
import type { Clock } from "@plumbline/ports";
import { z } from "zod";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { storeTime } from "../sql/read-window.ts";
import type { SqlEndpoint } from "../sql/sql-endpoint.ts";
import { printableLine } from "../text/printable.ts";
import { count } from "../text/spoken.ts";
import { checkPrices, UnpricedModel } from "./check-prices.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

const VIEWS = [
  "calls_v1",
  "scores_v1",
  "incidents_v1",
  "delivery_v1",
  "dead_letters_v1",
  "unpriced_calls_v1",
];
const MODELS_MAX = 20;
const APPS_MAX = 50;
const SKEW_MS_MAX = 5_000;

const Facts = z.object({
  version: z.string(),
  now_ms: z.coerce.number(),
  views: z.array(z.string()),
  topics_with_lost_records: z.array(z.string()),
});

const Count = z.coerce.number();
const DeliveredApp = z.object({
  tenant: z.string(),
  app: z.string(),
  emitted: Count,
  stored: Count,
  unnumbered: Count,
  dropped: Count,
  dropped_by_reason: z.record(z.string(), Count),
  rejected: Count,
  missing: Count,
  duplicates: Count,
  dead_letters: Count,
});
type DeliveredApp = z.output<typeof DeliveredApp>;

const LettersOfReason = z.object({ reason: z.string(), letters: Count, newest_at: z.string() });

interface StoreReport {
  readonly findings: readonly Finding[];
  readonly delivery: readonly DeliveredApp[];
}

/** @param sinceMs how far back deliveries and dead letters are counted */
export async function checkStore(sql: SqlEndpoint, sinceMs: number, clock: Clock): Promise<StoreReport> {
  let facts: z.output<typeof Facts>;
  try {
    const asked = clock.now();
    const [row] = await sql.query("store_facts", { views: VIEWS }, Facts);
    facts = row!;
    const skew = facts.now_ms - (asked + clock.now()) / 2;
    const missing = VIEWS.filter((view) => !facts.views.includes(view));
    if (missing.length > 0)
      return only(
        fail("store", `${sql.url} lacks ${missing.join(", ")}`, "npm run migrate, then restart the services"),
      );
    const findings = [ok("store", `${sql.url} answers, ClickHouse ${facts.version}, migrated`)];
    if (Math.abs(skew) > SKEW_MS_MAX)
      findings.push(
        warn(
          "store.clock",
          `its clock is ${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? "ahead of" : "behind"} this machine's`,
          "synchronise both clocks (NTP): rows expire by the store's",
        ),
      );
    findings.push(...lostRecords(facts.topics_with_lost_records));
    const since = storeTime(sinceMs);
    const [delivery, letters, unpriced] = await Promise.all([
      sql.query("delivery_by_app", { since, limit: APPS_MAX }, DeliveredApp),
      sql.query("dead_letters_by_reason", { since }, LettersOfReason),
      sql.query("unpriced_models", { since, limit: MODELS_MAX }, UnpricedModel),
    ]);
    findings.push(...describeDelivery(delivery), ...describeLetters(letters), ...checkPrices(unpriced));
    return { findings, delivery };
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    const next = error.next ?? "check --sql or PLUMBLINE_SQL_URL";
    return only(fail("store", error.message, next, error.exitCode === EXIT.unavailable));
  }
}

function only(finding: Finding): StoreReport {
  return { findings: [finding], delivery: [] };
}

function lostRecords(topics: readonly string[]): readonly Finding[] {
  if (topics.length === 0) return [ok("ingest", "no incident of lost records is open")];
  return topics.map((topic) =>
    fail(
      `ingest.${printableLine(topic)}`,
      `records of ${printableLine(topic)} are in no table although the writer went past them`,
      'docs/operate/delivery.md, "Records are lost": the incident names their offsets',
    ),
  );
}

function describeDelivery(apps: readonly DeliveredApp[]): readonly Finding[] {
  if (apps.length === 0)
    return [warn("delivery", "no call arrived in this time", "send one: README.md, the first call")];
  return apps.map((app) => {
    const check = `delivery.${printableLine(app.app)}`;
    const message = sentenceOf(app);
    if (app.missing > 0) return fail(check, message, nextOfMissing(app));
    if (app.dropped + app.rejected + app.dead_letters > 0) return warn(check, message, nextOfDropped(app));
    if (app.unnumbered === app.stored && app.stored > 0)
      return warn(
        check,
        message,
        "send with the emitter, or with emitter_id and sequence: without them loss cannot be seen",
      );
    return ok(check, message);
  });
}

function sentenceOf(app: DeliveredApp): string {
  const { emitted, stored, dropped, dropped_by_reason: reasons, rejected, missing, duplicates } = app;
  const parts = [`${emitted.toLocaleString("en")} emitted`, `${stored.toLocaleString("en")} stored`];
  if (app.unnumbered > 0) parts.push(`${app.unnumbered.toLocaleString("en")} of them without numbers`);
  if (missing > 0) parts.push(`${missing.toLocaleString("en")} missing`);
  if (dropped > 0) {
    const named = Object.entries(reasons).toSorted(([, a], [, b]) => b - a);
    const why = named.map(([reason, n]) => `${printableLine(reason)} ${n.toLocaleString("en")}`).join(", ");
    parts.push(`${dropped.toLocaleString("en")} dropped by the emitter${why === "" ? "" : ` (${why})`}`);
  }
  if (rejected > 0) parts.push(`${rejected.toLocaleString("en")} rejected by the collector`);
  if (app.dead_letters > 0) parts.push(count(app.dead_letters, "dead letter"));
  if (duplicates > 0) parts.push(`${duplicates.toLocaleString("en")} sent twice, stored once`);
  return parts.join(", ");
}

function nextOfMissing({ app }: DeliveredApp): string {
  return `was ${printableLine(app)} killed, or ended without close()? docs/operate/delivery.md, "Calls are missing"`;
}

/** The cause with the most calls decides what is said. */
function nextOfDropped({
  dropped_by_reason: reasons,
  rejected,
  dead_letters: letters,
  dropped,
}: DeliveredApp): string {
  const [reason] = Object.entries(reasons).toSorted(([, a], [, b]) => b - a)[0] ?? [""];
  if (letters > Math.max(rejected, dropped)) return "plumbline dead-letters list";
  if (rejected > dropped) return "the application's log has the collector's reason: \"events rejected\"";
  return NEXT_OF_REASON[reason] ?? 'docs/operate/delivery.md, "Why emitters drop"';
}

const NEXT_OF_REASON: Readonly<Record<string, string>> = {
  queue_full:
    "the collector was away or slower than the application for longer than the queue lasts; see its /readyz?verbose",
  too_large: "shorten attributes and vars: texts were cut already",
  redacted: "nothing, if the application's redact returns null on purpose",
  shutdown: "give close() more time, or call it before the process ends",
  not_json: "the application emits what JSON cannot hold, such as a BigInt",
  unreadable: "a getter of an emitted event throws",
};

function describeLetters(letters: readonly z.output<typeof LettersOfReason>[]): readonly Finding[] {
  if (letters.length === 0) return [ok("dead-letters", "none waits")];
  return letters.map(({ reason, letters: n, newest_at: newest }) =>
    warn(
      `dead-letters.${printableLine(reason)}`,
      `${count(n, "record")} set aside, the newest at ${newest.slice(0, 19).replace("T", " ")} UTC`,
      `plumbline dead-letters list --reason ${printableLine(reason)}`,
    ),
  );
}
