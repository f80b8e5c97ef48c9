/**
 * An application with our emitter. Prints what was acknowledged, a line each time it changes, until it is killed.
 *
 *   emitter-process.ts <collector url> <app>
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createEmitter } from "@plumbline/emitter";

const [, , url = "", app = ""] = process.argv;
const emitter = createEmitter({ url, app });
for (let printed = -1; ; await sleep(5)) {
  for (let n = 0; n < 5; n++) {
    emitter.emit({
      use_case: "oracle-emitter",
      prompt_version: "v1",
      model: "m",
      status: "ok",
      latency_ms: 1,
      input: "a",
      output: "b",
    });
  }
  const { emitted, acknowledged } = emitter.stats();
  if (acknowledged !== printed) process.stdout.write(`emitted ${emitted} acknowledged ${acknowledged}\n`);
  printed = acknowledged;
}
