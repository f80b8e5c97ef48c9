import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"], externalConditions: ["source"] } },
  test: {
    include: ["**/*.test.ts"],
    exclude: [
      "**/node_modules/**",
      "**/dist/**",
      ".build/**",
      "test/containers/**",
      "test/promptfoo/**",
      "test/llm/**",
    ],
    // One process a file: the embedded engine allows one open data directory per process.
    pool: "forks",
    maxWorkers: 2,
    // No test asserts speed: these end what hangs, also on a machine that does nine other things.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // What must happen is waited for; the default second is an assertion of speed.
    expect: { poll: { timeout: 60_000 } },
    reporters: ["default", "./test/closing-line-reporter.ts"],
  },
});
