/** A real Redis for tests: Debian's `redis-server`. Without it they are skipped, and say why. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

export interface RedisForTests {
  readonly port: number;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/**
 * Why no Redis can run here, said loudly; null when one can.
 *
 * @throws Error instead when REQUIRE_REDIS=1
 */
export function redisProblem(): string | null {
  if (spawnSync("redis-server", ["--version"]).status === 0) return null;
  const problem = "there is no redis-server; install it, such as with apt-get install redis-server";
  if (process.env["REQUIRE_REDIS"] === "1") throw new Error(`REQUIRE_REDIS=1, but ${problem}`);
  process.stderr.write(
    `\n!!! SKIPPING the tests against Redis: ${problem}\n!!! Or set REQUIRE_REDIS=1 to fail instead.\n\n`,
  );
  return problem;
}

/** In memory only. @param port a free one when it is left out */
export async function startRedis(port?: number): Promise<RedisForTests> {
  const on = port ?? (await freePort());
  const server = spawn("redis-server", [
    "--port",
    String(on),
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "no",
  ]);
  const exited = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let said = "";
    server.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("Ready to accept connections")) resolve();
    });
    server.once("exit", () => reject(new Error(`redis-server ended: ${said}`)));
  });
  const stop = async (): Promise<void> => {
    server.kill("SIGKILL");
    await exited;
  };
  return { port: on, process: server, stop };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
