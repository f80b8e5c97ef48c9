/** The reference of variables is what the processes read, and every process knows the names of them all. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PROCESS_CONFIGS } from "@plumbline/services/local/process-configs";
import { RENAMED } from "@plumbline/runtime/variables/unknown-variables";
import { expect, test } from "vitest";
import { knownVariables, renderConfigurationPage, renderKnownVariables } from "./configuration-page.ts";

const ROOT = new URL("../../", import.meta.url);

test.each([
  ["docs/reference/configuration.md", renderConfigurationPage],
  ["packages/runtime/variables/known-variables.ts", renderKnownVariables],
])("%s is what the schemas say: npm run docs:configuration writes it", (path, render) => {
  expect(read(path)).toBe(render());
});

test("every service that has a configuration is among them, and its README points to the page", () => {
  const services = readdirSync(new URL("services/", ROOT)).filter((name) =>
    existsSync(new URL(`services/${name}/config.ts`, ROOT)),
  );
  expect(services.length).toBeGreaterThan(7);
  expect(Object.keys(PROCESS_CONFIGS).toSorted()).toEqual(services.toSorted());
  for (const name of services.filter((each) => each !== "local")) {
    const readme = read(`services/${name}/README.md`);
    expect(readme).toContain(`variables that name \`${name}\` in [docs/reference/configuration.md]`);
    expect(readme, "no second copy of the table").not.toMatch(/^\| `PLUMBLINE_/m);
  }
});

test("every variable has a meaning", () => {
  const rows = renderConfigurationPage()
    .split("\n")
    .filter((line) => line.startsWith("| `PLUMBLINE_"));
  expect(rows.length).toBeGreaterThan(60);
  expect(rows.filter((row) => /^\| [^|]+ \| {2}\|/.test(row))).toEqual([]);
});

test("a variable that the code or a document names is known", () => {
  const files = execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts", "*.md", "*.yaml"],
    { cwd: fileURLToPath(ROOT), encoding: "utf8" },
  )
    .split("\n")
    // Tests name wrong ones on purpose.
    .filter((path) => path !== "" && !/^test\/|\.test\.ts$/.test(path) && existsSync(new URL(path, ROOT)));
  // Former names are named where a start says what they are called now.
  const known = new Set([...knownVariables().filter((name) => !name.includes("<")), ...Object.keys(RENAMED)]);
  const named = files.flatMap((path) =>
    [...read(path).matchAll(/\bPLUMBLINE_[A-Z0-9_]*[A-Z0-9]\b(?!_)/g)].map(([name]) => ({ path, name })),
  );
  expect(named.length).toBeGreaterThan(200);
  // No process of the product reads a variable of the tests.
  const isKnown = (name: string): boolean =>
    name.startsWith("PLUMBLINE_TEST_") ||
    known.has(name) ||
    known.has(name.replace(/_FILE$/, "")) ||
    name.startsWith("PLUMBLINE_PROVIDER_");
  expect(named.filter(({ name }) => !isKnown(name))).toEqual([]);
});

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), "utf8");
}
