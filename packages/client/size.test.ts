import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

/** Emitter included. The Node entry adds the disk and a `get` that lets the process end. */
test.each([
  { entry: "index.ts", bytesMax: 10_560, platform: "neutral" as const, imports: /^$/ },
  { entry: "node/index.ts", bytesMax: 11_200, platform: "node" as const, imports: /^node:/ },
])(
  "$entry has no dependencies, emitter included, and is at most $bytesMax bytes gzipped",
  async ({ entry, bytesMax, platform, imports }) => {
    const result = await build({
      entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
      bundle: true,
      minify: true,
      format: "esm",
      // For `neutral` no built-in modules exist: an import of one fails the build.
      platform,
      conditions: ["source"],
      target: "es2023",
      write: false,
      metafile: true,
    });
    const inputs = Object.keys(result.metafile.inputs);
    expect(
      inputs.filter((path) => path.includes("packages/emitter/") || path.startsWith("../emitter/")).length,
    ).toBeGreaterThan(5);
    expect(inputs.filter((path) => path.includes("node_modules"))).toEqual([]);
    const outside = result.metafile.outputs["<stdout>"]?.imports ?? [];
    expect(outside.filter(({ path }) => !imports.test(path))).toEqual([]);
    const bytes = gzipSync(result.outputFiles[0]!.contents).length;
    expect(bytes).toBeLessThanOrEqual(bytesMax);
  },
);
