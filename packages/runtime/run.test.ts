import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

/** A process whose service stops at once, after which `leaves` is what its last resource leaves behind. */
async function runChild(leaves: string): Promise<{ code: number; said: string }> {
  const program = `
    import { createServer } from "node:net";
    import { createLogger } from "@plumbline/runtime/logger";
    import { runProcess } from "@plumbline/runtime/run";
    const stop = new AbortController();
    const service = { name: "s", run: async (signal) => { stop.abort(); if (!signal.aborted) throw new Error("not stopped"); } };
    const resource = { name: "r", close: async () => { ${leaves} } };
    await runProcess([service], { logger: createLogger("t", "warn"), stop: stop.signal, drainMs: 1000, resources: [resource] });
    process.stdout.write("ran ");
  `;
  const child = spawn(
    process.execPath,
    ["--conditions=source", "--import", "tsx", "--input-type=module", "-e", program],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await once(child, "exit")) as [number];
  return { code, said: (await said).join("") };
}

test("a process ends by itself when nothing is left open", async () => {
  expect(await runChild("")).toEqual({ code: 0, said: "ran " });
});

test("a process ends though a resource leaves a socket open, and says so", async () => {
  const { code, said } = await runChild("createServer().listen(0)");
  expect(code).toBe(0);
  expect(said).toContain("ran ");
  expect(said).toContain("process.resources_left");
  expect(said).toContain("TCPServerWrap");
});

test("a service that fails ends the process with code 1", async () => {
  const { code } = await runChild("throw new Error('not closed')");
  expect(code).toBe(1);
});
