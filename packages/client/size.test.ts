import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

const EMITTER = /^@plumbline\/emitter(?:\/token-usage)?$/;

/** The emitter, which has a bound of its own, is not counted. The Node entry adds the disk, a `get` that lets the process end, and a context. */
test.each([
  { entry: "core.ts", bytesMax: 11_360, platform: "neutral" as const, imports: EMITTER },
  { entry: "index.ts", bytesMax: 16_990, platform: "neutral" as const, imports: EMITTER },
  {
    entry: "node/index.ts",
    bytesMax: 17_750,
    platform: "node" as const,
    imports: /^(?:node:|@plumbline\/emitter(?:\/token-usage)?$)/,
  },
  { entry: "validators/index.ts", bytesMax: 1_620, platform: "neutral" as const, imports: /^$/ },
])(
  "$entry depends on the emitter only, and is at most $bytesMax bytes gzipped",
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
      external: ["@plumbline/emitter"],
      write: false,
      metafile: true,
    });
    const inputs = Object.keys(result.metafile.inputs);
    expect(inputs.length).toBeGreaterThan(3);
    expect(inputs.filter((path) => path.includes("node_modules"))).toEqual([]);
    const outside = Object.values(result.metafile.outputs).flatMap((output) => output.imports);
    expect(outside.filter(({ path }) => !imports.test(path))).toEqual([]);
    expect(gzipSync(result.outputFiles[0]!.contents).length).toBeLessThanOrEqual(bytesMax);
  },
);
