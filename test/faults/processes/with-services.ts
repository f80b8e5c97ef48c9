import type { ScenarioRun } from "../scenario.ts";
import type { TestedProcess } from "./process.ts";
import type { Production, ServiceName } from "./production.ts";
import { stop } from "./supervise.ts";

export type Environments = Partial<Record<ServiceName, Readonly<Record<string, string>>>>;

/** Runs services, each once, around a scenario; at its end each must stop cleanly. */
export async function withServices<Name extends ServiceName>(
  run: ScenarioRun,
  production: Production,
  names: readonly Name[],
  body: (running: Readonly<Record<Name, TestedProcess>>) => Promise<void>,
  environments: Environments = {},
): Promise<void> {
  const running = await Promise.all(
    names.map(async (name) => {
      const service = production.service(name, environments[name]);
      const started = service.start();
      await service.serves(started);
      return [name, started] as const;
    }),
  );
  try {
    await body(Object.fromEntries(running) as Record<Name, TestedProcess>);
    for (const [, started] of running) await stop(started, run.tally);
  } finally {
    for (const [, started] of running) started.send("SIGKILL");
  }
}
