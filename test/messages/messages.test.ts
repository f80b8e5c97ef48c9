/** Every alert of the backtests, read for what may not be in it; `npm run messages` prints them to be read aloud. */
import { renderMessage } from "@plumbline/alerts";
import { expect, test } from "vitest";
import { wordingProblems } from "../../alerts/message/wording.fixture.ts";
import { namesOf, readAlerts } from "./recorded.ts";

const alerts = readAlerts();
const settings = { runbooks_url: "https://example.com/runbooks", console_url: null };

test("there are alerts of several kinds, and of several states, to be read", () => {
  expect(alerts.length).toBeGreaterThan(10);
  expect([...new Set(alerts.map(({ state }) => state.detection.kind))].toSorted()).toEqual(
    expect.arrayContaining(["input_drift", "output_drift", "quality"]),
  );
});

test.each(alerts.map(({ run, state }, i) => ({ name: `${run} ${i + 1}: ${state.state}`, state })))(
  "no name of a metric, lone hash, unexplained term or sentence over 30 words: $name",
  ({ state }) => {
    const message = renderMessage(state, settings);
    expect(wordingProblems(message, namesOf(state))).toEqual([]);
    expect(message.preview.length).toBeLessThanOrEqual(250);
    expect(message.preview).toContain(`[${state.severity}`);
    expect(message.preview).toContain(`${state.detection.use_case}: `);
    if (state.state === "resolved") expect(message.command).toBeNull();
    else expect(message.preview).toContain(message.lines[0]!.split(". ")[0]!.replace(/\.$/, ""));
  },
);

test("the check finds what it is there for", () => {
  const { state } = alerts[0]!;
  const message = renderMessage(state, settings);
  const of = (line: string): string[] => wordingProblems({ ...message, lines: [line] });
  expect(of("out_masks went up.")).not.toEqual([]);
  expect(of("The PSI is large.")).not.toEqual([]);
  expect(of("It fell from 0 → 1.")).not.toEqual([]);
  expect(of("Since 09:15 UTC.")).not.toEqual([]);
  expect(of("Since 24 Nov, 09:15.")).not.toEqual([]);
  expect(of("Version 4f1c9a2b77d0 is worse.")).not.toEqual([]);
  expect(of(`${"word ".repeat(31)}.`)).not.toEqual([]);
  expect(of("Since 24 Nov, 09:15 UTC, on v15 (4f1c9a2b77d0).")).toEqual([]);
});
