/**
 * Prints every alert of the backtests as the people who get it read it.
 *
 *   npm run messages                 prints what was recorded
 *   npm run messages -- --record [file…]   replays the backtests' files first, some minutes; they lie beside the project
 */
import { renderMessage } from "@plumbline/alerts";
import { wordingProblems } from "../../alerts/message/wording.fixture.ts";
import { namesOf, readAlerts, recordIncidents } from "./recorded.ts";

const [flag, ...names] = process.argv.slice(2);
if (flag === "--record")
  await recordIncidents(names, (name, incidents) =>
    process.stderr.write(`${name}: ${incidents} incidents\n`),
  );

let problems = 0;
for (const { run, state } of readAlerts()) {
  const message = renderMessage(state, { runbooks_url: "https://example.com/runbooks", console_url: null });
  const { preview, title, command, lines, quotes, fields, context, links } = message;
  const [first, ...rest] = lines;
  const found = wordingProblems(message, namesOf(state));
  problems += found.length;
  process.stdout.write(
    [
      `── ${run}`,
      preview,
      "",
      title,
      ...[first, command, ...rest].filter((line) => line != null),
      ...quotes.map((quote) => `${quote.title}:\n${quote.text}`),
      ...fields.map(({ label, value }) => `${label}: ${value}`),
      ...context,
      ...links.map(({ label, url }) => `${label}: ${url}`),
      ...found.map((problem) => `!! ${problem}`),
      "",
      "",
    ].join("\n"),
  );
}
process.exitCode = problems === 0 ? 0 : 1;
