import { expect, test } from "vitest";
import { summaryHour } from "./count-calls.fixture.ts";
import { UseCaseMeasures } from "./use-case-measures.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START = Date.parse("2026-03-02T00:00:00Z");
const DEPLOY_DAY = 8;

/** v1 for eight days, then v2 until `days`, six hours a day. */
function run(days: number, isMasked: (day: number) => boolean): UseCaseMeasures {
  const measures = new UseCaseMeasures();
  for (let day = 0; day < days; day++) {
    for (let hour = 0; hour < 6; hour++) {
      const at = START + day * DAY_MS + hour * HOUR_MS;
      const own = summaryHour(at, day < DEPLOY_DAY ? "v1" : "v2", isMasked(day));
      measures.addHour({
        hour: at,
        versions: [own],
        inputs: new Map(),
        outcomes: new Map(),
        responseModels: new Map(),
      });
    }
    measures.closeUntil(START + (day + 1) * DAY_MS);
  }
  return measures;
}

test.each([
  { name: "while they differ, well past two weeks", days: 30, until: 99, isFlagged: true, isWatched: true },
  { name: "until they are as before", days: 22, until: 15, isFlagged: false, isWatched: true },
  { name: "for two weeks when they do not differ", days: 30, until: 0, isFlagged: false, isWatched: false },
])(
  "outputs of a new version are held against the incumbent's $name",
  ({ days, until, isFlagged, isWatched }) => {
    const { watch, self } = run(days, (day) => day >= DEPLOY_DAY && day < until);
    expect(watch).toMatchObject({ version: "v2", incumbent: "v1" });
    expect((watch?.fingerprint?.flagged() ?? []).length > 0).toBe(isFlagged);
    expect(watch?.fingerprint != null).toBe(isWatched);
    // Against its own past only once the deploy is over.
    expect(self?.version).toBe(isWatched ? "v1" : "v2");
  },
);
