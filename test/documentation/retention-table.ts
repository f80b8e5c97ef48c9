/** docs/operate/retention.md, from the topics' constants and the tables that the migrations made. */
import { TOPICS } from "@plumbline/schemas";

const DAY_MS = 86_400_000;

/** What `system.tables` says of a table. */
export interface StoredTable {
  readonly name: string;
  readonly engine_full: string;
  readonly comment: string;
}

export const TABLES_QUERY =
  "SELECT name, engine_full, comment FROM system.tables WHERE database = 'plumbline_raw' AND engine LIKE '%MergeTree' ORDER BY name";

export function toTables(rows: readonly Readonly<Record<string, unknown>>[]): readonly StoredTable[] {
  return rows.map(({ name, engine_full, comment }) => ({
    name: String(name),
    engine_full: String(engine_full),
    comment: String(comment),
  }));
}

export interface TableRetention {
  readonly name: string;
  readonly comment: string;
  /** Such as `30 days`; null: for ever. */
  readonly kept: string | null;
  /** Whole parts are dropped, nothing is rewritten. */
  readonly dropsParts: boolean;
}

/** @throws Error for a TTL that this reader does not understand */
export function retentionOf({ name, engine_full, comment }: StoredTable): TableRetention {
  const ttl = /\bTTL (.*?)(?: SETTINGS |$)/.exec(engine_full)?.[1];
  const dropsParts = /ttl_only_drop_parts = 1/.test(engine_full) && engine_full.includes("PARTITION BY");
  if (ttl === undefined) return { name, comment, kept: null, dropsParts };
  const [, unit = "", count = ""] = /toInterval(Day|Month)\((\d+)\)/.exec(ttl) ?? [];
  if (unit === "") throw new Error(`${name}: the TTL "${ttl}" can't be read`);
  return { name, comment, kept: `${count} ${unit.toLowerCase()}s`, dropsParts };
}

export function renderRetention(tables: readonly StoredTable[]): string {
  const topics = Object.entries(TOPICS).map(([topic, { retention_ms, purpose }]) => {
    const kept =
      retention_ms < 0 ? "for ever" : retention_ms === DAY_MS ? "a day" : `${retention_ms / DAY_MS} days`;
    return `| \`${topic}\` | ${kept} | ${purpose} |`;
  });
  const rows = tables.map(retentionOf).map(({ name, kept, dropsParts, comment }) => {
    const how =
      kept === null ? "" : dropsParts ? "partitions are dropped whole" : "expired rows are merged away";
    return `| \`${name}\` | ${kept ?? "for ever"} | ${how} | ${comment} |`;
  });
  return `# What is kept for how long, and how to erase

Written by \`npm run docs:retention\` from \`schemas/topics.ts\` and the migrations; \`test/documentation/retention.test.ts\`
compares. Time counts from the event's start in tables, and from the append in topics. A partition goes when its newest row is
over its time, so that a row may stay up to a day (texts) or a month longer.

## Topics of the log

| Topic | Kept | What it holds |
| --- | --- | --- |
${topics.join("\n")}

## Tables of the store

| Table | Kept | How it ends | What it holds |
| --- | --- | --- | --- |
${rows.join("\n")}

## Erase before the time is over

\`\`\`sh
plumbline erase --conversation <id> --dry-run
plumbline erase --user-hash <hash>
plumbline erase --call <id>
\`\`\`

needs a key with scope \`admin\`, or local mode. It prints each place with what was removed and what is left. Numbers of the calls
stay: counts, latencies, costs, scores.

| Place | What goes | What is left |
| --- | --- | --- |
| \`call_payloads\` | the rows: input, output, variables | old parts leave the disk within 8 minutes |
| \`calls\` | user hash, attributes, slices named after attributes; the conversation gets a name without its id | the numbers |
| \`verdicts\` | the judge's explanation, the input's fingerprint, the same slices | the scores |
| \`feedback\` | comment and author | the value |
| log in a folder (local mode) | the same of calls, verdicts and feedback; the bytes of dead letters | freed pages of the file hold old bytes until the next writes use them |
| Kafka | nothing: a record of it can't be changed | everything, until the retention above; our writers leave it out of every later delivery |
| baselines, evidence, drift results, rollups | nothing: they hold sums of many calls, at least ten for a slice that is compared | those sums, under the slices' names; evidence and drift results go by retention |
| \`incidents\`, and their topic in a folder | names of slices after attribute values that no call has but the erased ones: \`customer=Acme\` becomes \`customer=erased\` | numbers; what people typed as a reason |
| inbox | the same names and the examples of erased calls, in every message of every episode, within 30 seconds; examples go within an hour of their texts' retention as well | what people typed as a reason |
| Slack | with \`PLUMBLINE_SLACK_EXAMPLES\` the same names (\`full\`) and examples (\`redacted\`, \`full\`), by an edit of the newest message of each incident; without it they were never sent | see below |
| backups, exports, the applications' own logs | nothing: they are not ours | |

The list of erasures is kept for ever, as hashes: every writer reads it, so that a record which is delivered again, or a log that is
read again from its start, does not bring a text back. What began after the erasure is kept. A sender that sends an erased
call again puts its text into the log once more, and not into the store; erase again, or wait for retention. A name of a slice stays
erased in messages, also where a later call has the same value.

## What lies in Slack

A message says which use case fell, by how much, and in which slices, and shows changed lines of the prompt. No input, output,
variable, comment, call id, conversation or user hash is in it, unless \`PLUMBLINE_SLACK_EXAMPLES\` lets examples in. Slices that are named after attribute values and topics, which are named after words that at least ten
texts share, are \`customer=#1\` and \`topic 3\` there, unless \`PLUMBLINE_SLACK_EXAMPLES=full\` sends them as they are.
People's own words are sent as they typed them: the reason of a bypass, a rollback or a dismissal.

Plumbline edits its messages and deletes none. What stays after an erasure: earlier messages of an incident that fired again,
replies, what people wrote, Slack's own edit history where a plan keeps it, and a channel's e-mail or mobile copies. To delete
them, delete the message in Slack ("Delete message", with the rights of a workspace owner, or \`chat.delete\` with the bot's
token: \`channel\` and \`ts\` are in \`message_ref\` of the incident's \`delivered\` events), or set a message retention for the
channel. A message that somebody deleted is not posted again by an erasure.
`;
}
