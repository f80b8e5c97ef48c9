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
  parseConfig,
  parseEvalSet,
  parsePolicy,
  parsePrompt,
  parseRubric,
  readYaml,
} from "@plumbline/prompts";
import { createHttpService, createOpenGuard, type Route } from "@plumbline/runtime/http";
import { createHttpApp } from "@plumbline/runtime/http";
import { createLogger } from "@plumbline/runtime/logger";
import { run } from "@plumbline/runtime/run";
import fc from "fast-check";
import { fromNunjucks, toNunjucks } from "../../packages/cli/interchange/nunjucks.ts";
import { createCollector } from "../../services/collector/service.ts";
import { policyRoutes } from "../../services/policy/routes.ts";
import { createRegistry } from "../../services/registry/service.ts";

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

const hostile = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom(
    "//",
    "/%",
    "%0a",
    "%00",
    "%E0%A4%A",
    "..",
    "../..",
    "\\",
    "*",
    "?",
    "#",
    "[",
    "{",
    "'",
    '"',
  ),
  fc.constantFrom("__proto__", "constructor", "\ud800", "\u202e", "1e999", "-0", "null", "NaN"),
  fc
    .tuple(
      fc.constantFrom("(", "'\\'", "{a:", "[", '"\\"', "/*", "{{", "+", "a,", "\u00e4"),
      fc.integer({ min: 1, max: 4_000 }),
    )
    .map(([piece, times]) => piece.repeat(times)),
);
const jsonText = fc.oneof(
  fc.json({ maxDepth: 6 }),
  hostile,
  fc
    .dictionary(
      fc.constantFrom(
        "app",
        "use_case",
        "model",
        "status",
        "latency_ms",
        "call_id",
        "attributes",
        "env",
        "record",
        "reason",
        "x",
      ),
      fc.jsonValue({ maxDepth: 3 }),
      { maxKeys: 10 },
    )
    .map((value) => JSON.stringify(value)),
);
const sql = fc.oneof(
  hostile,
  fc
    .array(
      fc.constantFrom(
        "SELECT",
        "1",
        "(",
        ")",
        ",",
        "'a'",
        "FROM",
        "numbers(3)",
        "{a:String}",
        "FORMAT",
        "JSON",
        ";",
        "/*",
        "*/",
        "--",
        "`",
        "WITH",
        "AS",
        "\n",
      ),
      { maxLength: 20 },
    )
    .map((words) => words.join(" ")),
);

/** Percent-encoded; half a surrogate pair as the bytes that it would have. */
function encode(text: string): string {
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, "\ufffd")).replaceAll(
    "%EF%BF%BD",
    "%ED%A0%80",
  );
}

interface Server {
  readonly name: string;
  readonly url: string;
  readonly paths: readonly string[];
}

function requestTo(
  servers: readonly Server[],
): fc.Arbitrary<{ readonly server: Server; readonly bytes: Buffer }> {
  return fc.constantFrom(...servers).chain((server) =>
    fc
      .record({
        method: fc.oneof(
          { weight: 8, arbitrary: fc.constantFrom("GET", "POST") },
          {
            weight: 1,
            arbitrary: fc.constantFrom("PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "X"),
          },
        ),
        path: fc.constantFrom(...server.paths),
        piece: hostile.map(encode),
        raw: fc.option(hostile, { freq: 8 }),
        query: fc.option(
          fc.tuple(
            fc.constantFrom(
              "query",
              "param_a",
              "query_id",
              "env",
              "database",
              "default_format",
              "after",
              "verbose",
            ),
            sql,
          ),
        ),
        body: fc.oneof(jsonText, sql),
        type: fc.constantFrom("application/json", "application/x-ndjson", "text/plain", ""),
        extra: fc.option(
          fc.tuple(
            fc.constantFrom(
              "if-match",
              "idempotency-key",
              "content-encoding",
              "expect",
              "origin",
              "host",
              "transfer-encoding",
              "authorization",
              "upgrade",
              "range",
            ),
            hostile,
          ),
        ),
        cut: fc.boolean(),
      })
      .map(({ method, path, piece, raw, query, body, type, extra, cut }) => {
        const own = path.replaceAll(/:\w+/g, () => piece.slice(0, 2_000));
        const search = query === null ? "" : `?${query[0]}=${encode(query[1])}`;
        const target = raw === null ? `${own}${search}`.slice(0, 12_000) : `/${raw}`;
        const bytes = Buffer.from(body);
        const head = [
          `${method} ${target} HTTP/1.1`,
          "Host: 127.0.0.1",
          "Connection: close",
          ...(type === "" ? [] : [`Content-Type: ${type}`]),
          ...(extra === null ? [] : [`${extra[0]}: ${extra[1].slice(0, 4_000)}`]),
          `Content-Length: ${bytes.length + (cut ? 1 : 0)}`,
        ];
        return { server, bytes: Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "utf8"), bytes]) };
      }),
  );
}

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

const FILE_PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  prompt: (text) => parsePrompt(text, "a.prompt", () => text),
  "prompt body": (text) => parsePrompt(`---\nmodel: a/b\n---\n${text}`, "a.prompt", () => null),
  yaml: (text) => readYaml(text, "a.yaml"),
  config: (text) => parseConfig(text, "plumbline.config.yaml"),
  policy: (text) => parsePolicy(text, "a.yaml"),
  rubric: (text) => parseRubric(text, "a.yaml"),
  "eval set": (text) => parseEvalSet(text, "a.jsonl"),
  "nunjucks in": fromNunjucks,
  "nunjucks out": toNunjucks,
};

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
  const deps = { log, clock: systemClock, logger, port: 0 };
  const services = {
    collector: createCollector(deps),
    registry: createRegistry({ ...deps, keys, followMs: 20 }),
    policy: createHttpService(
      createHttpApp({
        name: "policy",
        logger,
        guard: createOpenGuard(),
        routes: policyRoutes({ status: () => [] }),
      }),
      { name: "policy", logger, port: 0 },
    ),
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
    const sent = fc.sample(requestTo(servers), { seed, numRuns: requests });
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
        if (/^5(?!01)/.test(status) || status === "silent") fault(key, bytes);
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
