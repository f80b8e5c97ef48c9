/** Local mode as a process: its lights go out when what they promise is not kept, and every metric that is declared is there. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openLmdbEventLog } from "@plumbline/adapters/lmdb/event-log";
import { METRIC_PREFIX, METRICS } from "@plumbline/runtime/metrics";
import { expect, onTestFinished, test, vi } from "vitest";
import { startFakeSlack } from "../fake-slack.ts";
import { race, registered, toNewRecord, USE_CASE } from "../registry/commands.ts";
import { readExposition, type Family } from "./read-exposition.ts";
import { startLocal, type LocalProcess } from "./start-local.ts";

/** Of batches that are two minutes old, looked at every five minutes: `services/monitor/ingest/ingest-monitor.test.ts` has it. */
const LATE = "ingest_gap";
const WAIT = { timeout: 120_000, interval: 250 };

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-observation-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function started(folder: string, environment: Record<string, string> = {}): Promise<LocalProcess> {
  const local = await startLocal(folder, environment);
  onTestFinished(async () => void (await local.stop()));
  return local;
}

interface Ready {
  readonly status: string;
  readonly failing?: readonly string[];
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly message: string }>>;
}

async function readyOf(url: string): Promise<{ status: number; body: Ready }> {
  const response = await fetch(`${url}/readyz?verbose`);
  return { status: response.status, body: (await response.json()) as Ready };
}

