/** What was written in each registered version of a prompt, from the registry topic. */
import { type EventLog, type LogRecord, readEvent, readPages } from "@plumbline/ports";
import { REGISTRY_TOPIC, RegistryEvent, VersionRegisteredBody } from "@plumbline/schemas";

const READ_RECORDS = 1_000;
/** Newest versions that are remembered; older ones are no longer compared with. */
const VERSIONS_MAX = 2_000;

export class PromptTexts {
  readonly #log: Pick<EventLog, "read">;
  readonly #texts = new Map<string, string>();
  #next = 0;

  constructor(log: Pick<EventLog, "read">) {
    this.#log = log;
  }

  async refresh(): Promise<void> {
    const unread = { from: this.#next, recordsMax: READ_RECORDS };
    for await (const records of readPages(this.#log, REGISTRY_TOPIC, 0, unread)) {
      for (const record of records) {
        this.#next = record.offset + 1;
        this.#take(record);
      }
    }
  }

  /**
   * Words and symbols that one version has more often than the other, once each; empty when either is unknown, as where
   * prompts live outside of the registry.
   */
  changedWords(useCase: string, before: string, after: string): string {
    const old = this.#texts.get(keyOf(useCase, before));
    const now = this.#texts.get(keyOf(useCase, after));
    if (old === undefined || now === undefined) return "";
    const [left, right] = [countWords(old), countWords(now)];
    return [...new Set([...left.keys(), ...right.keys()])]
      .filter((word) => left.get(word) !== right.get(word))
      .join(" ");
  }

  #take(record: LogRecord): void {
    const event = readEvent(record, RegistryEvent);
    if (event?.type !== "version_registered" || event.prompt_version === null) return;
    const body = VersionRegisteredBody.safeParse(event.body);
    if (!body.success) return;
    const contents = body.data.document.messages.map((message) =>
      message.role === "history" ? "" : message.content,
    );
    this.#texts.set(keyOf(event.use_case, event.prompt_version), contents.join("\n"));
    if (this.#texts.size > VERSIONS_MAX) this.#texts.delete(this.#texts.keys().next().value!);
  }
}

function keyOf(useCase: string, version: string): string {
  return JSON.stringify([useCase, version]);
}

function countWords(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+|[\p{Sc}%]/gu))
    counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
