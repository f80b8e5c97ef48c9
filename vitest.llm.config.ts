import { defineConfig } from "vitest/config";
import base from "./vitest.config.ts";

const HOUR_MS = 3_600_000;

/** On demand only: it installs a language model and its server into a folder of its own, and asks it some 300 times. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["test/llm/*.test.ts"],
    exclude: ["**/node_modules/**"],
    testTimeout: 2 * HOUR_MS,
    hookTimeout: HOUR_MS,
  },
});
