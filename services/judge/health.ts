/** What the judge says about itself: whether it gets on with its work list, and whether its model answers. */
import { Heartbeat, notOk, ok, type Health } from "@plumbline/runtime/health";
import { count, setGauge } from "@plumbline/runtime/metrics";
import { counted, VERDICT_STATES } from "@plumbline/schemas";
import type { BatchCounts } from "./batch-counts.ts";

export class JudgeHealth {
  readonly #loop = new Heartbeat();
  /** What the work waits for, such as the store; null while it goes on. */
  #waitsFor: { readonly step: string; readonly message: string } | null = null;
  #outage: { readonly failures: number; readonly message: string } | null = null;
  #pending: number | null = null;
  #queueAgeMs = 0;

  readonly health: Required<Health> = {
    liveness: { loop: this.#loop.check },
    readiness: {
      work: () => {
        if (this.#waitsFor !== null) return notOk(`${this.#waitsFor.step} fails: ${this.#waitsFor.message}`);
        if (this.#pending === null) return notOk("the work list was not read yet");
        if (this.#pending === 0) return ok("no call waits for a verdict");
        const age = Math.round(this.#queueAgeMs / 1_000);
        return ok(`${counted(this.#pending, "call")} waited at the last look, the oldest for ${age} s`);
      },
      model: () =>
        this.#outage === null
          ? ok("the model has not failed to answer")
          : notOk(`the model did not answer ${inARow(this.#outage.failures)}: ${this.#outage.message}`),
    },
  };

  constructor(rubrics: readonly { readonly name: string }[]) {
    for (const { name: rubric } of rubrics) {
      for (const outcome of [...VERDICT_STATES, "unreachable"])
        count("judge_requests_total", { rubric, outcome }, 0);
    }
    count("judge_cost_usd_total", {}, 0);
    count("judge_unpriced_total", {}, 0);
  }

  /** The loop turned: it looked, judged, waited or failed. */
  turned(): void {
    this.#loop.beat();
  }

  /** @param failure null when the step works */
  step(step: string, failure: string | null): void {
    if (failure !== null) this.#waitsFor = { step, message: failure };
    else if (this.#waitsFor?.step === step) this.#waitsFor = null;
  }

  /** @param oldestAgeMs of the pending calls that are this replica's; 0 when there are none */
  looked(pending: number, oldestAgeMs: number): void {
    this.#pending = pending;
    this.#queueAgeMs = oldestAgeMs;
    setGauge("judge_queue_age_seconds", {}, oldestAgeMs / 1_000);
  }

  answered(): void {
    this.#outage = null;
  }

  unreachable(rubric: string, failures: number, message: string): void {
    this.#outage = { failures, message };
    count("judge_requests_total", { rubric, outcome: "unreachable" });
  }

  judged({ byRubric, costUsd, unpriced }: BatchCounts): void {
    for (const [rubric, states] of byRubric) {
      for (const [outcome, times] of states) count("judge_requests_total", { rubric, outcome }, times);
    }
    count("judge_cost_usd_total", {}, costUsd);
    count("judge_unpriced_total", {}, unpriced);
  }
}

function inARow(failures: number): string {
  return failures === 1 ? "once" : `${failures} times in a row`;
}
