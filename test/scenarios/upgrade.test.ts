/**
 * What an older release wrote: today's starts over it and shows it. The older one runs from its commit, as a process, with
 * today's third-party packages and its own.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { startLocal, type LocalProcess } from "../observation/start-local.ts";

/** Of 30 November 2026, in the morning: before logs had an identity, losses were counted and dead letters were rows. */
const OLDER = "4c48b5e";
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "plumbline-upgrade-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasOlder = spawnSync("git", ["cat-file", "-e", `${OLDER}^{commit}`], { cwd: ROOT }).status === 0;
if (!hasOlder)
  console.warn(`SKIPPED: upgrade test needs commit ${OLDER}, which a shallow clone does not have`);

test.skipIf(!hasOlder)(
  "a data folder of an older release is served by today's, with its calls, and takes new ones",
  { timeout: 300_000 },
  async () => {
    const older = await startLocal(folder, {}, join(checkout(OLDER), "services/local/main.ts"));
    await send(older, 3);
    await stored(older, 3);
    expect(await older.stop()).toBe(0);

    const today = await startLocal(folder);
    await stored(today, 3);
    await send(today, 2);
    await stored(today, 5);
    expect(await today.stop()).toBe(0);
    // And once more: what the upgrade left behind starts as well.
    const again = await startLocal(folder);
    await stored(again, 5);
    expect(await again.stop()).toBe(0);
  },
);

test(
  "a copy of a stopped data folder is a backup: started elsewhere it has everything, and goes on",
  { timeout: 300_000 },
  async () => {
    const home = join(folder, "home");
    const elsewhere = join(folder, "elsewhere");
    for (const each of [home, elsewhere]) mkdirSync(each);
    const first = await startLocal(home);
    await send(first, 4);
    await stored(first, 4);
    expect(await first.stop()).toBe(0);
    cpSync(join(home, "data"), join(elsewhere, "data"), { recursive: true });
    rmSync(join(home, "data"), { recursive: true });

    const restored = await startLocal(elsewhere);
    await stored(restored, 4);
    await send(restored, 1);
    await stored(restored, 5);
    expect(await restored.stop()).toBe(0);
  },
);

/** The commit's files, and packages to run them with. */
function checkout(commit: string): string {
  const path = join(folder, "older");
  mkdirSync(path);
  const archive = execFileSync("git", ["archive", commit], { cwd: ROOT, maxBuffer: 1 << 30 });
  execFileSync("tar", ["-x", "-C", path], { input: archive });
  const packages = join(path, "node_modules");
  mkdirSync(join(packages, "@plumbline"), { recursive: true });
  for (const name of readdirSync(join(ROOT, "node_modules"))) {
    if (name === "@plumbline") continue;
    symlinkSync(join(ROOT, "node_modules", name), join(packages, name));
  }
  for (const name of readdirSync(join(ROOT, "node_modules/@plumbline"))) {
    // Relative, so that it leads to the commit's own.
    const target = readlinkSync(join(ROOT, "node_modules/@plumbline", name));
    if (existsSync(join(packages, "@plumbline", target)))
      symlinkSync(target, join(packages, "@plumbline", name));
  }
  return path;
}

async function send({ urls }: LocalProcess, calls: number): Promise<void> {
  const events = Array.from({ length: calls }, () => ({
    call_id: randomUUID(),
    started_at: new Date().toISOString(),
    app: "desk",
    use_case: "ticket-summary",
    model: "m",
    status: "ok",
    latency_ms: 1,
  }));
  const answer = await fetch(`${urls.collector}/v1/calls`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(events),
  });
  expect(await answer.json()).toMatchObject({ accepted: calls });
}

/** Once each. */
async function stored({ urls }: LocalProcess, calls: number): Promise<void> {
  const query = "SELECT count(), uniqExact(call_id) FROM plumbline.calls_v1 FORMAT TSV";
  await expect
    .poll(async () => (await fetch(`${urls.sql}/?query=${encodeURIComponent(query)}`)).text(), {
      interval: 200,
    })
    .toBe(`${calls}\t${calls}\n`);
}