const scraped = async ({ urls }: LocalProcess): Promise<ReadonlyMap<string, Family>> => {
  const response = await fetch(`${urls.metrics}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  return readExposition(await response.text());
};

const call = (n: number) => ({
  app: "observed",
  use_case: "observed",
  prompt_version: "v1",
  model: "gpt-5-mini",
  status: "ok",
  latency_ms: 5,
  conversation_id: `c${n}`,
  input: `Customer ${n} of Quagmire Ltd was charged $40 twice.`,
  output: "Charged $40 twice.",
});

const post = (url: string, body: unknown): Promise<Response> =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-plumbline-actor": "ann" },
    body: JSON.stringify(body),
  });

test(
  "on a disk without room nothing is accepted, and readiness says so where it is asked",
  { timeout: 240_000 },
  async () => {
    const local = await started(await newFolder(), {
      PLUMBLINE_LOG_RESERVE_BYTES: String(Number.MAX_SAFE_INTEGER),
    });
    expect((await post(`${local.urls.collector}/v1/calls`, call(1))).status).toBe(503);
    for (const [url, check] of [
      [local.urls.collector, "log"],
      [local.urls.metrics, "collector.log"],
    ] as const) {
      const { status, body } = await readyOf(url);
      expect(status).toBe(503);
      expect(body.failing).toContain(check);
      expect(body.checks[check]).toEqual({
        ok: false,
        message: expect.stringMatching(/^the disk of .* bytes free, \d+ are kept in reserve: make room$/),
      });
    }
    expect((await fetch(`${local.urls.metrics}/livez`)).status).toBe(200);

    const families = await scraped(local);
    const samples = families.get("plumbline_ready")!.samples;
    expect(samples.find(({ labels }) => labels["check"] === "collector.log")!.value).toBe(0);
    expect(families.get("plumbline_events_dropped_total")!.samples).toEqual([
      { name: "plumbline_events_dropped_total", labels: { where: "log_unavailable" }, value: 1 },
    ]);
  },
);

test(
  "an idle process becomes ready, and every metric that is declared is emitted by work",
  { timeout: 400_000 },
  async () => {
    const folder = await newFolder();
    const slack = await startFakeSlack();
    onTestFinished(() => slack.close());
    // A record that no writer can read, and a registry with versions to promote.
    const log = await openLmdbEventLog({ path: join(folder, "data", "log"), clock: systemClock });
    await log.append("plumbline.calls", [{ key: "k", value: Buffer.from("no json") }]);
    await log.append(
      "plumbline.registry",
      [...race(["two"], new Date()), registered("three")].map(toNewRecord),
    );
    await log.close();

    const local = await started(folder, {
      PLUMBLINE_LOG_LEVEL: "info",
      PLUMBLINE_JUDGE_SAMPLE_RATIO: "1",
      PLUMBLINE_SLACK_TOKEN: "xoxb-test",
      PLUMBLINE_SLACK_CHANNEL: slack.channel,
      PLUMBLINE_SLACK_API_URL: slack.apiUrl,
    });
    await vi.waitFor(async () => {
      const { status, body } = await readyOf(local.urls.metrics);
      expect(Object.entries(body.checks).filter(([, { ok }]) => !ok)).toEqual([]);
      expect(status).toBe(200);
      // One check at least of everything that runs.
      const services = new Set(Object.keys(body.checks).map((name) => name.split(".")[0]));
      expect(services).toEqual(
        new Set([
          "collector",
          "eraser",
          "judge",
          "log",
          "monitor",
          "notifier",
          "policy",
          "registry",
          "writer",
        ]),
      );
    }, WAIT);
    const page = readFileSync(new URL("../../docs/operate/health.md", import.meta.url), "utf8");
    for (const check of Object.keys((await readyOf(local.urls.metrics)).body.checks)) {
      const documented = check
        .replace(/^writer\.topic\..*/, "writer.topic.<topic>")
        .replace(/^monitor\..*/, "monitor.<job>")
        .replace(/^notifier\..*/, "notifier.<channel>");
      expect(page, check).toContain(`| \`${documented}\` |`);
    }
    for (const path of ["/livez", "/healthz"]) {
      const alive = await fetch(`${local.urls.metrics}${path}?verbose`);
      expect(alive.status).toBe(200);
      expect(Object.keys(((await alive.json()) as Ready).checks).length).toBeGreaterThan(3);
    }

    expect(
      (await post(`${local.urls.collector}/v1/calls`, [call(1), { ...call(2), status: "fine" }])).status,
    ).toBe(200);
    const promoted = await post(`${local.urls.registry}/v1/use-cases/${USE_CASE}/promote`, {
      prompt_version: "v3",
      expected_revision: 1,
      bypass: { reason: "seen by hand" },
      reason: "now",
    });
    expect(promoted.status).toBe(200);

    await vi.waitFor(async () => {
      const families = await scraped(local);
      const sampled = Object.keys(METRICS).filter(
        (name) => (families.get(`${METRIC_PREFIX}${name}`)?.samples.length ?? 0) > 0,
      );
      expect(sampled.filter((name) => name !== LATE)).toEqual(
        Object.keys(METRICS).filter((name) => name !== LATE),
      );
      const value = (name: string, labels: Record<string, string>) =>
        families
          .get(`plumbline_${name}`)!
          .samples.find((each) =>
            Object.entries(labels).every(([label, text]) => each.labels[label] === text),
          )?.value;
      expect(value("events_ingested_total", { topic: "plumbline.calls" })).toBe(1);
      expect(value("events_invalid_total", { reason: "unknown_value" })).toBe(1);
      expect(value("dlq_total", { reason: "not_json" })).toBe(1);
      expect(value("judge_requests_total", { outcome: "scored" })).toBe(1);
      expect(value("alerts_total", { sink: "slack" })).toBe(1);
      expect(value("alerts_total", { sink: "inbox" })).toBe(1);
      expect(value("slack_send_total", { outcome: "ok" })).toBe(1);
      expect(
        value("registry_requests_total", { route: "/v1/use-cases/:use_case/promote", status: "200" }),
      ).toBe(1);
      expect(value("consumer_lag_messages", { topic: "plumbline.calls", partition: "0" })).toBe(0);
    }, WAIT);

    // One line a unit of work, none with a text of a customer.
    const output = local.output();
    for (const line of ["collector.request", "writer.batch", "judge.batch", "job.run", "notifier.delivered"])
      expect(output).toContain(`"msg":"${line}"`);
    expect(output).not.toContain("Quagmire");
    expect(output).not.toContain("xoxb-test");
    expect(await local.stop()).toBe(0);
  },
);
