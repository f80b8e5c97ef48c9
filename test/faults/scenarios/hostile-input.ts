import { gzipSync } from "node:zlib";
import type { NewRecord } from "@plumbline/ports";
import { compareInEffect } from "../oracle/compare.ts";
import { untilFresh } from "../oracle/fresh.ts";
import { Ledger } from "../oracle/ledger.ts";
import { countDeadLetters } from "../oracle/log-check.ts";
import type { Production } from "../processes/production.ts";
import { withServices } from "../processes/with-services.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { newBatch, sendBatch } from "../senders/sender.ts";

const DAY_MS = 86_400_000;
/** Places of one partition that the writer has passed: the poison is rare among them, as in life. */
const NEIGHBOURS = 2_000;

/** Lines that are no call. None may cost its neighbours, whatever is answered about it. */
const POISON_LINES: readonly string[] = [
  "{not json",
  "[]",
  "null",
  '{"call_id":1,"use_case":{},"status":"ok"}',
  `{"use_case":"${"x".repeat(300_000)}"}`,
  `{"a":${'{"a":'.repeat(60)}1${"}".repeat(60)}}`,
  '{"call_id":"00000000-0000-7000-8000-00000000000g"}',
  '{"latency_ms":9223372036854775808}',
  '{"input":"\\ud800"}',
];

/** Records that a foreign producer may put into the topic, and that can't become rows. */
const POISON_RECORDS: readonly Uint8Array[] = [
  "",
  "{not json",
  "null",
  '{"call_id":"x"}',
  `{"a":${'{"a":'.repeat(60)}1${"}".repeat(60)}}`,
].map((text) => Buffer.from(text));

export const hostileInput: Scenario = {
  faults: "F12, F13, F14, F18",
  name: "hostile-input",
  runsOn: "production",
  injects:
    "lines and records that are no calls, bodies of 5 MB and a gzip bomb, calls of other years and of 200 days at once, fields of a newer schema, each among valid calls",
  holds:
    "neighbours are stored; what can't be a row is refused with an answer, or is a dead letter, exactly that; calls of the right age are stored whatever the sender's clock says",
  isInShortForm: true,
  async run(run) {
    const production = await run.production();
    const { urls, store, log } = production;
    const before = await countDeadLetters(log);
    await withServices(run, production, ["collector", "writer"], async () => {
      const ledger = new Ledger();
      await postPoison(run, ledger, urls.collector);
      await postClocks(run, ledger, urls.collector);
      const poison = await appendPoison(production, ledger);
      await untilFresh(run, ledger, urls.collector, store);
      await compareInEffect(run, ledger, production);
      const deadLettered = (await countDeadLetters(log)) - before;
      run.count("dead_lettered", deadLettered);
      run.requireEqual(deadLettered, poison, "dead letters against records that can't be rows");
    });
  },
};

async function postPoison(run: ScenarioRun, ledger: Ledger, url: string): Promise<void> {
  for (const poison of POISON_LINES) {
    const batch = newBatch(ledger, 2);
    const [first = "", second = ""] = ledger.linesOf(batch);
    const answer = await postLines(url, [first, poison, second].join("\n"));
    const { accepted = 0 } = JSON.parse(await answer.text()) as { accepted?: number };
    run.require(
      accepted >= 2,
      `${poison.slice(0, 40)} cost its neighbours: ${answer.status}, ${accepted} accepted`,
    );
    if (accepted >= 2) batch.outcome = "acknowledged";
    run.count("lines_refused", 3 - accepted);
  }
  const newer = newBatch(ledger, 1);
  const line = ledger.linesOf(newer)[0]!.replace("{", '{"field_of_tomorrow":{"a":[1]},');
  run.require(await sendBatch(url, newer, [line]), "a field of a newer schema was refused");
  const tooLarge = await postLines(url, "x".repeat(5_000_000));
  run.require(tooLarge.status === 413, `a body of 5 MB was answered ${tooLarge.status}`);
  const bomb = await postLines(url, gzipSync(Buffer.alloc(100_000_000)), { "content-encoding": "gzip" });
  run.require(bomb.status === 413, `a gzip bomb was answered ${bomb.status}`);
}

function postLines(
  url: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${url}/v1/calls`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson", ...headers },
    body: body as BodyInit,
  });
}

/** What is acknowledged must be stored; what is too old may be refused, with an answer. */
async function postClocks(run: ScenarioRun, ledger: Ledger, url: string): Promise<void> {
  const skews = [-365, -40, -34, -1 / 24, 1 / 24, 1, 365];
  const now = Date.now();
  const clocks = [
    ...skews.map((days) => () => new Date(now + days * DAY_MS)),
    (index: number) => new Date(now - index * DAY_MS),
  ];
  for (const clock of clocks) {
    const batch = newBatch(ledger, clock.length === 0 ? 3 : 200);
    const lines = ledger.linesOf(batch, clock);
    const answer = await postLines(url, lines.join("\n"));
    run.require(answer.status < 500, `a clock was answered ${answer.status}`);
    const { accepted = 0 } = JSON.parse(await answer.text()) as { accepted?: number };
    if (accepted === batch.calls) batch.outcome = "acknowledged";
    run.count("calls_of_other_times", accepted);
  }
}

/** Straight into the topic, as a producer that is not ours would. @returns how many of the records are no calls */
async function appendPoison({ log }: Production, ledger: Ledger): Promise<number> {
  const batch = newBatch(ledger, NEIGHBOURS);
  const valid = ledger.linesOf(batch).map((line, index): NewRecord => ({
    key: ledger.idOf(batch, index),
    value: Buffer.from(line),
    headers: { tenant: "default" },
  }));
  const poison = POISON_RECORDS.map((value, index): NewRecord => ({ key: `poison ${index}`, value }));
  const step = Math.floor(NEIGHBOURS / (poison.length + 1));
  for (const [index, record] of poison.entries()) valid.splice((index + 1) * step + index, 0, record);
  await log.append("plumbline.calls", valid);
  batch.outcome = "acknowledged";
  return poison.length;
}
