import { LogError } from "./errors.ts";
import type { Gap } from "./event-log.ts";

/**
 * The `onGap` of a reader that can't go on without every record.
 *
 * @throws LogError `topic_mismatch`, which ends the reader
 */
export async function refuseGap({ topic, partition, from, to, detail }: Gap): Promise<never> {
  throw new LogError("topic_mismatch", `${topic}/${partition} has no records ${from} to ${to}: ${detail}`, {
    retryable: false,
  });
}
