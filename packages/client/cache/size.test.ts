import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

test.each([
  { entry: "index.ts", bytesMax: 2_020 },
  { entry: "semantic/index.ts", bytesMax: 2_980 },
  { entry: "redis.ts", bytesMax: 2_048 },
])(
  "$entry depends on nothing, web APIs only, and is at most $bytesMax bytes gzipped",
  async ({ entry, bytesMax }) => {
    const result = await build({
      entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
      bundle: true,
      minify: true,
      format: "esm",
      // For `neutral` no built-in modules exist: an import of one fails the build.
      platform: "neutral",
      conditions: ["source"],
      target: "es2023",
      write: false,
      metafile: true,
    });
    expect(Object.keys(result.metafile.inputs).filter((path) => path.includes("node_modules"))).toEqual([]);
    expect(Object.values(result.metafile.outputs).map(({ imports }) => imports)).toEqual([[]]);
    expect(gzipSync(result.outputFiles[0]!.contents).length).toBeLessThanOrEqual(bytesMax);
  },
);
