import { defineConfig } from "vitest/config";
import base from "./vitest.config.ts";

/** On demand only: it installs promptfoo, some 270 MB, into a folder of its own. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["test/promptfoo/*.test.ts"],
    exclude: ["**/node_modules/**"],
    // The first of them installs it.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});
