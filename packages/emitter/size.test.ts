import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

const GZIP_BYTES_MAX = 5120;

test("the core entry has no dependencies, runs without node: modules, and is at most 5 KB gzipped", async () => {
  const result = await build({
    entryPoints: [fileURLToPath(new URL("index.ts", import.meta.url))],
    bundle: true,
    minify: true,
    format: "esm",
    // No built-in modules exist here: an import of one fails the build.
    platform: "neutral",
    target: "es2022",
    write: false,
    metafile: true,
  });
  const inputs = Object.keys(result.metafile.inputs);
  expect(inputs.length).toBeGreaterThan(5);
  expect(inputs.filter((path) => path.includes("node_modules"))).toEqual([]);
  expect(result.metafile.outputs["<stdout>"]?.imports ?? []).toEqual([]);
  expect(gzipSync(result.outputFiles[0]!.contents).length).toBeLessThanOrEqual(GZIP_BYTES_MAX);
});
