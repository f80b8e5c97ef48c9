/** What a command sends, prompts and answers with a key, goes to the address that was set and nowhere that it points to. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { expect, onTestFinished, test } from "vitest";
import { createNodeGet } from "../../client/node/node-get.ts";
import { runCli } from "../run-cli.ts";

async function serve(location: string | null, seen: IncomingMessage[] = []): Promise<string> {
  const server = createServer((request, response) => {
    seen.push(request);
    request.resume();
    response.writeHead(location === null ? 200 : 307, location === null ? {} : { location }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each([
  ["keys", "create", "ann", "--scope", "read"],
  ["history", "ticket-summary"],
  ["erase", "--user-hash", "u"],
])("plumbline %s is sent nowhere else, and says where it was pointed to", async (...args) => {
  const seen: IncomingMessage[] = [];
  const elsewhere = await serve(null, seen);
  const registry = await serve(`${elsewhere}/v1`);
  let said = "";
  const sink = { write: (text: string) => (said += text) };
  const exitCode = await runCli(
    [...args, "--registry", registry],
    {
      stdout: sink,
      stderr: sink,
      stdin: new PassThrough(),
      environment: { PLUMBLINE_REGISTRY_KEY: "plb_secret" },
      directory: "/",
      signal: new AbortController().signal,
    },
    systemClock,
  );
  expect(exitCode).not.toBe(0);
  expect(said).toContain(`points to ${elsewhere}/v1`);
  expect(seen).toEqual([]);
});

test("the client in Node asks for prompts at the address that was set alone", async () => {
  const seen: IncomingMessage[] = [];
  const registry = await serve(await serve(null, seen));
  const asked = { headers: {}, signal: AbortSignal.timeout(5_000), isBackground: false };
  expect((await createNodeGet()(registry, asked)).status).toBe(307);
  expect(seen).toEqual([]);
});
