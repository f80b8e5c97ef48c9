/** The page `docs/understand/degradation.md`: words, and the tables of `paths.ts`. */
import type { FailureName } from "@plumbline/scripted-provider";
import {
  type Extent,
  expectedPath,
  type Expected,
  FAILURE_GROUPS,
  type Group,
  type ShapeName,
  SHAPES,
} from "./paths.ts";

const EXTENTS: Readonly<Record<Extent, string>> = {
  once: "the first request fails",
  always: "every request to the prompt's own model fails",
  everywhere: "every request to any model fails",
};

const GROUPS: Readonly<Record<Group, { readonly title: string; readonly treated: string }>> = {
  transient: {
    title: "Failures that pass",
    treated:
      "a retry with full jitter inside the deadline, after `Retry-After` where the provider names a time; then fallback models, an old answer, the template",
  },
  wait_too_long: {
    title: "Waits that do not fit the deadline",
    treated: "no retry: fallback models at once, then an old answer, the template",
  },
  invalid: {
    title: "Answers that may not be returned",
    treated:
      "`on_invalid_output` in its order; an old answer only where it is listed. The text is neither returned nor kept. So are answers that a validator refuses",
  },
  client_error: {
    title: "Requests that are wrong",
    treated: "thrown to the caller as they are: another model would not mend them",
  },
};

/** One example of each group: all failures of a group take the same path. */
const EXAMPLES: readonly (readonly [Exclude<Group, "client_error">, FailureName])[] = [
  ["transient", "server_error"],
  ["wait_too_long", "rate_limited_too_long"],
  ["invalid", "refusal"],
];

const INTRODUCTION = `# What happens when the model fails

A policy says what a call does when its model times out, is rate-limited, breaks or answers rubbish. \`client.withPolicy\` executes
it: one deadline, one loop of retries, fallback models, an old answer, the template. One event tells of the call, with its path and
every request made. Written by \`npm run docs:degradation\` from \`test/degradation/paths.ts\`; \`test/degradation/matrix.test.ts\` forces
every failure below under every policy below, over HTTP and on each of the three APIs, and holds the client to these tables.

## The rungs

| Path | Who answers | Tries |
| --- | --- | --- |
| \`cached_exact\`, \`cached_semantic\` | the cache, before anybody is asked | – |
| \`primary\` | the prompt's own model | one |
| \`retry\` | the same model again | \`retry.max\` |
| \`fallback_model\` | \`fallback_models\` in their order | one each |
| \`stale\` | the cache, with an answer up to \`cached.max_stale\` old | one |
| \`template\` | the application's function, else the policy's text | one |
| \`error\` | nobody: \`CallFailedError\` with \`reason\` and \`attempts\` | – |

## What counts as which failure
`;

const REST = `## What holds besides

- **One deadline.** \`deadline_ms\` is the whole call's, waits included. An attempt gets \`attempt_timeout_ms\` or what is left, whichever is
  less. The last 5%, at most 100 ms, are kept for an old answer and the template. Code that ignores its signal is not waited for, and a
  validator that does not come back refuses the text.
- **A model that hangs takes nobody's time.** Each fallback model keeps \`attempt_timeout_ms\` until its turn, all of them together at
  most half of the deadline; the prompt's own model, its retries and waits have the rest. \`plumbline lint\` says where that is less
  than half of an attempt.
- **One loop of retries.** Hand \`maxRetries: 0\` to the SDK: retries inside retries multiply.
- **Breakers.** Per model (or provider), shared by all calls of a client: open when \`failures\` requests within \`window_ms\` failed and no more
  succeeded; after \`open_ms\` one call goes through as a trial. What was asked before it opened neither closes it nor ends a trial, and
  a timeout after less than half of an attempt's time counts for nothing. A model behind an open breaker, or switched off for the fleet, is not
  asked: it stands among the attempts as \`breaker_open\` or \`switched_off\`, with 0 ms.
- **An account that is used up** is not asked again: where the error that was thrown says so (\`insufficient_quota\`, \`billing_error\` and the
  like under 429), the next rung answers at once.
- **Streams** (\`streamWithPolicy\`) fall back before the first text and not after it: then the error is thrown where the text is read, and
  the event says \`error_type: partial\`. Deadline and attempt are those of the first text; between two texts \`attempt_timeout_ms\` may pass.
- **The cache** keeps valid answers of \`cached.only_from_paths\` only, and serves nobody a call that lacks an attribute of \`cache.vary\`.
  Who asks the same meanwhile gets the same answer, as long as its own deadline and caller allow; when that one fails or is aborted,
  everybody goes their own way.
- **Evidence.** Answers of a fallback model, old answers and templates say nothing about the prompt version: they are counted by path,
  and not judged as its quality.
- **Where it can't see.** Without an instrumented \`fetch\`, an answer under status 200 that is an error, a refusal or withheld looks like
  any text: \`validate\` has to find it.
- **\`inject\`** forces a failure of the prompt's own model without asking it, or with \`scope: "all"\` of every model; events say \`injected\`.
`;

export function degradationPage(): string {
  return [
    INTRODUCTION,
    failureTable(),
    ...EXAMPLES.map(([group, failure]) => pathTable(group, failure)),
    REST,
  ].join("\n");
}

function failureTable(): string {
  const rows = (Object.keys(GROUPS) as Group[]).flatMap((group) =>
    Object.entries(FAILURE_GROUPS)
      .filter(([, each]) => each.group === group)
      .map(
        ([name, { status, means }]) => `| \`${name}\` | ${means} | ${GROUPS[group].title} | \`${status}\` |`,
      ),
  );
  const treated = Object.values(GROUPS).map(({ title, treated: how }) => `- **${title}**: ${how}.`);
  return [
    "| Failure | | Kind | Status of the attempt |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
    ...treated,
    "",
  ].join("\n");
}

function pathTable(group: Exclude<Group, "client_error">, failure: FailureName): string {
  const rows = (Object.keys(SHAPES) as ShapeName[]).map((shape) => {
    const cells = (Object.keys(EXTENTS) as Extent[]).map((extent) =>
      cell(expectedPath(failure, shape, extent)),
    );
    return `| ${SHAPES[shape].means} | ${cells.join(" | ")} |`;
  });
  return [
    `## ${GROUPS[group].title}`,
    "",
    "Which rung answers, and in brackets which requests are made on the way.",
    "",
    `| The policy has | ${Object.values(EXTENTS).join(" | ")} |`,
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

function cell({ path, asked }: Expected): string {
  return `**${path}** (${asked.join(", ")})`;
}
