import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { loadConfig } from "./variables/load-config.ts";
import { redactSecrets, rememberSecret } from "./secrets.ts";

const Config = z.object({ PLUMBLINE_SLACK_TOKEN: z.string(), PLUMBLINE_MODE: z.string().optional() });

function secretFile(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-secret-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "token");
  writeFileSync(file, content);
  return file;
}

test("a secret may come as a file, whose first line it is; the variable itself wins", () => {
  const file = secretFile("from-file\n\n");
  expect(loadConfig(Config, { PLUMBLINE_SLACK_TOKEN_FILE: file })).toEqual({
    PLUMBLINE_SLACK_TOKEN: "from-file",
  });
  expect(loadConfig(Config, { PLUMBLINE_SLACK_TOKEN_FILE: file, PLUMBLINE_SLACK_TOKEN: "direct" })).toEqual({
    PLUMBLINE_SLACK_TOKEN: "direct",
  });
});

test("a file that can't be read is named with its variable, and what is no secret comes from no file", () => {
  expect(() => loadConfig(Config, { PLUMBLINE_SLACK_TOKEN_FILE: "/nowhere/token" })).toThrow(
    /PLUMBLINE_SLACK_TOKEN_FILE: .*\/nowhere\/token/,
  );
  const file = secretFile("x");
  expect(loadConfig(Config, { PLUMBLINE_SLACK_TOKEN: "t", PLUMBLINE_MODE_FILE: file })).toEqual({
    PLUMBLINE_SLACK_TOKEN: "t",
  });
});

test("no secret of the configuration and no key of ours reaches a log line, in whichever field it is put", () => {
  const script = `
    import { z } from "zod";
    import { loadConfig } from ${JSON.stringify(new URL("variables/load-config.ts", import.meta.url).pathname)};
    import { createLogger } from ${JSON.stringify(new URL("logger.ts", import.meta.url).pathname)};
    const config = loadConfig(z.object({ PLUMBLINE_SLACK_TOKEN: z.string(), PLUMBLINE_API_KEYS: z.string(), PLUMBLINE_CLICKHOUSE_URL: z.string() }), process.env);
    const logger = createLogger("test", "info");
    logger.info({ token: config.PLUMBLINE_SLACK_TOKEN, list: config.PLUMBLINE_API_KEYS }, "a.b");
    logger.error({ err: new Error("401 from " + config.PLUMBLINE_CLICKHOUSE_URL) }, "a.c");
    logger.warn({ sent: "Bearer plb_abcdefghij_" + "x".repeat(43) }, "a.d");
  `;
  const output = runScript(script);
  expect(output).toContain('"msg":"a.b"');
  expect(output).toContain("plb_abcdefghij_[secret]");
  for (const planted of ["xoxb-planted", "key-planted", "pass-planted", "x".repeat(43)]) {
    expect(output).not.toContain(planted);
  }
});

test.each([
  ["as JSON writes it", 'pa"ss\\word', (secret: string) => secret],
  ["in a text that was JSON already", 'pa"ss\\word', (secret: string) => JSON.stringify({ secret })],
  [
    "as addresses write it",
    "pass word/+",
    (secret: string) => `https://a.example/?key=${encodeURIComponent(secret)}`,
  ],
])("a secret is out of the log %s", (_how, secret, write) => {
  rememberSecret("PLUMBLINE_SLACK_TOKEN", secret);
  const line = JSON.stringify({ msg: write(secret) });
  expect(redactSecrets(line)).toBe(JSON.stringify({ msg: write("SECRET") }).replace("SECRET", "[secret]"));
});

test("the password of every address is a secret, also as HTTP sends it, and one that is badly encoded ends nothing", () => {
  const Addresses = z.object({ PLUMBLINE_JUDGE_BASE_URL: z.string(), PLUMBLINE_SLACK_API_URL: z.string() });
  loadConfig(Addresses, {
    PLUMBLINE_JUDGE_BASE_URL: "https://judge:canary%2Fpassword@a.example/v1",
    PLUMBLINE_SLACK_API_URL: "https://slack:canary%zzbad@a.example/",
  });
  const basic = Buffer.from("judge:canary/password").toString("base64");
  const line = `canary/password canary%2Fpassword Basic ${basic} canary%zzbad`;
  expect(redactSecrets(line)).toBe("[secret] [secret] Basic [secret] [secret]");
});

/** @returns standard error */
function runScript(script: string): string {
  const { stderr } = spawnSync(
    process.execPath,
    ["--conditions=source", "--import", "tsx", "--input-type=module", "--eval", script],
    {
      encoding: "utf8",
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      env: {
        ...process.env,
        PLUMBLINE_SLACK_TOKEN: "xoxb-planted",
        PLUMBLINE_API_KEYS: "key-planted=team",
        PLUMBLINE_CLICKHOUSE_URL: "http://user:pass-planted@127.0.0.1:8123",
      },
    },
  );
  return stderr;
}
