/**
 * Cuts the demo's texts out of the full set: `node --conditions=source --import tsx examples/ticket-summary/make-fixture.ts SOURCE`.
 *
 * SOURCE is `incident_money_qmsum.events.jsonl.gz`. Items are taken in the order of a hash of their id, so the cut
 * is a fair sample and the same on every machine, until the compressed file would pass its limit.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";

/** The repository carries less than 1 MB of texts. */
const ITEMS = 620;

interface SourceRow {
  readonly prompt_version: string;
  readonly input: string;
  readonly output: string;
  readonly meta: { readonly item_id: string; readonly mentions_money: boolean; readonly damaged: boolean };
}

const source = process.argv[2];
if (source === undefined) throw new Error("usage: make-fixture.ts incident_money_qmsum.events.jsonl.gz");
const rows = gunzipSync(readFileSync(source))
  .toString("utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as SourceRow);

const items = new Map<string, { id: string; input: string; v1: string; v2: string }>();
for (const { meta, prompt_version, input, output } of rows) {
  const item = items.get(meta.item_id) ?? { id: meta.item_id, input, v1: "", v2: "" };
  if (prompt_version === "v1") item.v1 = output;
  else item.v2 = output;
  items.set(meta.item_id, item);
}
const order = (id: string): string => createHash("sha256").update(id).digest("hex");
const cut = [...items.values()].toSorted((a, b) => order(a.id).localeCompare(order(b.id))).slice(0, ITEMS);
const bytes = gzipSync(cut.map((item) => `${JSON.stringify(item)}\n`).join(""), { level: 9 });
writeFileSync(new URL("./fixtures/passages.jsonl.gz", import.meta.url), bytes);
process.stdout.write(
  `${cut.length} items, ${bytes.length} bytes, ${cut.filter((item) => item.v1 !== item.v2).length} damaged by v2\n`,
);
