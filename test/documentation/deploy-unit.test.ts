/** The systemd unit of docs/operate/deploy.md: systemd takes it, and what it starts is there and ends as it expects. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT } from "@plumbline/runtime/exit-code";
import { ProcessConfig } from "@plumbline/runtime/process/process-config";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(ROOT, "docs/operate/deploy.md"), "utf8");
const unit = /```ini\n([\s\S]*?)```/.exec(page)![1]!;
const folder = mkdtempSync(join(tmpdir(), "plumbline-unit-"));
beforeAll(() => void execFileSync("npm", ["run", "-s", "build"], { cwd: ROOT }), 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
if (!hasSystemd) console.warn("SKIPPED: the unit is not verified: systemd-analyze is not installed");

function valueOf(key: string): string {
  return new RegExp(`^${key}=(.*)$`, "m").exec(unit)![1]!;
}

test.skipIf(!hasSystemd)("systemd finds no fault in it, and finds one in a unit that has one", () => {
  const verify = (text: string): string => {
    // Of this machine, where Node may be elsewhere.
    writeFileSync(join(folder, "plumbline@.service"), text.replace("/usr/bin/node", process.execPath));
    const { stdout, stderr } = spawnSync(
      "systemd-analyze",
      ["verify", "--man=no", join(folder, "plumbline@writer.service")],
      { encoding: "utf8" },
    );
    return `${stdout}${stderr}`;
  };
  expect(verify(unit)).not.toContain("plumbline@");
  expect(verify(unit.replace("RestartSec", "RestratSec"))).toMatch(/plumbline@.*RestratSec/);
});

test.each(["collector", "writer", "judge", "monitor", "notifier", "registry", "policy"])(
  "its command starts the %s of a build",
  (name) => {
    const [node, ...words] = valueOf("ExecStart").replaceAll("%i", name).split(" ");
    expect(node).toBe("/usr/bin/node");
    for (const file of ["all.env", `${name}.env`]) writeFileSync(join(folder, file), "");
    const args = words.map((word) => word.replace("/etc/plumbline", folder));
    expect(args).toContain(`--env-file=${folder}/${name}.env`);
    const { status, stdout, stderr } = spawnSync(process.execPath, [...args, "--help"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`Plumbline's ${name} as a process of its own`);
  },
);

test("it restarts what may heal, and waits for longer than a process takes to drain", () => {
  expect(valueOf("RestartPreventExitStatus").split(" ").map(Number)).toEqual([EXIT.usage, EXIT.config]);
  const { PLUMBLINE_DRAIN_MS } = ProcessConfig.parse({ PLUMBLINE_KAFKA_BROKERS: "a:1" });
  expect(Number(valueOf("TimeoutStopSec")) * 1_000).toBeGreaterThan(PLUMBLINE_DRAIN_MS);
});
