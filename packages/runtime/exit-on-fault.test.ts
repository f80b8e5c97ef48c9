import { execFile } from "node:child_process";
import { expect, test } from "vitest";

const RUN = new URL("run.ts", import.meta.url).href;
const LOAD_CONFIG = new URL("variables/load-config.ts", import.meta.url).href;

const endOf = (thrown: string): ReturnType<typeof endOfScript> => endOfScript(`throw ${thrown}`);

/** @returns exit code and standard error of a process that ends in this statement */
function endOfScript(last: string): Promise<{ code: unknown; stderr: string }> {
  const script = `
    import { exitOnFault } from ${JSON.stringify(RUN)};
    import { InvalidConfigError } from ${JSON.stringify(LOAD_CONFIG)};
    exitOnFault("test");
    ${last};
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
  ["log_unavailable", 5],
])("a fault of an adapter, %s, is told without a stack and ends with %i", async (code, exitCode) => {
  const fault = `Object.assign(new Error("what to do"), { code: ${JSON.stringify(code)}, retryable: ${code === "log_unavailable"} })`;
  expect(await endOf(fault)).toEqual({ code: exitCode, stderr: "what to do\n" });
});

test.each([
  ["thrown", `setImmediate(() => { throw new RangeError("unexpected"); })`, "uncaughtException"],
  ["a rejection that nobody handles", `Promise.reject(new RangeError("unexpected"))`, "unhandledRejection"],
])(
  "any other fault, %s, is one line of the log with its stack, and ends with 1",
  async (_how, script, origin) => {
    const end = await endOfScript(script);
    expect(end.code).toBe(1);
    expect(end.stderr.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(end.stderr)).toMatchObject({
      level: 60,
      name: "test",
      msg: "process.fault",
      origin,
      err: { type: "RangeError", message: "unexpected", stack: expect.stringMatching(/\n\s+at /) },
    });
  },
);
