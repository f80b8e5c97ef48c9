/**
 * What a call costs beyond the SDK: `wrapOpenAI` and `withPolicy` against the bare SDK, against cockatiel with the same
 * policies and against Langfuse's wrapper of the SDK, in one run.
 *
 * All of them call the same OpenAI SDK over the same `fetch`, which answers at once without a network, so that what is left
 * is what they do. They take turns in blocks, so that a busy machine is busy for all. Events of ours and spans of
 * Langfuse's go to a process of their own, which takes everything. The last contender calls with a collector and a
 * registry that are dead.
 *
 *   npm run bench:client [-- --json] [-- --calls 500]: of what was built, as applications have it
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { contenders } from "./contenders.ts";

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, calls: { type: "string", default: "400" } },
});
/** Calls of one block of one contender. */
const BLOCK = Number(values.calls);
const ROUNDS = 25;
const WARM_UP_ROUNDS = 4;

const sink = fork(fileURLToPath(new URL("sink.ts", import.meta.url)), { execArgv: ["--import", "tsx"] });
const [port] = (await once(sink, "message")) as [number];
const all = await contenders(`http://127.0.0.1:${port}`);

/** Of each contender, µs of each call. */
const micros = new Map(all.map(({ name }) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS + WARM_UP_ROUNDS; round++) {
  // Another one begins every time: nobody always pays for what another left behind.
  const order = all.map((_, i) => all[(i + round) % all.length]!);
  for (const { name, call } of order) {
    for (let i = 0; i < BLOCK; i++) {
      const started = performance.now();
      await call(i);
      if (round >= WARM_UP_ROUNDS) micros.get(name)!.push((performance.now() - started) * 1_000);
    }
    // What was left for later is paid here, and by nobody.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
await Promise.all(all.map(({ close }) => close()));
sink.kill();

const bare = quantiles(micros.get("bare_sdk")!);
const rows = all.map(({ name }) => {
  const { p50, p99 } = quantiles(micros.get(name)!);
  return { name, p50_us: p50, p99_us: p99, added_p50_us: p50 - bare.p50, added_p99_us: p99 - bare.p99 };
});
for (const { name, p50_us, p99_us, added_p50_us, added_p99_us } of rows) {
  const cells = [p50_us, p99_us, added_p50_us, added_p99_us].map((each) => each.toFixed(1).padStart(9));
  process.stdout.write(`${name.padEnd(28)}${cells.join("")} µs (p50, p99, added p50, added p99)\n`);
}
const added = Object.fromEntries(
  rows.map(({ name, added_p50_us, added_p99_us }) => [
    name,
    { added_us_p50: rounded(added_p50_us), added_us_p99: rounded(added_p99_us) },
  ]),
);
if (values.json)
  process.stdout.write(
    `${JSON.stringify({
      calls: ROUNDS * BLOCK,
      bare_us_p50: rounded(bare.p50),
      bare_us_p99: rounded(bare.p99),
      ...added,
      wrap_is_smallest: smaller(rows, "wrap_openai", "langfuse_openai"),
      policy_is_smallest: smaller(rows, "with_policy", "cockatiel"),
    })}\n`,
  );
process.exit(0);

function quantiles(all: readonly number[]): { readonly p50: number; readonly p99: number } {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))]!;
  return { p50: at(0.5), p99: at(0.99) };
}

function smaller(
  all: readonly { readonly name: string; readonly added_p50_us: number }[],
  ours: string,
  theirs: string,
): boolean {
  const of = (name: string): number => all.find((each) => each.name === name)!.added_p50_us;
  return of(ours) < of(theirs);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
