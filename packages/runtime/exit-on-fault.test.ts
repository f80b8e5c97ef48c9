import { execFile } from "node:child_process";
import { expect, test } from "vitest";

const RUN = new URL("run.ts", import.meta.url).href;
const LOAD_CONFIG = new URL("load-config.ts", import.meta.url).href;

/** @returns exit code and standard error of a process that does nothing but throw */
function endOf(thrown: string): Promise<{ code: unknown; stderr: string }> {
  const script = `
    import { exitOnFault } from ${JSON.stringify(RUN)};
    import { InvalidConfigError } from ${JSON.stringify(LOAD_CONFIG)};
    exitOnFault();
    throw ${thrown};
  `;
  const args = ["--conditions=source", "--import", "tsx", "--input-type=module", "-e", script];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, _stdout, stderr) => resolve({ code: error?.code ?? 0, stderr }));
  });
}

test("a mistake in the configuration is told without a stack, and ends with the code it promises", async () => {
  const end = await endOf(`new InvalidConfigError("invalid configuration:\\n  PORT: not set")`);
  expect(end).toEqual({ code: 3, stderr: "invalid configuration:\n  PORT: not set\n" });
});

test.each([
  ["schema_outdated", 3],
  ["topic_mismatch", 3],
  ["log_unavailable", 1],
])("a fault of an adapter, %s, is told without a stack and ends with %i", async (code, exitCode) => {
  const fault = `Object.assign(new Error("what to do"), { code: ${JSON.stringify(code)}, retryable: false })`;
  expect(await endOf(fault)).toEqual({ code: exitCode, stderr: "what to do\n" });
});

test("any other fault keeps its stack and ends with 1", async () => {
  const end = await endOf(`new RangeError("unexpected")`);
  expect(end.code).toBe(1);
  expect(end.stderr).toMatch(/RangeError: unexpected\n\s+at /);
});
