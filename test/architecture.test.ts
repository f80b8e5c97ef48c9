/**
 * Holds the import arrows of ARCHITECTURE.md. Reads import statements as text, with no tool in between: a boundary
 * checker that sees nothing must fail, and this one counts what it saw.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Rule {
  /** Folder whose files the rule is for; the longest match wins. */
  readonly folder: string;
  /** Workspaces and folders of ours that it may import. */
  readonly ours: readonly string[];
  readonly thirdParty: readonly string[];
}

const EVERY_SERVICE = [
  "packages/access",
  "packages/erasure",
  "schemas",
  "alerts",
  "packages/stats",
  "packages/features",
  "packages/ports",
  "packages/runtime",
];

const RULES: readonly Rule[] = [
  { folder: "schemas", ours: [], thirdParty: ["zod"] },
  { folder: "packages/stats", ours: [], thirdParty: [] },
  { folder: "packages/emitter", ours: [], thirdParty: [] },
  { folder: "packages/emitter/kafka.ts", ours: ["packages/emitter"], thirdParty: ["kafkajs"] },
  { folder: "packages/client", ours: ["packages/emitter"], thirdParty: [] },
  { folder: "packages/scripted-provider", ours: [], thirdParty: [] },
  {
    folder: "packages/cli",
    ours: [
      "schemas",
      "packages/prompts",
      "packages/ports",
      "packages/runtime",
      "packages/stats",
      "packages/adapters/clock",
      "packages/adapters/llm",
      // `drill` puts it in place of the real ones.
      "packages/scripted-provider",
      "services/local",
      // `eval` decides, prices and judges by the very functions that production uses.
      "packages/gate",
      "services/judge/config",
      // `cache tune` keeps questions apart by the rules that the application's cache uses.
      "packages/client/cache/semantic",
      "packages/client/semantic",
      // `lint` and `drill` tell what a policy leaves each rung by the sums that its ladder goes by.
      "packages/client/time-shares",
      "packages/client/policy/time-shares",
      // `replay` judges under the rubric that production judges by.
      "services/judge/default-rubric",
    ],
    thirdParty: ["zod", "commander"],
  },
  { folder: "packages/runtime", ours: ["schemas"], thirdParty: ["zod", "pino", "fastest-levenshtein"] },
  {
    folder: "packages/runtime/metrics.ts",
    ours: ["packages/runtime"],
    thirdParty: ["prom-client"],
  },
  {
    folder: "packages/runtime/http",
    ours: ["packages/runtime", "schemas"],
    thirdParty: ["express", "iconv-lite"],
  },
  { folder: "packages/erasure", ours: ["schemas", "packages/ports"], thirdParty: [] },
  {
    folder: "packages/access",
    ours: ["schemas", "packages/ports", "packages/runtime"],
    thirdParty: ["zod"],
  },
  { folder: "packages/ports", ours: ["schemas"], thirdParty: [] },
  { folder: "packages/features", ours: ["schemas"], thirdParty: [] },
  // A prompt is checked and evaluated as the client renders it, by the same code.
  {
    folder: "packages/prompts",
    ours: ["schemas", "packages/client/render"],
    thirdParty: ["diff", "yaml", "zod"],
  },
  { folder: "packages/gate", ours: ["schemas", "packages/stats"], thirdParty: [] },
  { folder: "packages/gate/price", ours: ["packages/gate"], thirdParty: ["@pydantic/genai-prices"] },
  {
    folder: "packages/registry-fold",
    ours: ["schemas", "packages/ports", "packages/prompts", "packages/gate"],
    thirdParty: [],
  },
  {
    folder: "packages/adapters",
    ours: ["schemas", "packages/ports", "packages/features"],
    thirdParty: ["zod"],
  },
  ...(
    [
      ["kafka", ["kafkajs"]],
      ["lmdb", ["lmdb"]],
      ["clickhouse", ["@clickhouse/client", "chdb", "zod"]],
      ["slack", ["@slack/web-api"]],
    ] as const
  ).map(([name, thirdParty]) => ({
    folder: `packages/adapters/${name}`,
    ours: ["schemas", "packages/ports", "packages/features", `packages/adapters/${name}`],
    thirdParty,
  })),
  {
    folder: "packages/adapters/llm",
    ours: ["schemas", "packages/ports", "packages/features", "packages/emitter/token-usage"],
    thirdParty: ["zod"],
  },
  {
    // What models write instead of JSON is a library's business.
    folder: "packages/adapters/llm/find-judgement.ts",
    ours: ["packages/adapters/llm"],
    thirdParty: ["jsonrepair"],
  },
  {
    folder: "packages/adapters/kafka/codecs",
    ours: ["packages/adapters/kafka/codecs"],
    thirdParty: ["fzstd", "hysnappy"],
  },
  {
    // The one adapter that listens: it does so where every server of ours does.
    folder: "packages/adapters/clickhouse/http-front.ts",
    ours: ["packages/adapters/clickhouse", "packages/runtime"],
    thirdParty: [],
  },
  { folder: "alerts", ours: ["schemas", "packages/ports"], thirdParty: [] },
  {
    folder: "services/collector",
    ours: [...EVERY_SERVICE, "packages/emitter"],
    thirdParty: ["zod", "express"],
  },
  { folder: "services/writer", ours: [...EVERY_SERVICE, "packages/gate/price"], thirdParty: ["zod"] },
  { folder: "services/judge", ours: [...EVERY_SERVICE, "packages/gate/price"], thirdParty: ["zod"] },
  // Folds the registry topic as the registry does: only commands that were accepted give a version a share.
  // Reads in a prompt what its provider could cache.
  {
    folder: "services/monitor",
    ours: [...EVERY_SERVICE, "packages/registry-fold", "packages/prompts"],
    thirdParty: ["zod"],
  },
  { folder: "services/notifier", ours: EVERY_SERVICE, thirdParty: ["zod"] },
  { folder: "services/migrate", ours: EVERY_SERVICE, thirdParty: ["zod"] },
  { folder: "services/policy", ours: EVERY_SERVICE, thirdParty: ["zod"] },
  {
    folder: "services/registry",
    ours: [...EVERY_SERVICE, "packages/prompts", "packages/gate", "packages/registry-fold"],
    thirdParty: ["zod"],
  },
  // Composes every service in one process and plays the demo through the published emitter and client.
  {
    folder: "services/local",
    ours: [
      ...EVERY_SERVICE,
      "services",
      "packages/adapters",
      "packages/emitter",
      "packages/client",
      "packages/prompts",
    ],
    thirdParty: ["zod"],
  },
];

