/**
 * Takes call events and feedback over HTTP and appends them to the log.
 *
 * An answer of 200 means that the accepted events are durable in the log, and nothing less. An event without
 * fault is never harmed by its neighbours. Delivery is at least once: a sender that got no answer sends again,
 * with the same `call_id`s, and later stages count the repeat once.
 */
import {
  counted,
  BODY_BYTES_MAX,
  CALL_BYTES_MAX,
  type CallIssue,
  type CallsAccepted,
  type Topic,
} from "@plumbline/schemas";
import { LogError, type Clock, type EventLog } from "@plumbline/ports";
import {
  createBodyReader,
  createHttpApp,
  createHttpService,
  createOpenGuard,
  HttpProblem,
  inUtf8,
  type Guard,
  type HttpService,
  type TlsFiles,
  type Principal,
  type Request,
  type Response,
} from "@plumbline/runtime/http";
import { ok, type Health } from "@plumbline/runtime/health";
import type { Logger } from "@plumbline/runtime/logger";
import { count } from "@plumbline/runtime/metrics";
import { INVALID_REASONS, type InvalidReason } from "./explain-issue.ts";
import { readCall, readFeedback, type ReadEvent } from "./read-call.ts";
import { type Repair, REPAIRS } from "./warnings.ts";
import { UseCaseLimit } from "./use-case-limit.ts";
import { splitBody, type BodyFormat, type BodyItem } from "./split-body.ts";

export interface CollectorOptions {
  readonly log: Pick<EventLog, "append" | "assertAppendable">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default 127.0.0.1. Anything else needs a guard that asks for keys. */
  readonly host?: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** The variable or flag that sets the port, for the message when it is taken. */
  readonly portSetting?: string;
  /** Whose events they are. Absent: no key is asked for, and everything belongs to tenant `default`. */
  readonly guard?: Guard | undefined;
  /** Absent: plain HTTP. */
  readonly tls?: TlsFiles | undefined;
  /** Longest wait for the log, ms. Default 10,000: shorter than an emitter waits for its answer. */
  readonly appendTimeoutMs?: number;
}

/** Requests being worked on at once, after their body arrived: each may hold one of 1 MiB and what it says. */
export const COLLECTOR_REQUESTS_MAX = 64;

export function createCollector(options: CollectorOptions): HttpService {
  const { log, clock, logger, host = "127.0.0.1", port, appendTimeoutMs = 10_000 } = options;
  const { guard = createOpenGuard() } = options;
  const useCases = new UseCaseLimit();
  const bodies = createBodyReader({ bytesMax: BODY_BYTES_MAX, advice: "Send it in smaller batches." });
  let requests = 0;

  async function append(topic: Topic, events: readonly ReadEvent[], tenant: string): Promise<void> {
    const records = events.flatMap((event) =>
      event.kind === "accepted" ? [{ key: event.key, value: event.value, headers: { tenant } }] : [],
    );
    if (records.length === 0) return;
    const answered = new AbortController();
    const timeout = clock.sleep(appendTimeoutMs, answered.signal).then(() => {
      if (answered.signal.aborted) return;
      throw new LogError("log_unavailable", `the log did not answer within ${appendTimeoutMs} ms`, {
        retryable: true,
      });
    });
    try {
      await Promise.race([log.append(topic, records), timeout]);
    } catch (error) {
      count("events_dropped_total", { where: "log_unavailable" }, records.length);
      throw error;
    } finally {
      answered.abort();
    }
  }

  async function accept(
    request: Request,
    response: Response,
    { tenant }: Principal,
    topic: Topic,
    read: (item: BodyItem) => ReadEvent,
  ): Promise<void> {
    const format = formatOf(request);
    // A body that is still arriving holds no slot: whoever stalls keeps nobody else out.
    const body = inUtf8(await bodies.read(request, tenant), request.get("content-type"));
    if (requests >= COLLECTOR_REQUESTS_MAX) throw overloaded();
    requests++;
    try {
      const events = splitBody(body, format).map(read);
      await append(topic, events, tenant);
      countEvents(topic, events);
      const answer = toAnswer(events);
      response.locals["tenant"] = tenant;
      response.locals["accepted"] = answer.accepted;
      response.locals["rejected"] = answer.rejected_count;
      response.locals["warnings"] = answer.warnings_count;
      if (answer.accepted === 0 && answer.rejected_count > 0) throw nothingAccepted(answer);
      response.json(answer);
    } finally {
      requests--;
    }
  }

  const health: Health = {
    readiness: {
      log: async () => {
        await log.assertAppendable("plumbline.calls");
        return ok("the log takes calls");
      },
    },
  };
  const app = createHttpApp({
    name: "collector",
    logger,
    guard,
    health,
    routes: [
      {
        method: "POST",
        path: "/v1/calls",
        access: "ingest",
        handle: (request, response, principal) =>
          accept(request, response, principal, "plumbline.calls", (item) =>
            useCases.check(readCall(item, clock.now()), principal, clock.now()),
          ),
      },
      {
        method: "POST",
        path: "/v1/feedback",
        access: "ingest",
        handle: (request, response, principal) =>
          accept(request, response, principal, "plumbline.feedback", (item) =>
            useCases.check(readFeedback(item), principal, clock.now()),
          ),
      },
    ],
  });
  showZeros();
  return {
    ...createHttpService(app, {
      name: "collector",
      logger,
      host,
      port,
      portSetting: options.portSetting ?? "PLUMBLINE_COLLECTOR_PORT",
      tls: options.tls,
    }),
    health,
  };
}

