/**
 * Every metric of Plumbline, declared once: its name, meaning and labels. Prometheus reads them at `/metrics`, and
 * `docs/operate/metrics.md` is written from this file.
 *
 * Metrics belong to the process, as its memory does: services count into this one set, and local mode, which is every
 * service in one process, shows one set. Hot paths count once a batch. No label holds a hash, a user or free text, and
 * a metric that grows past `SERIES_MAX` label sets puts the rest under `_overflow`.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

interface Declaration {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, ascending; of histograms only. */
  readonly buckets?: readonly number[];
  /** Services that emit it; `process` is every one. */
  readonly from: readonly string[];
}

const SECONDS_OF_WORK = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const SECONDS_OF_DELAY = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400];
const ROWS = [1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000, 20_000];

/** Metrics by their name without the prefix `plumbline_`. */
export const METRICS = {
  build_info: {
    type: "gauge",
    help: "1; the labels say which release runs as which service",
    labels: ["service", "version", "node"],
    from: ["process"],
  },
  ready: {
    type: "gauge",
    help: "1 while the named check of /readyz passes, 0 while it does not",
    labels: ["check"],
    from: ["process"],
  },
  events_ingested_total: {
    type: "counter",
    help: "events that the collector accepted: durable in the log",
    labels: ["topic"],
    from: ["collector"],
  },
  events_invalid_total: {
    type: "counter",
    help: "events that the collector refused, by what is wrong with them",
    labels: ["reason"],
    from: ["collector"],
  },
  events_repaired_total: {
    type: "counter",
    help: "events that the collector accepted with something set aside, filled in or replaced, by what; their senders are told in the answer's warnings",
    labels: ["repair"],
    from: ["collector"],
  },
  events_dropped_total: {
    type: "counter",
    help: "events that were turned away or lost on the way: `log_unavailable`, answered with 503 because the log did not take them; their emitters send them again, or count them as dropped",
    labels: ["where"],
    from: ["collector"],
  },
  log_disk_free_bytes: {
    type: "gauge",
    help: "free space on the disk of the log's folder, in local mode",
    labels: [],
    from: ["local"],
  },
  log_disk_reserve_bytes: {
    type: "gauge",
    help: "free space below which the log refuses appends, in local mode",
    labels: [],
    from: ["local"],
  },
  consumer_lag_messages: {
    type: "gauge",
    help: "records of a partition that the writer has not stored yet",
    labels: ["topic", "partition"],
    from: ["writer"],
  },
  event_age_seconds: {
    type: "histogram",
    help: "from the end of a call, by its application's clock, to the moment when it can be queried; at most 32 calls of a batch are looked at",
    labels: [],
    buckets: SECONDS_OF_DELAY,
    from: ["writer"],
  },
  clickhouse_insert_seconds: {
    type: "histogram",
    help: "duration of an insert that succeeded",
    labels: ["table"],
    buckets: SECONDS_OF_WORK,
    from: ["writer"],
  },
  insert_rows: {
    type: "histogram",
    help: "rows of an insert that succeeded",
    labels: ["table"],
    buckets: ROWS,
    from: ["writer"],
  },
  insert_errors_total: {
    type: "counter",
    help: "inserts that failed, by the class of the store's error",
    labels: ["table", "code"],
    from: ["writer"],
  },
  duplicates_total: {
    type: "counter",
    help: "records that the writer dropped because their call is stored already",
    labels: ["topic"],
    from: ["writer"],
  },
  calls_unpriced_total: {
    type: "counter",
    help: "calls that were stored without a cost although a provider was asked: `no_tokens` were reported, or there is `no_price` for the model; plumbline.unpriced_calls_v1 names the models",
    labels: ["reason"],
    from: ["writer"],
  },
  dlq_total: {
    type: "counter",
    help: "records that went to the dead letters because they can't become rows",
    labels: ["reason"],
    from: ["writer"],
  },
  judge_requests_total: {
    type: "counter",
    help: "sampled calls decided by the judge, by verdict state, and `unreachable` for each request that the judge did not answer",
    labels: ["rubric", "outcome"],
    from: ["judge"],
  },
  judge_queue_age_seconds: {
    type: "gauge",
    help: "how long the oldest sampled call without a verdict has waited; 0 when none waits",
    labels: [],
    from: ["judge"],
  },
  judge_cost_usd_total: {
    type: "counter",
    help: "what judging has cost where its price is known, US dollars",
    labels: [],
    from: ["judge"],
  },
  judge_unpriced_total: {
    type: "counter",
    help: "answers of the judge whose cost is not known; they are in no sum of dollars",
    labels: [],
    from: ["judge"],
  },
  job_duration_seconds: {
    type: "histogram",
    help: "duration of a run of a job, by outcome",
    labels: ["job", "outcome"],
    buckets: SECONDS_OF_WORK,
    from: ["monitor"],
  },
  job_last_success_timestamp_seconds: {
    type: "gauge",
    help: "when the job last succeeded, seconds since the epoch; the start of the process before its first run",
    labels: ["job"],
    from: ["monitor"],
  },
  job_period_seconds: {
    type: "gauge",
    help: "time between two runs of the job by its schedule",
    labels: ["job"],
    from: ["monitor"],
  },
  ingest_gap: {
    type: "gauge",
    help: "records that the writer went past in the last six hours and that are in no table, by the newest scan; of the replica that scans",
    labels: ["topic"],
    from: ["monitor"],
  },
  ingest_unchecked_records: {
    type: "gauge",
    help: "suspicious records that the newest scan did not look at, because there were too many",
    labels: [],
    from: ["monitor"],
  },
  alerts_total: {
    type: "counter",
    help: "messages about incidents that were shown for the first time",
    labels: ["severity", "sink"],
    from: ["notifier"],
  },
  alert_delay_seconds: {
    type: "histogram",
    help: "from an incident's latest change to the moment when a channel shows it",
    labels: ["sink"],
    buckets: SECONDS_OF_DELAY,
    from: ["notifier"],
  },
  slack_send_total: {
    type: "counter",
    help: "requests to Slack that post or edit a message, by outcome",
    labels: ["outcome"],
    from: ["notifier"],
  },
  outbox_pending: {
    type: "gauge",
    help: "incidents whose newest revision a channel does not show yet",
    labels: ["sink"],
    from: ["notifier"],
  },
  outbox_age_seconds: {
    type: "gauge",
    help: "how long the oldest of them has waited; 0 when none waits",
    labels: ["sink"],
    from: ["notifier"],
  },
  registry_requests_total: {
    type: "counter",
    help: "requests to the registry, by route and status",
    labels: ["route", "status"],
    from: ["registry"],
  },
  rollback_propagation_seconds: {
    type: "histogram",
    help: "from the moment when the log took a change of what is live to the moment when this replica has answered every client that waits for it",
    labels: [],
    buckets: SECONDS_OF_WORK,
    from: ["registry"],
  },
} as const satisfies Record<string, Declaration>;

