import { request as httpRequest, type ClientRequest } from "node:http";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { createLogger } from "../logger.ts";
import { BODY_FLOOR_BYTES, type BodyReaderOptions, createBodyReader } from "./body.ts";
import { createHttpApp, createOpenGuard, listen } from "./index.ts";

const logger = createLogger("test", "silent");

/** Answers the number of bytes of a body; the owner is a header. */
async function serving(options: BodyReaderOptions): Promise<string> {
  const bodies = createBodyReader(options);
  const app = createHttpApp({
    name: "test",
    logger,
    guard: createOpenGuard(),
    routes: [
      {
        method: "POST",
        path: "/",
        access: "public",
        handle: async (request, response) => {
          const body = await bodies.read(request, request.get("x-owner") ?? "");
          response.json({ bytes: body.length });
        },
      },
    ],
  });
  const listening = await listen(app, { port: 0, logger });
  onTestFinished(async () => listening.close(0));
  return listening.url;
}

/** Begins a body of `announced` bytes, sends `sent` of them and stalls. */
function stall(
  url: string,
  owner: string,
  { announced = 100_000, sent = 1 } = {},
): { readonly request: ClientRequest; readonly status: Promise<number | undefined> } {
  const request = httpRequest(url, {
    method: "POST",
    agent: false,
    headers: { "x-owner": owner, "content-length": String(announced) },
  });
  const status = new Promise<number | undefined>((resolve) => {
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("error", () => resolve(undefined));
  });
  onTestFinished(() => void request.destroy());
  request.write("x".repeat(sent));
  return { request, status };
}

const send = (
  url: string,
  owner: string,
  body: string | Buffer<ArrayBuffer>,
  headers: Record<string, string> = {},
) => fetch(url, { method: "POST", body, headers: { "x-owner": owner, ...headers } });

test("bodies arrive whole, gzip undone, up to the limit and not beyond", async () => {
  const url = await serving({ bytesMax: 1000 });
  expect(await (await send(url, "a", "x".repeat(1000))).json()).toEqual({ bytes: 1000 });
  expect((await send(url, "a", "x".repeat(1001))).status).toBe(413);
  const gzip = { "content-encoding": "gzip" };
  expect(await (await send(url, "a", gzipSync("x".repeat(1000)), gzip)).json()).toEqual({ bytes: 1000 });
  expect((await send(url, "a", gzipSync("x".repeat(1_000_000)), gzip)).status).toBe(413);
  expect((await send(url, "a", "no gzip", gzip)).status).toBe(400);
  expect((await send(url, "a", "x", { "content-encoding": "br" })).status).toBe(415);
});

test("a body that stalls is told so at the deadline", async () => {
  const url = await serving({ bytesMax: 1_000_000, deadlineMs: 30 });
  expect(await stall(url, "a").status).toBe(408);
});

test("stalled bodies of one owner give way to its own newer ones and never to another's", async () => {
  const url = await serving({ bytesMax: 100_000, heldBytesMax: 10 * BODY_FLOOR_BYTES });
  const others = stall(url, "b");
  const stalled = Array.from({ length: 100 }, () => stall(url, "a"));
  const answered = await Promise.all(stalled.slice(0, 90).map(({ status }) => status));
  expect(new Set(answered)).toEqual(new Set([503]));
  expect((await send(url, "a", "whole")).status).toBe(200);
  expect((await send(url, "b", "whole")).status).toBe(200);
  others.request.end("x".repeat(100_000 - 1));
  expect(await others.status).toBe(200);
});

test("all owners together hold a bounded number of bytes, and the largest gives way", async () => {
  const url = await serving({ bytesMax: 4 * BODY_FLOOR_BYTES, heldBytesMax: 5 * BODY_FLOOR_BYTES });
  const small = stall(url, "small");
  const large = Array.from({ length: 40 }, (_, owner) =>
    stall(url, `large-${owner}`, { announced: 4 * BODY_FLOOR_BYTES, sent: 3 * BODY_FLOOR_BYTES }),
  );
  const first = await Promise.race(large.map(({ status }) => status));
  expect(first).toBe(503);
  small.request.end("x".repeat(100_000 - 1));
  expect(await small.status).toBe(413);
});

test("whoever sends too much is told what to send instead, in the words of what is sent", async () => {
  const large = { method: "POST", body: "x".repeat(101) };
  const detailOf = async (options: Partial<BodyReaderOptions>): Promise<unknown> => {
    const answer = await fetch(await serving({ bytesMax: 100, ...options }), large);
    expect(answer.status).toBe(413);
    return ((await answer.json()) as { detail: unknown }).detail;
  };
  const limit = "The body is larger than 100 bytes, the limit before and after decompression.";
  expect(await detailOf({})).toBe(`${limit} Send less at once.`);
  expect(await detailOf({ advice: "Shorten the statement." })).toBe(`${limit} Shorten the statement.`);
});
