import { pino, type Logger } from "pino";
import { redactSecrets } from "./secrets.ts";

export type { Logger };

/**
 * JSON log on standard error: one wide line per unit of work. The message is a constant dotted name
 * (`writer.batch`), variables are fields named like columns. Never prompt or answer text; `call_id` is the pointer. A
 * secret of the configuration is blackened in whichever field it is.
 *
 * @param level `error` wakes someone, `warn` is looked at this week, `info` is the wide line
 */
export function createLogger(name: string, level: string): Logger {
  const destination = pino.destination({ dest: 2, sync: false });
  const redacting = { write: (line: string) => void destination.write(redactSecrets(line)) };
  return pino({ name, level, base: { name } }, redacting);
}
