/** The examples run as processes, against a real registry and collector, and a scripted provider. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { FAILURES, startScriptedProvider, type ScriptedProvider } from "@plumbline/scripted-provider";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startInfrastructure, type Infrastructure } from "./infrastructure.ts";

const FOLDER = fileURLToPath(new URL("../../examples/client/", import.meta.url));
const TICKET = "The lamp is broken";

let provider: ScriptedProvider;
let infrastructure: Infrastructure;
let folder = "";
beforeAll(async () => {
  provider = await startScriptedProvider();
  infrastructure = await startInfrastructure({
    retry: { max: 1, base_ms: 1 },
    fallback_models: [{ model: "openai/nano" }],
    template: { text: "Nothing to say of {{ticket}}." },
  });
  folder = await mkdtemp(join(tmpdir(), "plumbline-examples-"));
});
afterAll(async () => {
  await infrastructure.stop();
  await provider.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => provider.script({ otherwise: { kind: "answer", text: "A broken lamp." } }));

function start(file: string, args: readonly string[] = [], more: Readonly<Record<string, string>> = {}) {
  return spawn(process.execPath, ["--conditions=source", "--import", "tsx", file, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"],
      PLUMBLINE_URL: infrastructure.collectorUrl,
      PLUMBLINE_REGISTRY_URL: infrastructure.registryUrl,
      OPENAI_API_KEY: "none",
      OPENAI_BASE_URL: provider.openaiUrl,
      ANTHROPIC_API_KEY: "none",
      ANTHROPIC_BASE_URL: provider.url,
      ...more,
    },
  });
}

async function run(
  file: string,
  args: readonly string[] = [TICKET],
  more: Readonly<Record<string, string>> = {},
) {
  const child = start(file, args, more);
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  expect(code).toBe(0);
  return printed.trim().split("\n");
}

test.each(["openai-sdk.ts", "openai-stream.ts", "plain-fetch.ts"])("%s", async (name) => {
  expect(await run(join(FOLDER, name))).toEqual(["A broken lamp.", "primary"]);
  const [call] = await infrastructure.newCalls(1);
  expect(call).toMatchObject({
    use_case: "ticket-summary",
    prompt_version: infrastructure.version,
    path: "primary",
    status: "ok",
    model: "gpt-5-mini",
    input_tokens: 40,
    output_tokens: 8,
    input: TICKET,
    output: "A broken lamp.",
  });
  provider.script(
    { otherwise: FAILURES.server_error },
    { nano: { otherwise: { kind: "answer", text: "A lamp." } } },
  );
  expect(await run(join(FOLDER, name))).toEqual(["A lamp.", "fallback_model"]);
  const [degraded] = await infrastructure.newCalls(1);
  expect(degraded).toMatchObject({ path: "fallback_model", model: "nano" });
  expect(degraded!.attempts.map(({ path, status }) => `${path} ${status}`)).toEqual([
    "primary error",
    "retry error",
    "fallback_model ok",
  ]);
});

test("anthropic-sdk.ts", async () => {
  provider.script({ steps: [FAILURES.overloaded], otherwise: { kind: "answer", text: "A broken lamp." } });
  const [text, ref] = await run(join(FOLDER, "anthropic-sdk.ts"));
  expect(text).toBe("A broken lamp.");
  expect(infrastructure.version).toContain(ref!.split("@")[1]);
  // The SDK asked twice; it was one call.
  expect(await infrastructure.newCalls(1)).toMatchObject([
    {
      provider: "anthropic",
      model: "claude-haiku-4-5",
      prompt_version: infrastructure.version,
      path: "retry",
      attempts: [{ status: "error" }, { status: "ok" }],
    },
  ]);
  expect(Object.keys(provider.requests[1]!.headers).filter((name) => name.startsWith("x-plumbline"))).toEqual(
    [],
  );
});

test("ai-sdk.ts", async () => {
  expect((await run(join(FOLDER, "ai-sdk.ts")))[0]).toBe("A broken lamp.");
  expect(await infrastructure.newCalls(1)).toMatchObject([
    {
      use_case: "ticket-summary",
      prompt_version: infrastructure.version,
      provider: "openai",
      model: "gpt-5-mini",
      input: TICKET,
      output: "A broken lamp.",
    },
  ]);
});

test("express-app.ts", async () => {
  const child = start(join(FOLDER, "express-app.ts"));
  const lines = createInterface({ input: child.stdout });
  const [url] = (await once(lines, "line")) as [string];
  const ask = async (body: object): Promise<{ call_id: string; text: string; path: string }> => {
    const response = await fetch(`${url}/summaries`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await response.json()) as never;
  };
  const answer = await ask({ ticket: TICKET, conversation_id: "c-1" });
  expect(answer).toMatchObject({ text: "A broken lamp.", path: "primary" });
  provider.script({ otherwise: FAILURES.server_error });
  expect((await ask({ ticket: TICKET })).path).toBe("template");
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
  const calls = await infrastructure.newCalls(2);
  expect(calls).toMatchObject([{ call_id: answer.call_id, conversation_id: "c-1" }, { path: "template" }]);
});

test("serverless.ts", async () => {
  const bundle = join(folder, "bundle.json");
  const live = await fetch(`${infrastructure.registryUrl}/v1/live?use_cases=ticket-summary`);
  await writeFile(bundle, await live.text());
  const main = join(folder, "invoke.mts");
  await writeFile(
    main,
    `const { handler } = await import(${JSON.stringify(join(FOLDER, "serverless.ts"))});
     const { text, path } = await handler({ ticket: ${JSON.stringify(TICKET)} });
     process.stdout.write(text + "\\n" + path + "\\n");
     // As when the platform freezes it for good.
     process.exit(0);`,
  );
  expect(await run(main, [], { PROMPT_BUNDLE: bundle })).toEqual(["A broken lamp.", "primary"]);
  // No context in this client: one event all the same.
  expect(await infrastructure.newCalls(1)).toMatchObject([
    { path: "primary", prompt_version: infrastructure.version, input_tokens: 40 },
  ]);
});
