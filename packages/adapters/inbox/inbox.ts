import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ExternalError, type Message, type Notifier, type Quote } from "@plumbline/ports";

/** A message as the inbox keeps it: one JSON file each. */
const StoredMessage = z.object({
  ref: z.string(),
  /** Rises over the whole inbox with each write: the order of the last changes, without a clock. */
  sequence: z.number().int(),
  message: z.object({
    incident_id: z.string(),
    /** Null in files of before messages had one: for operators alone, until the incident changes. */
    tenant: z.string().nullable().default(null),
    revision: z.number().int(),
    state: z.enum(["firing", "acknowledged", "snoozed", "watching", "resolved", "dismissed"]),
    severity: z.enum(["SEV1", "SEV2", "SEV3"]),
    preview: z.string(),
    title: z.string(),
    /** Neither is in files of before messages had them. */
    command: z.string().nullable().default(null),
    lines: z.array(z.string()),
    quotes: z
      .array(
        z.object({
          title: z.string(),
          format: z.enum(["diff", "text"]),
          text: z.string(),
          call_ids: z.array(z.string()),
          until: z.string().nullable(),
        }),
      )
      .default([]),
    fields: z.array(z.object({ label: z.string(), value: z.string() })),
    context: z.array(z.string()),
    links: z.array(z.object({ label: z.string(), url: z.string() })),
    /** None in files of before messages had them. */
    actions: z
      .array(
        z.object({
          id: z.string(),
          label: z.string(),
          style: z.enum(["primary", "danger", "plain"]),
          value: z.string(),
          confirm: z.object({ title: z.string(), text: z.string(), yes: z.string() }).nullable(),
          choices: z.array(z.object({ label: z.string(), value: z.string() })),
          asks: z.string().nullable(),
        }),
      )
      .default([]),
  }),
  thread: z.array(z.object({ revision: z.number().int(), text: z.string() })),
});
export type InboxMessage = z.infer<typeof StoredMessage>;

export interface Inbox extends Notifier {
  /**
   * Firing first, then the other open ones, then the closed; within each, the latest change first.
   * @param tenant whose alone; null: of all, for operators
   */
  messages(tenant: string | null): readonly InboxMessage[];
  /** Calls `listener` after each change of a message of `tenant`, null: of any; returns how to stop. */
  onChange(tenant: string | null, listener: () => void): () => void;
  /**
   * Changes what is stored of every message, text by text, and leaves out the quotes that are not to stay. Resolves once that
   * is durable.
   * @returns messages changed
   */
  rewrite(
    change: (text: string, tenant: string | null) => string,
    stays: (quote: Quote, tenant: string | null) => boolean,
  ): Promise<number>;
}

const THREAD_LINES_MAX = 200;
const URGENCY: Readonly<Record<Message["state"], number>> = {
  firing: 0,
  acknowledged: 1,
  watching: 1,
  snoozed: 1,
  resolved: 2,
  dismissed: 2,
};

/**
 * A stand-in for Slack that lives in a folder: for running without an account, and for demonstrations.
 *
 * A message is durable before `post` or `update` resolves: it is written beside its file, synced, and renamed over
 * it, so a kill at any moment leaves the old or the new message, never half of one. The file is named after the
 * incident, which makes `post` idempotent. One process at a time may use a folder.
 *
 * @throws Error when the folder cannot be made or read. A file that is not a message is left alone and not shown.
 */
