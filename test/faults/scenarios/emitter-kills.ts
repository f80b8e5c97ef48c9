import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startProcess, until, untilStill } from "../processes/process.ts";
import { withServices } from "../processes/with-services.ts";
import { exitWithin } from "../processes/supervise.ts";
import type { Scenario } from "../scenario.ts";

const SCRIPT = fileURLToPath(new URL("../senders/emitter-process.ts", import.meta.url));
/** An emitter's queue holds no more; what it had not sent dies with it. */
const QUEUE_MAX = 10_000;

export const emitterKills: Scenario = {
  faults: "F3",
  name: "emitter-kills",
  runsOn: "production",
  injects: "kill -9 of applications in the middle of sending",
  holds: "what the emitter had counted as acknowledged is stored once; what is missing was in its queue",
  isInShortForm: false,
  async run(run) {
    const production = await run.production();
    const { urls, store } = production;
    await withServices(run, production, ["collector", "writer"], async () => {
      for (let kill = 0; kill < run.size(8, 2); kill++) {
        const app = `oracle-emitter-${kill}-${Date.now()}`;
        const emitter = startProcess("emitter", [
          "--conditions=source",
          "--import",
          "tsx",
          SCRIPT,
          urls.collector,
          app,
        ]);
        await until("something is acknowledged", () => /acknowledged [1-9]/.test(emitter.output()), 60_000);
        await sleep(run.random.integer(1_500));
        emitter.send("SIGKILL");
        await exitWithin(emitter, 5_000);
        run.tally.kill("emitter", "SIGKILL", "serving");
        const [, emitted, acknowledged] =
          [...emitter.output().matchAll(/emitted (\d+) acknowledged (\d+)/g)].at(-1)?.map(Number) ?? [];
        const stored = async (): Promise<number> =>
          (
            await store.numbers<"stored">(
              `SELECT uniqExact(call_id) AS stored FROM plumbline_raw.calls WHERE app = '${app}'`,
            )
          ).stored;
        await untilStill(stored, acknowledged ?? 0);
        const kept = await stored();
        run.count("emitter_acknowledged", acknowledged ?? 0);
        run.require(
          kept >= (acknowledged ?? 0),
          `${kept} of ${acknowledged} calls that ${app} had counted are stored`,
        );
        run.require(
          (emitted ?? 0) - kept <= QUEUE_MAX,
          `${app} lost more than a queue: ${emitted} emitted, ${kept} stored`,
        );
      }
    });
  },
};
