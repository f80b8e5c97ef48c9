/** The other runtimes, where `npm run runtimes` put them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const RUNTIMES_FOLDER = fileURLToPath(new URL("../../.runtimes/", import.meta.url));

/** Each runtime of a command line, and what goes before the program's file. */
export const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  node: [process.execPath],
  bun: [binary("bun"), "run"],
  deno: [binary("deno"), "run", "--quiet", "--no-config", "--allow-net", "--allow-env"],
};

export const EDGE_RUNTIME = join(RUNTIMES_FOLDER, "node_modules/edge-runtime/dist/index.js");

/**
 * isMissing tells whether a runtime is not installed, and says so loudly.
 *
 * @throws Error instead when REQUIRE_RUNTIMES=1
 */
export function isMissing(name: string, file: string): boolean {
  if (existsSync(file)) return false;
  if (process.env["REQUIRE_RUNTIMES"] === "1") throw new Error(`REQUIRE_RUNTIMES=1, but there is no ${file}`);
  process.stderr.write(
    `\n!!! SKIPPING the client on ${name}: it is not installed; npm run runtimes\n!!! Or set REQUIRE_RUNTIMES=1 to fail instead.\n\n`,
  );
  return true;
}

function binary(name: string): string {
  return join(RUNTIMES_FOLDER, "node_modules/.bin", name);
}
