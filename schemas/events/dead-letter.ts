/**
 * A dead letter: the bytes of a record that could not become a row, with its own headers and, beside them, what is known
 * about it. A note that it was redriven is a record of the same topic, so that the topic alone says what was done.
 */

/** Headers that the writer adds to those of the original record. */
export const DEAD_LETTER_HEADERS = [
  "topic",
  "partition",
  "offset",
  "reason",
  "detail",
  "first_seen",
] as const;

/** Header of a letter whose record was larger than a dead letter may be: the record's size in bytes. The rest is gone. */
export const VALUE_BYTES = "value_bytes";

/** Headers of a record that was appended to its topic again: which dead letter it was, and in which redrive. */
export const REDRIVEN_FROM = "redriven_from";
export const REDRIVE_ID = "redrive_id";
/** Header that marks a note; its value names who redrove. Its value has no bytes. */
export const REDRIVEN_BY = "redriven_by";

/** `<topic>/<partition>/<offset>` of the original record: the same record, the same id, however often it was set aside. */
export function deadLetterId(headers: Readonly<Record<string, string>>): string | null {
  const { topic, partition, offset } = headers;
  if (topic === undefined || !isIndex(partition) || !isIndex(offset)) return null;
  return `${topic}/${partition}/${offset}`;
}

/** The offset that a redriven record had in its own partition; null for other records. */
export function redrivenOffset(
  { partition, headers }: { readonly partition: number; readonly headers: Readonly<Record<string, string>> },
  topic: string,
): number | null {
  const [, offset] = (headers[REDRIVEN_FROM] ?? "").split(`${topic}/${partition}/`);
  return isIndex(offset) ? Number(offset) : null;
}

function isIndex(text: string | undefined): text is string {
  return text !== undefined && /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text));
}
