/**
 * Requests and files that nobody would write, made from a seed: no process ends, no answer is a 5xx, and none costs more
 * than a second of CPU time.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKeyDirectory, type KeyDirectory } from "@plumbline/access";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { serveClickHouse } from "@plumbline/adapters/clickhouse/http-front";
import { migrate } from "@plumbline/adapters/clickhouse/migrate";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import {
  lintPrompt,
  parseConfig,
  parseEvalSet,
  parsePolicy,
  parsePrompt,
  parseRubric,
  readYaml,
} from "@plumbline/prompts";
import type { EventLog } from "@plumbline/ports";
import { encodeIncidentEvent, INCIDENTS } from "@plumbline/alerts";
import { message } from "@plumbline/ports/notifier.contract";
import { createOpenGuard, type HttpService, type Route } from "@plumbline/runtime/http";
import { createLogger } from "@plumbline/runtime/logger";
import { run } from "@plumbline/runtime/run";
import fc from "fast-check";
import { fromNunjucks } from "../../packages/cli/interchange/from-nunjucks.ts";
import { toNunjucks } from "../../packages/cli/interchange/to-nunjucks.ts";
import { documentOf, versionOf } from "../registry/commands.ts";
import { DEAD_LETTER, INCIDENT, samplesOf, USE_CASE } from "./access-samples.ts";
import { hostile, jsonText, requestTo, sql, type Server } from "./fuzz-inputs.ts";
import { matchPattern } from "../../packages/prompts/bounded-pattern.ts";
import { createServers } from "./servers.ts";

export interface FuzzReport {
  readonly seed: number;
  readonly requests: number;
  readonly files: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly slowest_cpu_ms: number;
  /** What must not be: each with the input that did it. */
  readonly faults: readonly { readonly what: string; readonly input: string }[];
}

const CPU_MS_MAX = 1_000;
/** Requests sent before their answers are awaited together. */
const TOGETHER = 8;
const SILENCE_MS = 10_000;

/** Sends bytes, ends its half and returns the status of the answer; "none" without one. */
function statusOf(url: string, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const { port } = new URL(url);
    let answer = "";
    const socket = connect(Number(port), "127.0.0.1", () => socket.end(bytes));
    socket.setTimeout(SILENCE_MS, () => {
      answer = "HTTP/1.1 silent";
      socket.destroy();
    });
    socket.on("data", (chunk: Buffer) => {
      if (answer.length < 64) answer += chunk.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(/^HTTP\/1\.1 (\w+)/.exec(answer)?.[1] ?? "none"));
  });
}

const PROJECT = { hasFile: () => false, hasRubric: () => false };

function lint(text: string): unknown {
  const parsed = parsePrompt(text, "a.prompt", () => null);
  return parsed.kind === "parsed" ? lintPrompt(parsed.value, PROJECT) : null;
}

function matchRegex(pattern: string): unknown {
  return matchPattern(pattern, `${"a".repeat(2_000)}!`);
}

const FILE_PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  prompt: (text) => parsePrompt(text, "a.prompt", () => text),
  "prompt body": (text) => parsePrompt(`---\nmodel: a/b\n---\n${text}`, "a.prompt", () => null),
  yaml: (text) => readYaml(text, "a.yaml"),
  config: (text) => parseConfig(text, "plumbline.config.yaml"),
  policy: (text) => parsePolicy(text, "a.yaml"),
  rubric: (text) => parseRubric(text, "a.yaml"),
  "eval set": (text) => parseEvalSet(text, "a.jsonl"),
  lint: (text) => lint(`---\nmodel: a/b\n---\n${text}`),
  "a pattern": (text) => matchRegex(text),
  "a pattern of groups": (text) => matchRegex(`(${text})*(a*)*(a|a)*$`),
  "nunjucks in": fromNunjucks,
  "nunjucks out": toNunjucks,
};

