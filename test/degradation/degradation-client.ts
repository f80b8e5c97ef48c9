/** A client whose prompts and policy come from a bundle, and what it tells of its calls. */
import { createRecordingTransport, type RecordingTransport } from "@plumbline/emitter";
import type { AnswerCache } from "@plumbline/client/cache";
import { type Client, createClient } from "@plumbline/client/node";
import { promptVersion, type PromptDocument } from "@plumbline/prompts";

export const USE_CASE = "ticket-summary";
/** Nothing listens at port 1: what a test does without a registry, it does without one. */
const NOWHERE = "http://127.0.0.1:1";

export interface DegradationClient {
  readonly client: Client;
  readonly told: RecordingTransport;
  /** The hash of the prompt that is served. */
  readonly version: string;
}

export function degradationClient(
  policy: object | null,
  options: {
    readonly cache?: AnswerCache | undefined;
    /** Use case to what its prompt's system message says. */
    readonly otherPrompts?: Readonly<Record<string, string>>;
  } = {},
): DegradationClient {
  const told = createRecordingTransport();
  const main = documentOf(USE_CASE, "Summarise.");
  const others = Object.entries(options.otherPrompts ?? {}).map(
    ([useCase, system]) => [useCase, { live: [armOf(documentOf(useCase, system))] }] as const,
  );
  const client = createClient({
    app: "degradation-test",
    url: NOWHERE,
    fallbackAfterMs: 0,
    firstWaitMs: 50,
    onWarning: () => {},
    telemetry: { transport: told },
    cache: options.cache,
    bundle: {
      created_at: "2026-11-01T00:00:00.000Z",
      use_cases: {
        ...Object.fromEntries(others),
        [USE_CASE]: { live: [armOf(main)], ...(policy === null ? {} : { policy: { document: policy } }) },
      },
    },
  });
  return { client, told, version: promptVersion(main) };
}

function documentOf(useCase: string, system: string): PromptDocument {
  return {
    use_case: useCase,
    model: "openai/gpt",
    config: {},
    messages: [
      { role: "system", content: system },
      { role: "user", content: "{{ticket}}" },
    ],
  };
}

function armOf(document: PromptDocument): object {
  return { prompt_version: promptVersion(document), number: 1, weight: 1, document };
}
