/** An application of its own installs emitter and client from a checkout, as their READMEs say. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("an application installs both from a built checkout, and is told in words that nobody answers", () => {
  const app = mkdtempSync(join(tmpdir(), "plumbline-app-"));
  onTestFinished(() => rmSync(app, { recursive: true, force: true }));
  execFileSync("npm", ["run", "-s", "build"], { cwd: ROOT });
  writeFileSync(join(app, "package.json"), '{"name":"app","version":"1.0.0","type":"module"}');
  const packages = ["emitter", "client"].map((name) => join(ROOT, "packages", name));
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", ...packages], { cwd: app });
  writeFileSync(
    join(app, "main.js"),
    `import { createEmitter } from "@plumbline/emitter";
     import { createClient } from "@plumbline/client/node";
     const url = "http://127.0.0.1:1";
     const emitter = createEmitter({ url, app: "support", onWarning: (words) => console.log(words) });
     emitter.emit({ use_case: "ticket-summary", model: "m", status: "ok", latency_ms: 812 });
     await emitter.close(500);
     await createClient({ url, app: "support", onWarning: () => undefined }).close(0);`,
  );
  const printed = execFileSync(process.execPath, ["main.js"], { cwd: app, encoding: "utf8" });
  expect(printed).toContain("not delivered, will retry: ");
  expect(printed).toContain(", check url");
});
