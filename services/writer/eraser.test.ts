import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createErasureFollower } from "@plumbline/erasure";
import { writeEvent } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { ERASURES_TOPIC } from "@plumbline/schemas";
import { expect, test } from "vitest";
import { createEraser } from "./eraser.ts";

const REQUEST = {
  type: "requested",
  erasure_id: "0198f3a0-0000-4000-8000-00000000000e",
  tenant: "default",
  kind: "conversation",
  subject_hash: "a".repeat(64),
  is_dry_run: true,
  at: "2026-03-01T12:00:00.000Z",
  actor: "ann",
} as const;

test("an erasure that fails is said in the readiness until it succeeds, without a word of the error's text", async () => {
  const clock = { ...systemClock, sleep: () => systemClock.sleep(1) };
  const log = createMemoryEventLog({ clock });
  await log.append(ERASURES_TOPIC, [{ key: REQUEST.erasure_id, value: writeEvent(REQUEST) }]);
  let isStoreBroken = true;
  const eraser = createEraser({
    log,
    store: {
      findCallsToErase: () =>
        isStoreBroken ? Promise.reject(new TypeError("words of a customer")) : Promise.resolve([]),
      findNamesToErase: () => Promise.resolve([]),
      rewriteIncidents: () => Promise.resolve(0),
      countTexts: () => Promise.resolve({ call_payloads: 0, calls: 0, verdicts: 0, feedback: 0 }),
      eraseTexts: () => Promise.resolve({ call_payloads: 0, calls: 0, verdicts: 0, feedback: 0 }),
    },
    erasures: createErasureFollower(log, clock),
    rewriteLog: null,
    clock,
    logger: createLogger("test", "silent"),
  });
  const light = (): unknown => eraser.health?.readiness?.["requests"]?.();
  expect(light()).toEqual({ ok: true, message: "no erasure fails" });
  const stop = new AbortController();
  const running = eraser.run(stop.signal);
  await expect
    .poll(light)
    .toEqual({ ok: false, message: `erasure ${REQUEST.erasure_id} fails and is tried again: TypeError` });
  isStoreBroken = false;
  await expect.poll(light).toEqual({ ok: true, message: "no erasure fails" });
  stop.abort();
  await running;
});
