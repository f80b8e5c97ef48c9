import { HOUR_MS } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import { expect, test } from "vitest";
import { type DriftWindow, OpenWindow, type WidthHours } from "../counts/drift-window.ts";
import { LocalHours } from "../counts/local-hours.ts";
import { logBin } from "../counts/log-bins.ts";
import { ALL } from "../counts/version-memory.ts";
import { DriftSeries } from "./drift-series.ts";

const START = Date.parse("2026-02-09T00:00:00Z");
const WEEKS = 9;
const BERLIN = new LocalHours("Europe/Berlin");

/** Hours of a use case in Berlin: by night a job sends long texts about money, by day people send short ones. */
function* hours(calls: number): Generator<readonly [number, Map<number, number>, number]> {
  const hourIn = new Intl.DateTimeFormat("en-GB", {
    timeZone: "Europe/Berlin",
    hour: "2-digit",
    hourCycle: "h23",
  });
  const random = createRandom(7);
  for (let hour = START; hour < START + WEEKS * 7 * 24 * HOUR_MS; hour += HOUR_MS) {
    const local = Number(hourIn.format(hour));
    const isDay = local >= 8 && local < 20;
    const lengths = new Map<number, number>();
    let money = 0;
    for (let i = 0; i < calls; i++) {
      const bin = logBin(Math.exp((isDay ? 4 : 7) + 0.5 * random.normal()));
      lengths.set(bin, (lengths.get(bin) ?? 0) + 1);
      if (random.uniform() < (isDay ? 0.1 : 0.8)) money++;
    }
    yield [hour, lengths, money];
  }
}

test.each<{ widthHours: WidthHours; calls: number }>([
  { widthHours: 1, calls: 600 },
  { widthHours: 6, calls: 150 },
  { widthHours: 24, calls: 30 },
])("a clock change is no drift of windows of $widthHours h", ({ widthHours, calls }) => {
  const series = new DriftSeries();
  const flagged: string[] = [];
  let open: OpenWindow | null = null;
  const close = (window: DriftWindow): void => {
    if (window.start < START + 4 * 7 * 24 * HOUR_MS) return void series.closeWindow(window);
    for (const { feature } of series.closeWindow(window).flagged)
      flagged.push(`${feature} ${new Date(window.start).toISOString()}`);
  };
  for (const [hour, lengths, money] of hours(calls)) {
    if (open !== null && hour >= open.end) {
      close(open.close());
      open = null;
    }
    open ??= new OpenWindow(hour, widthHours, BERLIN);
    const version = {
      hour,
      version: "v1",
      calls: new Map([
        [ALL, calls],
        ["mentions_money", money],
      ]),
      features: new Map([[ALL, new Map()]]),
    };
    open.addHour([version], new Map([["in_chars", lengths]]), calls);
  }
  expect(flagged).toEqual([]);
});
