import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { closeToOthers } from "./private-folder.ts";

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

async function scratch(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "plumbline-private-"));
  onTestFinished(() => rm(root, { recursive: true }));
  return root;
}

test("a folder that others could read is closed, with everything in it and nothing that it links to", async () => {
  const root = await scratch();
  const folder = join(root, "data");
  await mkdir(join(folder, "log"), { recursive: true });
  await writeFile(join(folder, "log", "data.mdb"), "texts");
  await writeFile(join(root, "outside"), "");
  await symlink(join(root, "outside"), join(folder, "link"));
  await chmod(folder, 0o755);
  await chmod(join(folder, "log"), 0o755);
  await chmod(join(folder, "log", "data.mdb"), 0o644);
  await chmod(join(root, "outside"), 0o644);

  await closeToOthers(folder);

  expect(await modeOf(folder)).toBe(0o700);
  expect(await modeOf(join(folder, "log"))).toBe(0o700);
  expect(await modeOf(join(folder, "log", "data.mdb"))).toBe(0o600);
  expect(await modeOf(join(root, "outside"))).toBe(0o644);
});
