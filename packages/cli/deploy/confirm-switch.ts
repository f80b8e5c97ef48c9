/** Waits until the calls that clients report prove a rollback, and says what they prove. */
import type { CommandContext } from "../shell/command.ts";
import { CommandFailure } from "../shell/failure.ts";
import { createProgress } from "../shell/progress.ts";
import type { SqlEndpoint } from "../sql/sql-endpoint.ts";
import { count } from "../text/spoken.ts";
import { readServedCalls, type ServedCalls, type Switch } from "./served-calls.ts";

const LOOK_MS = 500;

interface Confirmation {
  /**
   * `served_calls`: clients serve the new version. `registry_only`: no calls could be read, or there were none.
   * `not_confirmed`: some were served with the old version, or too few came to say.
   */
  readonly confirmed_by: "served_calls" | "registry_only" | "not_confirmed";
  /** Null when the calls could not be read. */
  readonly served: ServedCalls | null;
}

interface WaitOptions {
  readonly callsNeeded: number;
  readonly waitMs: number;
}

/** @param sql null when nobody said where calls can be read */
export async function confirmSwitch(
  sql: SqlEndpoint | null,
  move: Switch,
  { callsNeeded, waitMs }: WaitOptions,
  context: CommandContext,
): Promise<Confirmation> {
  if (sql === null) {
    context.warn(
      "Only the registry confirmed it: nobody said where calls can be read. Give --sql or PLUMBLINE_SQL_URL to have it measured.",
    );
    return { confirmed_by: "registry_only", served: null };
  }
  const { clock, io } = context;
  const progress = createProgress(io.stderr, () => clock.now());
  const until = clock.now() + waitMs;
  try {
    for (;;) {
      const served = await readServedCalls(sql, move, callsNeeded);
      progress.update(
        Math.min(served.new_calls, callsNeeded - (served.is_confirmed ? 0 : 1)),
        callsNeeded,
        `${count(served.new_calls, "call")} of the new version, ${served.old_calls} of the old`,
      );
      if (served.is_confirmed) return { confirmed_by: "served_calls", served };
      if (clock.now() >= until) {
        const isSilent = served.clients_switched + served.clients_behind === 0;
        return { confirmed_by: isSilent ? "registry_only" : "not_confirmed", served };
      }
      await clock.sleep(LOOK_MS, io.signal);
      io.signal.throwIfAborted();
    }
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    context.warn(`Only the registry confirmed it: ${error.message}`);
    return { confirmed_by: "registry_only", served: null };
  } finally {
    progress.end();
  }
}

/** What the calls say, one sentence. @param names how the two versions are called, such as v2 and v1 */
export function describeConfirmation(
  { confirmed_by, served }: Confirmation,
  names: { readonly oldName: string; readonly newName: string },
  { callsNeeded, waitMs }: WaitOptions,
): string {
  const { oldName, newName } = names;
  if (served === null) return "";
  const clients = `${served.clients_switched} of ${count(served.clients, "client")}`;
  if (confirmed_by === "served_calls") {
    const last =
      served.old_calls === 0
        ? `no call of ${oldName} began after the switch, the first of ${newName} ${seconds(served.first_new_call_ms ?? 0)} after it`
        : `the last call of ${oldName} began ${seconds(served.last_old_call_ms)} after the switch`;
    return `Confirmed by served calls: ${last}; ${count(served.new_calls, "call")} of ${newName} since, from ${clients}.`;
  }
  if (confirmed_by === "registry_only")
    return `No call was stored within ${seconds(waitMs)}: the registry serves ${newName}, but no client has shown it yet.`;
  if (served.is_followed)
    return `${clients} went over to ${newName}, but only ${count(served.new_calls, "call")} of ${newName} came within ${seconds(waitMs)}: fewer than the ${callsNeeded} that prove it.`;
  return `Not confirmed within ${seconds(waitMs)}: ${count(served.old_calls, "call")} of ${oldName} after the switch, the last one ${seconds(served.last_old_call_ms)} after it; ${served.new_calls} of ${newName}, from ${clients}.`;
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(2))} s`;
}
