import { expect, test } from "vitest";
import { count, METRICS, observe, onScrape, scrape, setGauge } from "./metrics.ts";

const linesOf = async (name: string): Promise<string[]> =>
  (await scrape()).text.split("\n").filter((line) => new RegExp(`^plumbline_${name}[ {_]`).test(line));

test("names follow Prometheus' conventions: base units, and _total for what only grows", () => {
  for (const [name, { type }] of Object.entries(METRICS)) {
    expect(name, name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(name.endsWith("_total"), name).toBe(type === "counter");
    expect(name, name).not.toMatch(/_(ms|minutes|kb|mb)$/);
  }
});

test("a process shows no metric of services that it does not run", async () => {
  expect(await linesOf("judge_cost_usd_total")).toEqual([]);
  count("judge_cost_usd_total", {}, 0);
  expect(await linesOf("judge_cost_usd_total")).toEqual(["plumbline_judge_cost_usd_total 0"]);
});

test("Node's own metrics are there", async () => {
  const { text, contentType } = await scrape();
  expect(contentType).toMatch(/^text\/plain/);
  for (const name of [
    "process_cpu_seconds_total",
    "nodejs_eventloop_lag_seconds",
    "process_start_time_seconds",
  ])
    expect(text).toContain(`\n${name} `);
});

test("labels that grow without end are counted together, and none gets longer than 100 characters", async () => {
  for (let i = 0; i < 3_000; i++) count("dlq_total", { reason: `${i}-`.padEnd(500, "x") });
  const lines = await linesOf("dlq_total");
  expect(lines).toHaveLength(1_001);
  expect(lines).toContain(`plumbline_dlq_total{reason="_overflow"} 2000`);
  for (const line of lines) expect(line.length).toBeLessThan(160);
});

test("a value that is read at a scrape is left out when it can't be read, and comes back", async () => {
  let isAway = false;
  const end = onScrape("log_disk_free_bytes", async () => {
    if (isAway) throw new Error("no disk");
    setGauge("log_disk_free_bytes", {}, 42);
  });
  expect(await linesOf("log_disk_free_bytes")).toEqual(["plumbline_log_disk_free_bytes 42"]);
  isAway = true;
  expect(await linesOf("log_disk_free_bytes")).toEqual([]);
  isAway = false;
  expect(await linesOf("log_disk_free_bytes")).toEqual(["plumbline_log_disk_free_bytes 42"]);
  end();
  expect(await linesOf("log_disk_free_bytes")).toEqual([]);
});

test("a value that is not read in time does not hold the scrape up", async () => {
  const end = onScrape("consumer_lag_messages", () => new Promise(() => undefined));
  observe("event_age_seconds", {}, 0.3);
  expect(await linesOf("event_age_seconds_bucket")).toContain(
    `plumbline_event_age_seconds_bucket{le="0.5"} 1`,
  );
  end();
});
