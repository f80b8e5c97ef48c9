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

test("so is one that an adapter found", async () => {
  const end = await endOf(`Object.assign(new Error("no such host"), { code: "config" })`);
  expect(end).toEqual({ code: 3, stderr: "no such host\n" });
});

test("any other fault keeps its stack and ends with 1", async () => {
  const end = await endOf(`new RangeError("unexpected")`);
  expect(end.code).toBe(1);
  expect(end.stderr).toMatch(/RangeError: unexpected\n\s+at /);
});
