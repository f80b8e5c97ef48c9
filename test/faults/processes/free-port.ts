import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the range from which systems take ports of outgoing connections: a port of a process that is being killed must
 * still be free when it starts again.
 */
const FIRST = 20_000;
const LAST = 32_000;

/** Ports that nobody listens on now, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const free = new Set<number>();
  while (free.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await isFree(port)) free.add(port);
  }
  return [...free];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
