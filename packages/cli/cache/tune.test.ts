/** `plumbline cache tune` on files of pairs: what it says, and what it refuses to say. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { expect, onTestFinished, test } from "vitest";
import { runCli } from "../run-cli.ts";

async function tune(lines: readonly unknown[], ...args: readonly string[]) {
  const directory = await mkdtemp(join(tmpdir(), "plumbline-tune-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(
    join(directory, "pairs.jsonl"),
    lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
  );
  await writeFile(
    join(directory, "embed.mjs"),
    "export async function embed(text) { return text.includes('far') ? [1, 0.5] : [1, 0]; }\n",
  );
  await writeFile(join(directory, "nothing.mjs"), "export const embed = 1;\n");
  let stdout = "";
  let stderr = "";
  const exitCode = await runCli(
    ["cache", "tune", "pairs.jsonl", ...args],
    {
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      stdin: new PassThrough(),
      environment: {},
      directory,
      signal: new AbortController().signal,
    },
    new VirtualClock(0),
  );
  return { exitCode, stdout, stderr };
}

/** Words without numbers, so that no rule keeps them apart. */
const word = (i: number): string => i.toString(4).replace(/\d/g, (digit) => "abcd".charAt(Number(digit)));
const same = (i: number, similarity = 0.96) => ({
  a: `what is the ${word(i)} policy`,
  b: `what is the policy about ${word(i)} please`,
  same: true,
  similarity,
});
const different = (i: number, similarity: number) => ({
  a: `what is the ${word(i)} rule`,
  b: `what is the ${word(i)} rule about pets`,
  same: false,
  similarity,
});
const many = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i));

test("names the lowest threshold that these pairs show to be good, and what it finds", async () => {
  const lines = [...many(450, (i) => same(i)), ...many(60, (i) => different(i, 0.9))];
  const { exitCode, stdout } = await tune(lines);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("510 pairs: one answer serves both in 450, not in 60");
  expect(stdout).toMatch(/^0\.91 +450 +0 +0\.00% +0\.00% to 0\.82% +100\.0%$/m);
  expect(stdout).toMatch(/^0\.90 +510 +60 +11\.8% +9\.10% to 14\.9%/m);
  expect(stdout).toContain(
    "Threshold 0.91 keeps false hits under 1.00%: 0 of 450 hits, at most 0.82% with 95%.",
  );
  const { data } = JSON.parse((await tune(lines, "--json")).stdout) as { data: unknown };
  expect(data).toMatchObject({ threshold: 0.91, why_not: null, pairs: 510, same_pairs: 450 });
});

test("says that the data can't say, with the number of hits that are missing", async () => {
  const { exitCode, stdout } = await tune(many(100, (i) => same(i)));
  expect(exitCode).toBe(0);
  expect(stdout).toContain(
    "These pairs can't say which threshold keeps false hits under 1.00%: that takes 368 hits without a false one, and there are 100 at 0.70.",
  );
  const worse = await tune([...many(400, (i) => same(i)), ...many(40, (i) => different(i, 0.99))]);
  expect(worse.stdout).toContain("No threshold can be shown to keep false hits under 1.00%");
});

test("pairs that the rules keep apart are no hits, whatever their similarity", async () => {
  const apart = { a: "Is the refund 50 euros?", b: "Is the refund 500 euros?", same: false, similarity: 1 };
  const unread = { a: "Hol van a csomagom", b: "Hol van a csomag", same: true, similarity: 1 };
  const { stdout } = await tune([...many(400, (i) => same(i)), apart, unread]);
  expect(stdout).toContain(
    "kept apart by numbers, names, dates, negations or words: 1, of which one answer serves 0",
  );
  expect(stdout).toContain("never compared, in languages without rules: 1");
  expect(stdout).toContain("Threshold 0.70 keeps false hits under");
});

test("the application's embed gives the similarities, and answers are compared by the judge", async () => {
  const answer = "You can return every article within 30 days, at no cost, to any of our shops in Berlin.";
  const other = "You can return every article within 14 days, for 5 euros, to our shop in Hamburg only.";
  const lines = [
    {
      a: "what is the refund policy",
      b: "what is the refund policy please",
      answer_a: answer,
      answer_b: answer,
    },
    { a: "is it far to the shop", b: "is it far to the shop please", answer_a: answer, answer_b: other },
  ];
  const { exitCode, stdout, stderr } = await tune(lines, "--embed", "embed.mjs");
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("2 pairs: one answer serves both in 1, not in 1");
  expect(stdout).toContain("1 pair compared by lexical, no LLM; 0 that it can't judge are left out");
  expect(stdout).toMatch(/^1\.00 +2 +1 +50\.0%/m);
});

test.each([
  ["a line that is no JSON", ["{"], "pairs.jsonl:1: is not one JSON object. Write one pair a line"],
  ["neither label nor answers", [{ a: "x", b: "y" }], "pairs.jsonl:1 same: says neither whether"],
  ["an unknown field", [{ a: "x", b: "y", same: true, label: 1 }], 'Unrecognized key: "label"'],
  [
    "two labels of one pair",
    [
      { a: "x", b: "y", same: true },
      { a: "y", b: "x", same: false },
    ],
    "pairs.jsonl:2 same: says another thing than line 1 about the same pair",
  ],
  ["nothing", [""], "pairs.jsonl: has no pairs"],
  ["no similarity", [{ ...same(1), similarity: undefined }], "line 1 has no similarity. "],
])("refuses %s, and says where and what to do", async (_what, lines, message) => {
  const { exitCode, stderr } = await tune(lines);
  expect(exitCode).toBe(3);
  expect(`${stderr.replace("\nNext", " Next")}`).toContain(message);
});

test("an embed that is none, and one that is not there, are named", async () => {
  expect((await tune([same(1)], "--embed", "nothing.mjs")).stderr).toContain("it exports no function.");
  expect((await tune([same(1)], "--embed", "missing.mjs")).stderr).toContain("missing.mjs");
  expect((await tune([same(1)], "--max-false", "1")).exitCode).toBe(2);
});

test("questions in more than one pair, and repeated lines, are said", async () => {
  const lines = [
    ...many(400, (i) => same(i)),
    same(1),
    { ...same(2), b: "what is the policy about pets please" },
  ];
  const { stdout } = await tune(lines);
  expect(stdout).toContain("1 question stands in more than one pair");
  expect(stdout).toContain("401 pairs");
});
