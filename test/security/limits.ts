/** The limits of what comes from outside, each from the constant that holds it: the table of docs/reference/limits.md. */
import {
  ATTRIBUTES_MAX,
  BODY_BYTES_MAX,
  BODY_EVENTS_MAX,
  CALL_BYTES_MAX,
  CALL_DEPTH_MAX,
  EVAL_BODY_BYTES_MAX,
  REGISTRY_BODY_BYTES_MAX,
  USE_CASES_A_DAY_MAX,
  VERSIONS_A_DAY_MAX,
} from "@plumbline/schemas";
import {
  SQL_URI_BYTES_MAX,
  STATEMENT_BYTES_MAX,
  STATEMENT_WORDS_MAX,
} from "../../packages/adapters/clickhouse/http-front.ts";
import { READER_LIMITS, READER_QUEUE_MAX, READERS_MAX } from "../../packages/adapters/clickhouse/reader.ts";
import {
  BODY_DEADLINE_MS,
  BODY_FLOOR_BYTES,
  HELD_BYTES_MAX,
  OWNERS_FULL_MAX,
} from "../../packages/runtime/http/body.ts";
import {
  HEADER_BYTES_MAX,
  HEADERS_TIMEOUT_MS,
  REQUEST_TIMEOUT_MS,
} from "../../packages/runtime/http/listen.ts";
import { EVENT_WARNINGS_MAX } from "../../services/collector/warnings.ts";
import { ANSWER_ISSUES_MAX, COLLECTOR_REQUESTS_MAX } from "../../services/collector/service.ts";
import { ERRORS_MAX } from "../../services/registry/read-request.ts";

type Limit = readonly [what: string, limit: string, beyond: string];

const bytes = (count: number): string => `${count.toLocaleString("en-US")} bytes`;
const seconds = (ms: number): string => `${ms / 1000} s`;

const SECTIONS: Readonly<Record<string, readonly Limit[]>> = {
  "Every server": [
    ["request line and headers", bytes(HEADER_BYTES_MAX), "431"],
    ["time for the headers", seconds(HEADERS_TIMEOUT_MS), "408"],
    ["time for a whole request", seconds(REQUEST_TIMEOUT_MS), "408"],
    ["time for a body", seconds(BODY_DEADLINE_MS), "408"],
    ["unfinished bodies of one tenant together", bytes(HELD_BYTES_MAX), "503 for the oldest of them"],
    [
      "unfinished bodies of all tenants together",
      bytes(HELD_BYTES_MAX * OWNERS_FULL_MAX),
      "503 for the oldest of the largest",
    ],
    ["what an unfinished body counts as at least", bytes(BODY_FLOOR_BYTES), "–"],
  ],
  Collector: [
    ["body, before and after gzip", bytes(BODY_BYTES_MAX), "413"],
    ["events of one request", String(BODY_EVENTS_MAX), "413"],
    ["one event as JSON", bytes(CALL_BYTES_MAX), "the event is rejected"],
    ["levels of nesting of one event", String(CALL_DEPTH_MAX), "the event is rejected"],
    [
      "attributes of one event",
      String(ATTRIBUTES_MAX),
      "unknown fields beyond are left out; more attributes are rejected",
    ],
    ["requests worked on at once, bodies received", String(COLLECTOR_REQUESTS_MAX), "503"],
    ["entries of `rejected`, `warnings` and `errors` in an answer", String(ANSWER_ISSUES_MAX), "counted"],
    ["warnings of one event in an answer", String(EVENT_WARNINGS_MAX), "counted"],
  ],
  Writer: [
    [
      "use cases of one tenant and UTC day",
      String(USE_CASES_A_DAY_MAX),
      "stored as the use case `_overflow`, flagged `use_case_overflow`; a coverage incident names the application",
    ],
    [
      "prompt versions of one tenant, use case and UTC day",
      String(VERSIONS_A_DAY_MAX),
      "stored as the version `_overflow`, flagged `version_overflow`; a coverage incident names the application",
    ],
  ],
  Registry: [
    ["body", bytes(REGISTRY_BODY_BYTES_MAX), "413"],
    ["body of an eval record", bytes(EVAL_BODY_BYTES_MAX), "413"],
    ["entries of `errors` in an answer", String(ERRORS_MAX), "counted"],
  ],
  "SQL port of local mode": [
    ["address", bytes(SQL_URI_BYTES_MAX), "431"],
    [
      "statement, its body before and after gzip",
      bytes(STATEMENT_BYTES_MAX),
      "413, or 400 with its parameters in place",
    ],
    ["words and symbols of a statement", String(STATEMENT_WORDS_MAX), "400"],
    ["statements that run at once", `${READERS_MAX}, 1 on one or two cores`, "they wait"],
    ["statements that wait", String(READER_QUEUE_MAX), "429"],
    ["time of one statement", `${READER_LIMITS.max_execution_time} s`, "408"],
    ["memory of one statement, its answer included", bytes(READER_LIMITS.max_memory_usage), "400"],
    ["rows of one answer", READER_LIMITS.max_result_rows.toLocaleString("en-US"), "400"],
    ["bytes of one answer", bytes(READER_LIMITS.max_result_bytes), "400"],
    ["threads of one statement", "1, or on more than four cores half of all but one", "–"],
  ],
};

/** The page, as Markdown. */
export function limitsPage(): string {
  const sections = Object.entries(SECTIONS).map(
    ([name, limits]) =>
      `## ${name}\n\n| What | Limit | Beyond it |\n| --- | --- | --- |\n${limits.map((row) => `| ${row.join(" | ")} |`).join("\n")}\n`,
  );
  return `# Limits\n\nWhat comes from outside is bounded. Written by \`npm run docs:limits\` from the constants that hold the limits.\n\n${sections.join("\n")}`;
}
