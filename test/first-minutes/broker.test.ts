/** `npm run kafka` at its first wrong step: one sentence, and no stack. */
import { createServer, type AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { runProcess } from "./run-process.ts";

const KAFKA = "infra/kafka/main.ts";

test("a broker for development names the port that is in use", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as AddressInfo;
  expect(await runProcess(KAFKA, ["--port", String(port)])).toEqual({
    code: 3,
    stdout: "",
    stderr: `kafka: port ${port} on 127.0.0.1 is in use; stop what uses it, or set --port to another one (0 takes a free one)\n`,
  });
});

test("its help is printed, and a flag that is none is told beside it", async () => {
  const help = await runProcess(KAFKA, ["--help"]);
  expect(help).toMatchObject({ code: 0, stderr: "" });
  expect(help.stdout).toMatch(/^usage: npm run kafka -- \[options\]/);
  for (const [flags, why] of [
    [["--prot", "1"], /^kafka: Unknown option '--prot'.*\nusage: /],
    [["--port", "many"], /^kafka: --port must be a whole number from 0 to 65535, not "many"\nusage: /],
  ] as const) {
    const refused = await runProcess(KAFKA, flags);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(why);
  }
});
