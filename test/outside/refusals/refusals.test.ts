/** Kind: reading a refusal. */
import { createServer } from "node:http";
import { createEmitter } from "@plumbline/emitter";
import { ExternalError } from "@plumbline/ports";
import { expect, onTestFinished, test } from "vitest";
import { startJudge } from "../judge-over-http.ts";
import { BAD, REFUSAL_CASES } from "./cases.ts";

test.each(REFUSAL_CASES)("$given: $becomes", async ({ style, reply, outcomes, last }) => {
  let number = 0;
  const { ask, provider } = await startJudge(
    [(request) => reply(request, number++)],
    style === undefined ? {} : { style },
  );
  for (const { isBad, is } of outcomes) {
    const answer: unknown = await ask(isBad === true ? { output: BAD } : {}).catch(
      (thrown: unknown) => thrown,
    );
    if ("state" in is) {
      expect(answer).toMatchObject(is);
      continue;
    }
    expect(answer).toBeInstanceOf(ExternalError);
    expect(answer).toMatchObject({ code: is.code, message: expect.stringMatching(is.message) });
  }
  const body = provider.requests.at(-1)!.body;
  if (last !== undefined) expect(body).toMatchObject(last);
  const kept = new Set(Object.keys(last ?? body));
  for (const field of ["temperature", "max_completion_tokens", "max_tokens"])
    if (style !== "anthropic" && !kept.has(field)) expect(body).not.toHaveProperty(field);
});

test("a proxy's 400 page loses no event: the emitter sends them again when the collector is back", async () => {
  let isBack = false;
  const received: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (!isBack) {
        isBack = true;
        response.writeHead(400, { "content-type": "text/html" });
        response.end("<html><title>400 Bad Request</title></html>");
        return;
      }
      received.push(Buffer.concat(chunks).toString("utf8"));
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ accepted: 1, rejected: [], warnings: [] }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const emitter = createEmitter({
    app: "support",
    url: `http://127.0.0.1:${address.port}`,
    retryBaseMs: 1,
    onWarning: () => undefined,
  });
  emitter.emit({ use_case: "u", model: "m", status: "ok", latency_ms: 1 });
  await emitter.flush(60_000);
  expect(received).toHaveLength(1);
  expect(emitter.stats()).toMatchObject({ acknowledged: 1, rejected: 0 });
  await emitter.close();
});
