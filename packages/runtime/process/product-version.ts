import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** productVersion returns the version of this release; all packages of the product share it. */
export function productVersion(): string {
  // Found through the package's own name, so that the same code works from source and from `dist`.
  const file = createRequire(import.meta.url).resolve("@plumbline/runtime/package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