type MetricName = keyof typeof METRICS;
type NameOf<Type extends Declaration["type"]> = {
  [Name in MetricName]: (typeof METRICS)[Name]["type"] extends Type ? Name : never;
}[MetricName];
type LabelsOf<Name extends MetricName> = Readonly<Record<(typeof METRICS)[Name]["labels"][number], string>>;

export const METRIC_PREFIX = "plumbline_";
/** Label sets of one metric; whatever comes later is counted under `_overflow`. */
const SERIES_MAX = 1_000;
const LABEL_CHARS_MAX = 100;
const OVERFLOW = "_overflow";

/** Longest wait for what is read at a scrape, ms: Prometheus gives up after ten seconds by default. */
const COLLECT_MS_MAX = 2_000;

const registry = new Registry();
const series = new Map<MetricName, Set<string>>();
/** Made at first use: a process shows no zeros of services that it does not run. */
const instruments = new Map<MetricName, Counter | Gauge | Histogram>();
const collectors = new Map<NameOf<"gauge">, Set<() => Promise<void> | void>>();

function instrumentOf(name: MetricName): Counter | Gauge | Histogram {
  const known = instruments.get(name);
  if (known !== undefined) return known;
  const { type, help, labels, buckets }: Declaration = METRICS[name];
  const options = {
    name: `${METRIC_PREFIX}${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  };
  const made =
    type === "counter"
      ? new Counter(options)
      : type === "gauge"
        ? new Gauge(options)
        : new Histogram({ ...options, ...(buckets === undefined ? {} : { buckets: [...buckets] }) });
  instruments.set(name, made);
  return made;
}

/** Adds to a counter; 0 makes its series visible before anything has happened. */
export function count<Name extends NameOf<"counter">>(name: Name, labels: LabelsOf<Name>, by = 1): void {
  (instrumentOf(name) as Counter).inc(bounded(name, labels), by);
}

export function setGauge<Name extends NameOf<"gauge">>(
  name: Name,
  labels: LabelsOf<Name>,
  value: number,
): void {
  (instrumentOf(name) as Gauge).set(bounded(name, labels), value);
}

/** Notes one value of a histogram, seconds or rows as its name says. */
export function observe<Name extends NameOf<"histogram">>(
  name: Name,
  labels: LabelsOf<Name>,
  value: number,
): void {
  (instrumentOf(name) as Histogram).observe(bounded(name, labels), value);
}

/**
 * Calls `collect` at each scrape, for gauges that are read rather than set: each scrape begins without values, and what
 * can't be read, or not in time, is left out of the answer.
 *
 * @returns a function that ends it
 */
export function onScrape(name: NameOf<"gauge">, collect: () => Promise<void> | void): () => void {
  const all = collectors.get(name) ?? new Set();
  collectors.set(name, all.add(collect));
  return () => {
    all.delete(collect);
    clear(name);
  };
}

async function collectAll(
  name: NameOf<"gauge">,
  all: ReadonlySet<() => Promise<void> | void>,
): Promise<void> {
  clear(name);
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("not in time")), COLLECT_MS_MAX);
  });
  try {
    await Promise.race([Promise.all([...all].map(async (collect) => collect())), limit]);
  } catch {
    // An unknown value is no value: the readiness checks say what is wrong.
    clear(name);
  } finally {
    clearTimeout(timer);
  }
}

function clear(name: NameOf<"gauge">): void {
  const gauge = instrumentOf(name) as Gauge;
  gauge.reset();
  // A gauge without labels is reset to 0, which would be a value.
  if (METRICS[name].labels.length === 0) gauge.remove({});
}

let hasDefaults = false;
let scraping: Promise<{ contentType: string; text: string }> | null = null;

/** The metrics of this process in Prometheus' text format, those of Node included. Scrapes at one time share an answer. */
export function scrape(): Promise<{ contentType: string; text: string }> {
  scraping ??= (async () => {
    startDefaultMetrics();
    await Promise.all([...collectors].map(([name, all]) => collectAll(name, all)));
    return { contentType: registry.contentType, text: await registry.metrics() };
  })().finally(() => {
    scraping = null;
  });
  return scraping;
}

/** Starts Node's own metrics (memory, CPU, event loop, garbage collection). */
export function startDefaultMetrics(): void {
  if (hasDefaults) return;
  hasDefaults = true;
  collectDefaultMetrics({ register: registry });
}

function bounded(name: MetricName, labels: Readonly<Record<string, string>>): Record<string, string> {
  const known = series.get(name) ?? new Set<string>();
  series.set(name, known);
  const short = Object.fromEntries(
    Object.entries(labels).map(([label, value]) => [label, value.slice(0, LABEL_CHARS_MAX)]),
  );
  const key = Object.values(short).join("\u0000");
  if (known.has(key)) return short;
  if (known.size < SERIES_MAX) {
    known.add(key);
    return short;
  }
  return Object.fromEntries(Object.keys(short).map((label) => [label, OVERFLOW]));
}