/** A live version and a dead letter, so that routes find what they ask for. @returns the version */
async function plant(log: EventLog, registry: string): Promise<string> {
  const version = versionOf("one");
  const path = `${registry}/v1/use-cases/${USE_CASE}`;
  const headers = { "content-type": "application/json" };
  const push = { prompt_version: version, document: documentOf("one") };
  await fetch(`${path}/versions`, { method: "POST", headers, body: JSON.stringify(push) });
  const promote = { prompt_version: version, expected_revision: 0, bypass: { reason: "fuzz" } };
  await fetch(`${path}/promote`, { method: "POST", headers, body: JSON.stringify(promote) });
  await log.append("plumbline.calls.dead_letter", [DEAD_LETTER]);
  await log.append(INCIDENTS, [encodeIncidentEvent(INCIDENT)]);
  return version;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Serves what local mode serves, throws `requests` requests and as many files at it, and says what happened. */
export async function fuzz({ seed, requests }: { seed: number; requests: number }): Promise<FuzzReport> {
  const logger = createLogger("fuzz", "silent");
  const dir = await mkdtemp(join(tmpdir(), "plumbline-fuzz-"));
  const clickhouse = await openEmbeddedClickHouse({ path: join(dir, "clickhouse") });
  await migrate(clickhouse);
  const sqlFront = await serveClickHouse(clickhouse, { logger });
  const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
  const keys: KeyDirectory = createKeyDirectory({
    log,
    clock: systemClock,
    logger,
    service: "fuzz",
    needsKey: false,
  });
  const made = { log, keys, logger };
  const open = await createServers({ ...made, inboxDir: join(dir, "inbox"), guard: createOpenGuard() });
  // The same once more behind keys: what nobody is known by must not get further than a refusal.
  const closed = await createServers({ ...made, inboxDir: join(dir, "closed") });
  const services: Readonly<Record<string, HttpService>> = {
    ...open.all,
    ...Object.fromEntries(Object.entries(closed.all).map(([name, each]) => [`${name} with keys`, each])),
  };
  const stop = new AbortController();
  const running = run([keys, ...Object.values(services)], {
    logger,
    stop: stop.signal,
    drainMs: 5_000,
    resources: [],
  });
  const pathsOf = (routes: readonly Route[]): readonly string[] => [
    ...new Set(routes.map(({ path }) => path)),
  ];
  const servers: readonly Server[] = [
    { name: "sql", url: sqlFront.url, paths: ["/", "/ping"] },
    ...(await Promise.all(
      Object.entries(services).map(async ([name, service]) => ({
        name,
        url: await service.url,
        paths: pathsOf(service.routes),
      })),
    )),
  ];

  await until(async () => (await fetch(`${await open.all.registry.url}/readyz`)).status === 200);
  const version = await plant(log, await open.all.registry.url);
  await open.inbox.post(message(), { signal: stop.signal });
  const samples = samplesOf(version, "none");

  const statuses: Record<string, number> = {};
  const faults: { what: string; input: string }[] = [];
  const fault = (what: string, input: string | Buffer): void => {
    if (faults.length < 20) faults.push({ what, input: input.toString("latin1" as never).slice(0, 500) });
  };
  const onFault = (error: unknown): void => fault(`a fault of the process: ${String(error)}`, "");
  process.on("uncaughtException", onFault);
  process.on("unhandledRejection", onFault);
  let slowest = 0;
  try {
    const sent = fc.sample(requestTo(servers, samples), { seed, numRuns: requests });
    for (let at = 0; at < sent.length; at += TOGETHER) {
      const group = sent.slice(at, at + TOGETHER);
      const before = process.cpuUsage();
      const answers = await Promise.all(group.map(({ server, bytes }) => statusOf(server.url, bytes)));
      const cpuMs = cpuSince(before);
      slowest = Math.max(slowest, cpuMs);
      if (cpuMs > CPU_MS_MAX)
        fault(`${cpuMs} ms of CPU time`, Buffer.concat(group.map(({ bytes }) => bytes)));
      for (const [i, status] of answers.entries()) {
        const { server, bytes } = group[i]!;
        const key = `${server.name} ${status}`;
        statuses[key] = (statuses[key] ?? 0) + 1;
        if (status.startsWith("5") || status === "silent") fault(key, bytes);
      }
    }
    const texts = fc.sample(fc.oneof(hostile, jsonText, sql), { seed, numRuns: requests });
    for (const [i, text] of texts.entries()) {
      const [name, parse] = Object.entries(FILE_PARSERS)[i % Object.keys(FILE_PARSERS).length]!;
      const before = process.cpuUsage();
      try {
        parse(text);
      } catch (error) {
        fault(`${name} threw ${String(error)}`, text);
      }
      const cpuMs = cpuSince(before);
      slowest = Math.max(slowest, cpuMs);
      if (cpuMs > CPU_MS_MAX) fault(`${name}: ${cpuMs} ms of CPU time`, text);
    }
    for (const { name, url } of servers) {
      const path = name === "sql" ? "/ping" : "/livez";
      if ((await fetch(`${url}${path}`)).status !== 200) fault(`${name} serves no more`, "");
    }
    return { seed, requests, files: texts.length, statuses, slowest_cpu_ms: Math.round(slowest), faults };
  } finally {
    process.off("uncaughtException", onFault);
    process.off("unhandledRejection", onFault);
    stop.abort();
    await running;
    await sqlFront.close();
    await clickhouse.close();
    await log.close();
    await rm(dir, { recursive: true });
  }
}
