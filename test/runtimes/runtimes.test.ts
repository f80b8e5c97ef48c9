/** The client and the emitter outside of Node: one program, on every runtime, against a real registry and collector. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL, fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createLogger } from "@plumbline/runtime/logger";
import { FAILURES, startScriptedProvider } from "@plumbline/scripted-provider";
import { createCollector } from "@plumbline/services/collector/service";
import { createRegistry } from "@plumbline/services/registry/service";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { race, toNewRecord, versionOf } from "../registry/commands.ts";
import { COMMANDS, EDGE_RUNTIME, isMissing } from "./find-runtimes.ts";
import type { Addresses } from "./program.ts";

const TEXT = '{"answer":"A lamp."}';

let folder = "";
let main = "";
let edge = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-runtimes-"));
  const bundled = async (entry: string, format: "esm" | "iife", globalName?: string) => {
    const result = await build({
      entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
      bundle: true,
      format,
      ...(globalName === undefined ? {} : { globalName }),
      // No built-in modules exist: an import of one fails here.
      platform: "neutral",
      conditions: ["source"],
      target: "es2022",
      write: false,
    });
    return result.outputFiles[0]!.text;
  };
  main = join(folder, "main.mjs");
  await writeFile(main, await bundled("main.ts", "esm"));
  edge = await bundled("program.ts", "iife", "program");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const RUNTIMES: Readonly<Record<string, (addresses: Addresses) => Promise<string>>> = {
  ...Object.fromEntries(
    Object.entries(COMMANDS).map(([name, [command, ...rest]]) => [
      name,
      async (addresses: Addresses) =>
        (await promisify(execFile)(command!, [...rest, main, JSON.stringify(addresses)])).stdout,
    ]),
  ),
  async edge(addresses) {
    const { EdgeRuntime } = (await import(pathToFileURL(EDGE_RUNTIME).href)) as {
      EdgeRuntime: new (options: { initialCode: string }) => { evaluate(code: string): unknown };
    };
    const runtime = new EdgeRuntime({ initialCode: `${edge}; globalThis.program = program;` });
    return (await runtime.evaluate(`program.play(${JSON.stringify(addresses)})`)) as string;
  },
};

for (const [name, play] of Object.entries(RUNTIMES)) {
  const file = COMMANDS[name]?.[0] ?? EDGE_RUNTIME;
  test.skipIf(isMissing(name, file))(
    `on ${name}: prompt, policy, cache, stream and telemetry, and it ends by itself`,
    async () => {
      const log = createMemoryEventLog({ clock: systemClock });
      await log.append("plumbline.registry", race([], new Date()).map(toNewRecord));
      const deps = { log, clock: systemClock, logger: createLogger("test", "silent"), port: 0 };
      const stop = new AbortController();
      const registry = createRegistry({ ...deps, followMs: 10 });
      const collector = createCollector(deps);
      const provider = await startScriptedProvider({ keepsAlive: false });
      const running = [registry.run(stop.signal), collector.run(stop.signal)];
      onTestFinished(async () => {
        stop.abort();
        await Promise.all(running);
        await provider.close();
      });
      provider.script({ steps: [FAILURES.server_error], otherwise: { kind: "answer", text: TEXT } });

      const said = await play({
        registry: await registry.url,
        collector: await collector.url,
        provider: provider.url,
        runtime: name,
      });
      expect(JSON.parse(said)).toEqual({
        version: versionOf("one"),
        source: "live",
        first: ["retry", TEXT, ["primary error", "retry ok"]],
        second: ["cached_exact", TEXT],
        streamed: ["primary", "in parts"],
        failed: "timeout",
        emitter: { emitted: 4, acknowledged: 4, rejected: 0 },
        warnings: [],
      });
      const calls = await log.read("plumbline.calls", 0, 0, { recordsMax: 10 });
      const paths = calls.map(
        ({ value }) => (JSON.parse(new TextDecoder().decode(value!)) as { path: string }).path,
      );
      expect(paths).toEqual(["retry", "cached_exact", "primary", "error"]);
    },
  );
}
