/** The registry over HTTP, with its problems turned into failures of the command that asked. */
import { randomUUID } from "node:crypto";
import { addressOf, whyUnreachable } from "@plumbline/ports";
import { Problem } from "@plumbline/schemas";
import { z } from "zod";
import { printableLine } from "../text/printable.ts";
import type { CommandIo } from "../shell/command.ts";
import { CommandFailure, EXIT } from "../shell/failure.ts";

export interface RegistryClient {
  readonly url: string;
  /** @param path begins with `/v1/` */
  get<Answer extends z.ZodType>(path: string, answer: Answer): Promise<z.output<Answer>>;
  /** Sends the command once in effect: a repetition after a lost answer carries the same idempotency key. */
  post<Answer extends z.ZodType>(path: string, body: unknown, answer: Answer): Promise<z.output<Answer>>;
}

export interface RegistryClientOptions {
  readonly url: string;
  readonly timeoutMs: number;
  /** Tries of one request. Default 3. */
  readonly attempts?: number | undefined;
  /** `PLUMBLINE_REGISTRY_KEY`; absent where the registry asks for none. */
  readonly apiKey?: string | undefined;
  /** Who the history names where no key says it. */
  readonly actor: string;
  readonly signal: AbortSignal;
}

const RETRY_MS = 500;

/** @throws CommandFailure from every call: what the registry refused, or that it does not answer */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const { timeoutMs, attempts = 3, apiKey, actor, signal } = options;
  const url = options.url.replace(/\/+$/, "");
  const headers = {
    accept: "application/json",
    "x-plumbline-actor": actor,
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  };

  async function ask(path: string, init: RequestInit): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await fetch(`${url}${path}`, {
          ...init,
          // Commands carry prompts and answers: they go to the address that was set, and nowhere that it points to.
          redirect: "manual",
          headers: { ...headers, ...(init.headers as Record<string, string>) },
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        });
        const text = await response.text();
        if (response.ok) return JSON.parse(text);
        const failure = toFailure(response, text, url);
        if (response.status < 500 || attempt >= attempts) throw failure;
      } catch (error) {
        if (error instanceof CommandFailure || signal.aborted) throw error;
        if (attempt >= attempts) throw unreachable(url, error);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * attempt));
    }
  }

  function read<Answer extends z.ZodType>(path: string, value: unknown, schema: Answer): z.output<Answer> {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new CommandFailure(
      EXIT.unavailable,
      "unexpected-answer",
      `${url}${path} answered something else than a registry of this version: ${z.prettifyError(parsed.error)}`,
      { next: "check registry.url in plumbline.config.* and the versions of both sides" },
    );
  }

  return {
    url,
    get: async (path, answer) => read(path, await ask(path, { method: "GET" }), answer),
    post: async (path, body, answer) =>
      read(
        path,
        await ask(path, {
          method: "POST",
          headers: { "content-type": "application/json", "idempotency-key": randomUUID() },
          body: JSON.stringify(body),
        }),
        answer,
      ),
  };
}

/** Who acts, for the history: named by the environment, else the user of this machine. */
export function actorOf({ environment }: Pick<CommandIo, "environment">): string {
  return environment["PLUMBLINE_ACTOR"] ?? environment["USER"] ?? environment["USERNAME"] ?? "local";
}

function toFailure({ status, headers }: Response, text: string, url: string): CommandFailure {
  const place = headers.get("location");
  if (status >= 300 && status < 400 && place !== null) {
    return new CommandFailure(
      EXIT.precondition,
      "redirected",
      `${url} points to ${printableLine(place)}, and nothing was sent there.`,
      { next: "set registry.url to where the registry is, if that is the place" },
    );
  }
  const problem = Problem.safeParse(parse(text));
  if (!problem.success) {
    return new CommandFailure(
      status >= 500 ? EXIT.unavailable : EXIT.precondition,
      "unexpected-answer",
      `${url} answered ${status}, and not as a registry does.`,
      { next: "check registry.url in plumbline.config.*" },
    );
  }
  const { type, detail, title, errors } = problem.data;
  const code = type.replace(/^urn:plumbline:/, "");
  // One line: what another machine says is never taken for a line of ours.
  return new CommandFailure(exitCodeOf(status, code), code, printableLine(detail ?? title), {
    ...(errors !== undefined && { details: errors }),
  });
}

function exitCodeOf(status: number, code: string): number {
  if (code === "gate-refused") return EXIT.gate;
  if (status === 401 || status === 403) return EXIT.refused;
  if (status >= 500) return EXIT.unavailable;
  return status === 404 || status === 409 || status === 412 || status === 422
    ? EXIT.precondition
    : EXIT.usage;
}

function unreachable(url: string, cause: unknown): CommandFailure {
  const isTimeout = cause instanceof Error && cause.name === "TimeoutError";
  return new CommandFailure(
    EXIT.unavailable,
    "registry-unreachable",
    `The registry at ${addressOf(url)} ${isTimeout ? "does not answer in time" : `cannot be reached (${whyUnreachable(url, cause)})`}.`,
    { cause, next: "start one (npm start), or set registry.url in plumbline.config.* or --registry" },
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
