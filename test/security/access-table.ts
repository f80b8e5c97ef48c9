/** docs/reference/access.md, from what the routes declare. */
import { KEY_RATES } from "@plumbline/access";
import type { Route } from "@plumbline/runtime/http";
import { SCOPES } from "@plumbline/schemas";
import { USE_CASES_PER_KEY_MAX } from "@plumbline/services/collector/use-case-limit";
import { samplesOf } from "./access-samples.ts";

const MIB = 1_048_576;

export function renderAccessTable(servers: Readonly<Record<string, readonly Route[]>>): string {
  const samples = samplesOf("<version>", "<key>");
  const sections = Object.entries(servers).map(([server, routes]) => {
    const rows = routes.map(({ method, path, access }) => {
      const sample = samples[`${method} ${path}`];
      const other = sample === undefined ? "answered" : `${sample.other}: ${sample.otherMeans}`;
      return `| \`${method} ${path}\` | ${access === "public" ? "none" : `\`${access}\``} | ${other} |`;
    });
    return `## ${server}\n\n| Route | Scope | A key of another tenant |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  const rates = SCOPES.map((scope) => {
    const { requests_per_second, requests_burst, bytes_per_second, bytes_burst } = KEY_RATES[scope];
    return `| \`${scope}\` | ${requests_per_second} | ${requests_burst} | ${bytes_per_second / MIB} | ${bytes_burst / MIB} |`;
  }).join("\n");
  return `# Who may ask what

Generated from the routes by \`npm run docs:access\`; \`test/security/access-matrix.test.ts\` asks every route with every kind
of key and compares. Scope \`admin\` implies the others. A route with scope none answers everybody who reaches the server;
\`POST /slack/actions\` asks for the signature of Slack in place of a key.

| Sent | Answer of a route with a scope |
| --- | --- |
| no key, an unknown, expired or revoked one | 401 \`unauthorized\`, with the scope that is needed, or since when the key holds no more |
| a key without the scope | 403 \`forbidden\`, with the scope that is missing |
| a key over its rate | 429 \`rate-limited\` with \`Retry-After\` |
| any key before the keys were read from the log | 503 \`keys-unknown\` with \`Retry-After\` |
| the right key | what the route does |

## Limits of each key

| Scope | Requests a second | at once after a rest | MiB of bodies a second | at once after a rest |
| --- | --- | --- | --- | --- |
${rates}

A key names at most ${USE_CASES_PER_KEY_MAX} use cases a day in calls and feedback; events with more are refused, field \`use_case\`.
Each process counts for itself.

The read-only SQL port of local mode is no part of this table: it asks for no key and listens on loopback alone.

${sections.join("\n")}`;
}
