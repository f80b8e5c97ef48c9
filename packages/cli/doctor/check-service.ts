/** A process over HTTP: does it answer, is it ready, which release is it, and what does its clock say? */
import { addressOf, whyUnreachable, type Clock } from "@plumbline/ports";
import { z } from "zod";
import { count } from "../text/spoken.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

const TIMEOUT_MS = 5_000;
/** Clocks further apart than this file calls into wrong hours. The header has whole seconds. */
const SKEW_MS_MAX = 5_000;
const MESSAGE_CHARS_MAX = 200;

const Readiness = z.object({
  status: z.string(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), message: z.string() })).default({}),
});

export interface ServiceAddress {
  readonly name: string;
  readonly url: string;
  /** How a person names another address. */
  readonly setting: string;
}

interface CheckServiceDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Of this command line. */
  readonly version: string;
}

/** @returns a finding of the process, and one of each of its checks that does not hold */
export async function checkService(
  { name, url, setting }: ServiceAddress,
  { clock, signal, version }: CheckServiceDeps,
): Promise<readonly Finding[]> {
  const get = (path: string): Promise<Response> =>
    fetch(`${url.replace(/\/+$/, "")}${path}`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
  const asked = clock.now();
  let response: Response;
  let body: string;
  try {
    response = await get("/readyz?verbose");
    body = await response.text();
  } catch (error) {
    if (signal.aborted) throw error;
    const isTimeout = error instanceof Error && error.name === "TimeoutError";
    return [
      fail(
        name,
        `${addressOf(url)} ${isTimeout ? `does not answer within ${TIMEOUT_MS / 1000} s` : `cannot be reached (${whyUnreachable(url, error)})`}`,
        `start it (npm start), or name another address: ${setting}`,
        true,
      ),
    ];
  }
  const answered = clock.now();
  const readiness = Readiness.safeParse(tryJson(body));
  if (!readiness.success) {
    return [
      fail(name, `${url} answers ${response.status}, and not as a Plumbline service does`, setting, true),
    ];
  }
  const bad = Object.entries(readiness.data.checks).filter(([, each]) => !each.ok);
  const findings: Finding[] = bad.map(([check, { message }]) =>
    fail(`${name}.${check}`, message.slice(0, MESSAGE_CHARS_MAX), `look into the log of ${name}`),
  );
  if (bad.length === 0 && !response.ok)
    findings.push(fail(name, `${url} is not ready`, `look into the log of ${name}`));
  if (findings.length === 0)
    findings.push(ok(name, `${url} is ready (${count(Object.keys(readiness.data.checks).length, "check")})`));
  findings.push(...skewOf(name, response.headers.get("date"), asked, answered));
  findings.push(...(await versionOf(name, get, version)));
  return findings;
}

function skewOf(name: string, date: string | null, asked: number, answered: number): readonly Finding[] {
  const server = Date.parse(date ?? "");
  if (Number.isNaN(server)) return [];
  // The header is cut to whole seconds: half of one is added, and the answer was made somewhere in between.
  const skew = server + 500 - (asked + answered) / 2;
  if (Math.abs(skew) <= SKEW_MS_MAX + (answered - asked) / 2) return [];
  return [
    warn(
      `${name}.clock`,
      `its clock is ${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? "ahead of" : "behind"} this machine's`,
      "synchronise both clocks (NTP): times of calls are the applications'",
    ),
  ];
}

async function versionOf(
  name: string,
  get: (path: string) => Promise<Response>,
  version: string,
): Promise<readonly Finding[]> {
  try {
    const text = await (await get("/metrics")).text();
    const running = /^plumbline_build_info\{[^}]*\bversion="([^"]*)"/m.exec(text)?.[1];
    if (running === undefined || running === version) return [];
    return [
      warn(
        `${name}.version`,
        `it runs ${running.slice(0, MESSAGE_CHARS_MAX)}, this command line is ${version}`,
        "install the same release on both sides",
      ),
    ];
  } catch {
    // Whether it answers was the question before this one.
    return [];
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