export async function openInboxNotifier({ dir }: { dir: string }): Promise<Inbox> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const stored = await readFolder(dir);
  const listeners = new Set<(changed: InboxMessage) => void>();
  let sequence = Math.max(0, ...[...stored.values()].map((each) => each.sequence));
  /** Writes happen one after the other, so that the newest revision is also the last one on disk. */
  let tail: Promise<unknown> = Promise.resolve();

  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = tail.then(work);
    tail = result.catch(() => undefined);
    return result;
  }

  async function save(next: InboxMessage): Promise<void> {
    try {
      await writeAtomically(dir, `${next.ref}.json`, JSON.stringify(next));
    } catch (error) {
      // Nothing was shown: the old file is still in place.
      throw new ExternalError("external_unavailable", `inbox: cannot write to ${dir}`, { cause: error });
    }
    stored.set(next.ref, next);
    for (const listener of listeners) listener(next);
  }

  function show(message: Message, reply: string): Promise<{ ref: string }> {
    return inTurn(async () => {
      const ref = refOf(message.incident_id);
      const before = stored.get(ref);
      if (before !== undefined && before.message.revision > message.revision) return { ref };
      const line = reply === "" ? [] : [{ revision: message.revision, text: reply }];
      // A retried edit brings its reply again.
      const thread = (before?.thread ?? []).filter((each) => line.length === 0 || each.text !== reply);
      sequence += 1;
      await save({
        ref,
        sequence,
        message: copyOf(message),
        thread: [...thread, ...line].slice(-THREAD_LINES_MAX),
      });
      return { ref };
    });
  }

  return {
    name: "inbox",
    post: (message) => show(message, ""),
    async update(_ref, message, reply) {
      await show(message, reply);
    },
    async find(incident_id) {
      const found = stored.get(refOf(incident_id));
      return found === undefined ? null : { ref: found.ref, revision: found.message.revision };
    },
    messages: (tenant) =>
      [...stored.values()].filter(({ message }) => isFor(tenant, message)).toSorted(byUrgency),
    onChange(tenant, listener) {
      const notice = ({ message }: InboxMessage): void => {
        if (isFor(tenant, message)) listener();
      };
      listeners.add(notice);
      return () => listeners.delete(notice);
    },
    async rewrite(change, stays) {
      let changed = 0;
      for (const ref of stored.keys()) {
        await inTurn(async () => {
          const before = stored.get(ref)!;
          const { tenant } = before.message;
          const after = withTexts(
            before,
            (text) => change(text, tenant),
            (quote) => stays(quote, tenant),
          );
          if (JSON.stringify(after) === JSON.stringify(before)) return;
          sequence += 1;
          await save({ ...after, sequence });
          changed += 1;
        });
      }
      return changed;
    },
  };
}

function byUrgency(a: InboxMessage, b: InboxMessage): number {
  return URGENCY[a.message.state] - URGENCY[b.message.state] || b.sequence - a.sequence;
}

function isFor(tenant: string | null, message: InboxMessage["message"]): boolean {
  return tenant === null || message.tenant === tenant;
}

/** withTexts returns the message with each text that people read changed. */
function withTexts(
  { message, thread, ...rest }: InboxMessage,
  change: (text: string) => string,
  stays: (quote: Quote) => boolean,
): InboxMessage {
  return {
    ...rest,
    message: {
      ...message,
      preview: change(message.preview),
      title: change(message.title),
      command: message.command === null ? null : change(message.command),
      lines: message.lines.map(change),
      quotes: message.quotes
        .filter(stays)
        .map(({ title, text, ...quote }) => ({ ...quote, title: change(title), text: change(text) })),
      fields: message.fields.map(({ label, value }) => ({ label: change(label), value: change(value) })),
      context: message.context.map(change),
      links: message.links.map(({ label, url }) => ({ label: change(label), url })),
    },
    thread: thread.map((line) => ({ ...line, text: change(line.text) })),
  };
}

/** The incident's id where it is safe as a file name, else a hash of it. */
function refOf(incident_id: string): string {
  if (/^[A-Za-z0-9_-]{1,100}$/.test(incident_id)) return incident_id;
  return `hash_${createHash("sha256").update(incident_id).digest("hex").slice(0, 32)}`;
}

function copyOf(message: Message): InboxMessage["message"] {
  return {
    ...message,
    lines: [...message.lines],
    quotes: message.quotes.map((quote) => ({ ...quote, call_ids: [...quote.call_ids] })),
    fields: message.fields.map((field) => ({ ...field })),
    context: [...message.context],
    links: message.links.map((link) => ({ ...link })),
    actions: message.actions.map((action) => ({
      ...action,
      choices: action.choices.map((choice) => ({ ...choice })),
    })),
  };
}

async function readFolder(dir: string): Promise<Map<string, InboxMessage>> {
  const messages = new Map<string, InboxMessage>();
  for (const name of await readdir(dir)) {
    if (name.endsWith(".part")) {
      // A write that a kill interrupted before its rename.
      await rm(join(dir, name), { force: true });
      continue;
    }
    if (!name.endsWith(".json")) continue;
    const parsed = StoredMessage.safeParse(parseJson(await readFile(join(dir, name), "utf8")));
    if (parsed.success && name === `${parsed.data.ref}.json`) messages.set(parsed.data.ref, parsed.data);
  }
  return messages;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function writeAtomically(dir: string, name: string, content: string): Promise<void> {
  const part = join(dir, `${name}.${randomBytes(4).toString("hex")}.part`);
  const file = await open(part, "w", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, join(dir, name));
  // The rename itself is durable once the folder is.
  const folder = await open(dir, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
