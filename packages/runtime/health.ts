/**
 * What a process says about itself. A *check* answers with a sentence whether one thing holds; `/livez` asks the checks
 * of liveness, `/readyz` those of readiness, and the metric `ready` shows the latter.
 */

interface Finding {
  readonly ok: boolean;
  /** A sentence for people: what was looked at, or what is wrong and what to do. Never a secret, never a text. */
  readonly message: string;
}

export type Check = () => Finding | Promise<Finding>;
/** Checks by name, such as `log` or `topic.plumbline.calls`. */
export type Checks = Readonly<Record<string, Check>>;

export interface Health {
  /** Whether the process should be started anew: asks nothing outside of it. */
  readonly liveness?: Checks;
  /** Whether it does its work: what it accepts is stored, what it must do succeeds. */
  readonly readiness?: Checks;
}

export interface Examination {
  readonly ok: boolean;
  readonly checks: Readonly<Record<string, Finding>>;
}

export function ok(message: string): Finding {
  return { ok: true, message };
}

export function notOk(message: string): Finding {
  return { ok: false, message };
}

/** Longest wait for one check, ms: shorter than the usual probe timeout of an orchestrator. */
const CHECK_TIMEOUT_MS = 900;

/** Asks every check at once. One that throws, or does not answer in time, has failed. */
export async function examine(checks: Checks, timeoutMs = CHECK_TIMEOUT_MS): Promise<Examination> {
  const found = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await outcomeOf(check, timeoutMs)] as const),
  );
  return { ok: found.every(([, finding]) => finding.ok), checks: Object.fromEntries(found) };
}

/** The checks of several services under one roof, each with the service's name before it: `writer.log`. */
export function gatherChecks(
  services: readonly { readonly name: string; readonly health?: Health }[],
  kind: keyof Health,
): Checks {
  return Object.fromEntries(
    services.flatMap(({ name, health }) =>
      Object.entries(health?.[kind] ?? {}).map(([check, ask]) => [`${name}.${check}`, ask] as const),
    ),
  );
}

/** Checks that have not answered yet: whoever asks meanwhile waits for the same answer, so that asking costs nothing more. */
const running = new WeakMap<Check, Promise<Finding>>();

function ask(check: Check): Promise<Finding> {
  const known = running.get(check);
  if (known !== undefined) return known;
  const asked = (async () => check())()
    .catch((error: unknown) => notOk(error instanceof Error ? error.message : "failed"))
    .finally(() => running.delete(check));
  running.set(check, asked);
  return asked;
}

async function outcomeOf(check: Check, timeoutMs: number): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => resolve(notOk(`no answer in ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([ask(check), limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** A loop that has not turned for this long has stopped: every loop here turns at least once a minute, outages included. */
const STALLED_MS = 5 * 60_000;

/** The pulse of one loop. It beats at every turn, also at one that finds nothing to do or fails and will try again. */
export class Heartbeat {
  readonly #stalledMs: number;
  #beatAt = performance.now();

  constructor(stalledMs = STALLED_MS) {
    this.#stalledMs = stalledMs;
  }

  beat(): void {
    this.#beatAt = performance.now();
  }

  /** Liveness of the loop. */
  readonly check: Check = () => {
    const age = Math.round((performance.now() - this.#beatAt) / 1_000);
    return performance.now() - this.#beatAt <= this.#stalledMs
      ? ok(`turned ${age} s ago`)
      : notOk(`has not turned for ${age} s`);
  };
}
