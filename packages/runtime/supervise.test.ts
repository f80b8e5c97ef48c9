import { expect, test } from "vitest";
import { supervise } from "./supervise.ts";
import { untilAborted } from "./until-aborted.ts";

class Away extends Error {}

/** Runs the turns one after another, each null or its fault, and then stops. */
async function run(turns: readonly (Error | null)[]) {
  const stop = new AbortController();
  const waits: number[] = [];
  const said: string[] = [];
  let at = 0;
  const running = supervise(
    async () => {
      const fault = turns[at++];
      if (at === turns.length) stop.abort();
      if (fault != null) throw fault;
    },
    {
      clock: { sleep: async (ms) => void waits.push(ms) },
      signal: stop.signal,
      everyMs: 100,
      waitMsMax: 500,
      isRetryable: (error) => error instanceof Away,
      onFailed: (_error, failures) => said.push(`failed ${failures}`),
      onRecovered: (failures) => said.push(`recovered after ${failures}`),
    },
  );
  const fault = await running.then(
    () => null,
    (error: unknown) => error,
  );
  return { waits, said, fault, turns: at };
}

test("a turn follows another after the period, after failures ever later up to the limit", async () => {
  const away = new Away();
  const { waits, said } = await run([null, away, away, away, null, null]);
  expect(waits).toEqual([100, 200, 400, 500, 100, 100]);
  expect(said).toEqual(["failed 1", "failed 2", "failed 3", "recovered after 3"]);
});

test("a fault that does not pass by itself ends the loop", async () => {
  const defect = new Error("a defect");
  expect(await run([null, defect, null])).toMatchObject({ fault: defect, turns: 2 });
});

test("a fault of the turn that the stop ended is none", async () => {
  expect(await run([new Error("cut off")])).toMatchObject({ fault: null, said: [], waits: [] });
});

test("a wait for a stop ends also when it came before", async () => {
  const stop = new AbortController();
  const waiting = untilAborted(stop.signal);
  stop.abort();
  await waiting;
  await untilAborted(stop.signal);
});
