/**
 * How long a call takes from `emit()` until a query from outside the process finds it, under load and when it is quiet.
 * The emitter, the collector's HTTP and the SQL front are the real ones; the time includes the poll that finds the row.
 *
 *   npm run bench:freshness [-- --json]
 */
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createEmitter } from "@plumbline/emitter";
import { createRandom } from "@plumbline/stats";
import { round } from "./ingest-path.ts";
import { startLocal, type LocalProcess } from "./local-process.ts";
import { sampleCall } from "./sample-call.ts";

const WARM_UP_SECONDS = 5;
const SECONDS = 20;
const POLL_MS = 30;

interface Phase {
  readonly delays: readonly number[];
  readonly sent: number;
  readonly found: number;
  readonly duplicated: number;
}

const local = await startLocal();
await measure(local, 1_000, WARM_UP_SECONDS);
const load = await measure(local, 2_000, SECONDS);
const quiet = await measure(local, 100, SECONDS);
await local.stop();

const result = {
  p50_ms: quantile(load.delays, 0.5),
  p99_ms: quantile(load.delays, 0.99),
  quiet_p50_ms: quantile(quiet.delays, 0.5),
  quiet_p99_ms: quantile(quiet.delays, 0.99),
  events: load.sent,
  quiet_events: quiet.sent,
  lost: load.sent - load.found + (quiet.sent - quiet.found),
  duplicated: load.duplicated + quiet.duplicated,
};
for (const [name, value] of Object.entries(result)) process.stderr.write(`${name.padEnd(16)} ${value}\n`);
process.stdout.write(`${process.argv.includes("--json") ? JSON.stringify(result) : ""}\n`);

async function measure({ urls, query }: LocalProcess, perSecond: number, seconds: number): Promise<Phase> {
  const emitter = createEmitter({ url: urls.collector, app: "bench" });
  const random = createRandom(perSecond);
  const total = perSecond * seconds;
  const emittedAt = new Map<string, number>();
  const delays: number[] = [];
  let duplicated = 0;
  const [before] = await query("SELECT max(log_offset) AS last, count() AS rows FROM plumbline_raw.calls");
  let offset = Number(before?.["rows"]) === 0 ? -1 : Number(before?.["last"]);

  let isSent = false;
  const polling = (async () => {
    const deadline = performance.now() + (seconds + 30) * 1000;
    while ((!isSent || delays.length < total) && performance.now() < deadline) {
      const rows = await query(
        `SELECT attributes['bench_id'] AS id, log_offset FROM plumbline_raw.calls WHERE log_offset > ${offset} ORDER BY log_offset`,
      );
      const now = performance.now();
      for (const row of rows) {
        offset = Math.max(offset, Number(row["log_offset"]));
        const emitted = emittedAt.get(String(row["id"]));
        if (emitted === undefined) duplicated += 1;
        else delays.push(now - emitted);
        emittedAt.delete(String(row["id"]));
      }
      await systemClock.sleep(POLL_MS);
    }
  })();

  const started = performance.now();
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1000) * perSecond));
    for (; sent < due; sent++) {
      const { call_id: _, app: __, ...call } = sampleCall(random, sent, Date.now());
      const id = `${perSecond}-${sent}`;
      emittedAt.set(id, performance.now());
      emitter.emit({ ...(call as Parameters<typeof emitter.emit>[0]), attributes: { bench_id: id } });
    }
    await systemClock.sleep(5);
  }
  isSent = true;
  await polling;
  await emitter.close();
  return { delays, sent: total, found: delays.length, duplicated };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN, 1);
}
