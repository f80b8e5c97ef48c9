import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

const ENTRIES = [
  { entry: "index.ts", bytesMax: 5_110, filesMin: 6 },
  { entry: "token-usage.ts", bytesMax: 1_024, filesMin: 1 },
];

test.each(ENTRIES)(
  "$entry has no dependencies, runs without node: modules, and is at most $bytesMax bytes gzipped",
  async ({ entry, bytesMax, filesMin }) => {
    const result = await build({
      entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
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
    expect(inputs.length).toBeGreaterThanOrEqual(filesMin);
    expect(inputs.filter((path) => path.includes("node_modules"))).toEqual([]);
    expect(result.metafile.outputs["<stdout>"]?.imports ?? []).toEqual([]);
    expect(gzipSync(result.outputFiles[0]!.contents).length).toBeLessThanOrEqual(bytesMax);
  },
);