/** A rate from zero needs the zero: a counter that appears with its first event hides that event. */
function showZeros(): void {
  for (const topic of ["plumbline.calls", "plumbline.feedback"] as const) {
    count("events_ingested_total", { topic }, 0);
  }
  for (const reason of INVALID_REASONS) count("events_invalid_total", { reason }, 0);
  for (const repair of REPAIRS) count("events_repaired_total", { repair }, 0);
  count("events_dropped_total", { where: "log_unavailable" }, 0);
}

/** Counts what became of a request's events, once the log has them. */
function countEvents(topic: Topic, events: readonly ReadEvent[]): void {
  const invalid = new Map<InvalidReason, number>();
  for (const event of events) {
    if (event.kind === "rejected") invalid.set(event.reason, (invalid.get(event.reason) ?? 0) + 1);
  }
  for (const [reason, events_invalid] of invalid) count("events_invalid_total", { reason }, events_invalid);
  const repaired = new Map<Repair, number>();
  for (const event of events) {
    if (event.kind !== "accepted") continue;
    for (const repair of event.warnings.repairs) repaired.set(repair, (repaired.get(repair) ?? 0) + 1);
  }
  for (const [repair, events_repaired] of repaired)
    count("events_repaired_total", { repair }, events_repaired);
  const invalidAll = [...invalid.values()].reduce((sum, each) => sum + each, 0);
  count("events_ingested_total", { topic }, events.length - invalidAll);
}

const FORMATS: Readonly<Record<string, BodyFormat>> = {
  "application/json": "json",
  "application/x-ndjson": "ndjson",
  "application/ndjson": "ndjson",
  "application/jsonl": "ndjson",
};

/** Asking for a JSON type also keeps other sites' pages from posting here: a browser asks us first. */
function formatOf(request: Request): BodyFormat {
  const type = (request.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  const format = Object.hasOwn(FORMATS, type) ? FORMATS[type] : undefined;
  if (format !== undefined) return format;
  throw new HttpProblem({
    type: "urn:plumbline:unsupported-media-type",
    title: "Unsupported media type",
    status: 415,
    detail:
      "Send content-type application/json for one event or an array, or application/x-ndjson for one event per line (curl: -H 'content-type: application/json').",
  });
}

/** Entries of a list in an answer; the count beside it says how many there were. */
export const ANSWER_ISSUES_MAX = 100;

function toAnswer(events: readonly ReadEvent[]): CallsAccepted {
  const rejected: CallIssue[] = [];
  const warnings: CallIssue[] = [];
  let rejectedCount = 0;
  let warningsCount = 0;
  const add = (issues: CallIssue[], issue: CallIssue): void => {
    if (issues.length < ANSWER_ISSUES_MAX) issues.push(issue);
  };
  for (const [index, event] of events.entries()) {
    if (event.kind === "rejected") {
      rejectedCount += 1;
      add(rejected, { index, field: event.field, message: event.message });
    } else {
      warningsCount += event.warnings.count;
      for (const warning of event.warnings.shown) add(warnings, { index, ...warning });
    }
  }
  return {
    accepted: events.length - rejectedCount,
    rejected,
    rejected_count: rejectedCount,
    warnings,
    warnings_count: warningsCount,
  };
}

function nothingAccepted({ rejected, rejected_count: count }: CallsAccepted): HttpProblem {
  const [first] = rejected;
  return new HttpProblem({
    type: "urn:plumbline:invalid-event",
    title: "Nothing was accepted",
    status: 400,
    detail: `${count === 1 ? "The event is invalid" : `All ${counted(count, "event")} are invalid; the first`}: ${first?.message ?? ""}. An event may have ${CALL_BYTES_MAX} bytes.`,
    ...(first === undefined ? {} : { field: first.field }),
    errors: rejected,
    errors_count: count,
  });
}

function overloaded(): HttpProblem {
  return new HttpProblem(
    {
      type: "urn:plumbline:overloaded",
      title: "Temporarily unavailable",
      status: 503,
      detail: `${COLLECTOR_REQUESTS_MAX} requests are being worked on. Send this one again after Retry-After.`,
    },
    { "retry-after": "1" },
  );
}