/** Only these may name a technology. */
const MAY_USE_ADAPTERS = /^services\/[a-z]+\/main\.ts$/;
const MAY_IMPORT_ANYTHING =
  /^(test|bench|examples|infra)\/|\.test\.ts$|\.contract\.ts$|\.config\.ts$|\.fixture\.ts$/;

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(ROOT, file)));

test("every import follows an arrow of the table", () => {
  let seen = 0;
  const wrong: string[] = [];
  for (const file of files) {
    if (MAY_IMPORT_ANYTHING.test(file)) continue;
    const rule = ruleFor(file);
    if (rule === undefined) {
      wrong.push(`${file}: no rule says what it may import; add its folder to RULES`);
      continue;
    }
    for (const specifier of importsOf(readFileSync(join(ROOT, file), "utf8"))) {
      seen += 1;
      const target = resolve(file, specifier);
      if (target === null) continue;
      const isOwn = target.kind === "ours" && startsWithFolder(target.path, ownFolder(file));
      const isAllowed =
        isOwn ||
        (target.kind === "ours"
          ? rule.ours.some((folder) => startsWithFolder(target.path, folder)) ||
            (MAY_USE_ADAPTERS.test(file) && startsWithFolder(target.path, "packages/adapters"))
          : rule.thirdParty.includes(target.path));
      if (!isAllowed) wrong.push(`${file} imports ${specifier}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(seen).toBeGreaterThan(200);
});

test("each technology is imported in one place", () => {
  const places = (module: string): readonly string[] => [
    ...new Set(
      files
        .filter((file) => !MAY_IMPORT_ANYTHING.test(file))
        .filter((file) =>
          importsOf(readFileSync(join(ROOT, file), "utf8")).some(
            (specifier) => packageName(specifier) === module,
          ),
        )
        .map((file) => (/^packages\/(adapters|runtime\/http)\//.test(file) ? dirname(file) : file)),
    ),
  ];
  expect(places("kafkajs").toSorted()).toEqual(["packages/adapters/kafka", "packages/emitter/kafka.ts"]);
  expect(places("lmdb")).toEqual(["packages/adapters/lmdb"]);
  expect(places("@clickhouse/client")).toEqual(["packages/adapters/clickhouse"]);
  expect(places("chdb")).toEqual(["packages/adapters/clickhouse"]);
  expect(places("@slack/web-api")).toEqual(["packages/adapters/slack"]);
  expect(places("express")).toEqual(["packages/runtime/http"]);
  expect(places("prom-client")).toEqual(["packages/runtime/metrics.ts"]);
});

test("nothing but the system clock and the emitter's default reads the time of day", () => {
  const allowed = new Set(["packages/adapters/clock/system-clock.ts", "packages/emitter/emitter.ts"]);
  const offenders = files
    .filter((file) => !MAY_IMPORT_ANYTHING.test(file) && !allowed.has(file))
    .filter((file) =>
      /\bDate\.now\(\)|\bnew Date\(\)/.test(withoutComments(readFileSync(join(ROOT, file), "utf8"))),
    );
  expect(offenders).toEqual([]);
});

test("SQL stays in .sql files", () => {
  const offenders = files
    .filter((file) => !MAY_IMPORT_ANYTHING.test(file) && !file.startsWith("packages/adapters/clickhouse/"))
    .filter((file) =>
      /["'`]\s*(SELECT|INSERT INTO|CREATE TABLE|ALTER TABLE)\b/.test(readFileSync(join(ROOT, file), "utf8")),
    );
  expect(offenders).toEqual([]);
});

function ruleFor(file: string): Rule | undefined {
  return RULES.filter((rule) => startsWithFolder(file, rule.folder)).toSorted(
    (a, b) => b.folder.length - a.folder.length,
  )[0];
}

/** A workspace may import itself; a service may not import its neighbours. */
function ownFolder(file: string): string {
  const [first = "", second = ""] = file.split("/");
  return first === "packages" || first === "services" ? `${first}/${second}` : first;
}

function startsWithFolder(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function importsOf(source: string): readonly string[] {
  return [
    ...withoutComments(source).matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^"';]*?from\s*["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|(?:^|\n)\s*import\s*["']([^"']+)["']/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function packageName(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function resolve(file: string, specifier: string): { kind: "ours" | "third_party"; path: string } | null {
  if (specifier.startsWith("node:")) return null;
  if (specifier.startsWith("."))
    return { kind: "ours", path: relative(ROOT, join(ROOT, dirname(file), specifier)) };
  const name = packageName(specifier);
  if (!name.startsWith("@plumbline/")) return { kind: "third_party", path: name };
  const short = name.slice("@plumbline/".length);
  const folder = ["schemas", "alerts", "services"].includes(short) ? short : `packages/${short}`;
  return { kind: "ours", path: join(folder, specifier.slice(name.length)) };
}
