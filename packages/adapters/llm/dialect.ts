/** What an endpoint takes of a judge's request, learnt from its refusals, for one model. */
import { JUDGEMENT_SCHEMA } from "./judgement.ts";
import type { LlmProvider } from "./provider.ts";
import type { Refused } from "./wire.ts";

/** Each feature with what is tried, the best first. */
const LADDERS = {
  openai: {
    format: ["json_schema", "json_object", "text"],
    tokens: ["max_completion_tokens", "max_tokens", "none"],
    temperature: ["zero", "none"],
    system: ["system", "user"],
    cache: ["none"],
  },
  anthropic: {
    format: ["output_config", "tool", "text"],
    tokens: ["max_tokens"],
    temperature: ["zero", "none"],
    system: ["system"],
    cache: ["ephemeral", "none"],
  },
} as const;

type Feature = keyof (typeof LADDERS)["openai"];
const FEATURES: readonly Feature[] = ["format", "tokens", "temperature", "system", "cache"];
export type Dialect = Readonly<Record<Feature, string>>;

/** How a refusal names a feature, in a field or in words. The most specific words first. */
const NAMES: readonly (readonly [Feature, RegExp])[] = [
  ["temperature", /\btemperature\b/i],
  ["cache", /\bcache_control\b/i],
  ["tokens", /\bmax_(?:completion_)?tokens\b/i],
  [
    "format",
    /\b(?:response_format|output_config|output_format|json_schema|json_object|structured outputs?|json mode|tool_choice|tools?|additionalProperties)\b/i,
  ],
  ["system", /\b(?:system|developer) (?:role|message|prompt|instruction)s?\b|\brole.{0,20}system\b/i],
];

export function bestDialect(style: LlmProvider["style"]): Dialect {
  return mapFeatures((feature) => LADDERS[style][feature][0]);
}

/** The feature that the refusal names, in its own field rather than in its words; null when it names none. */
export function namedFeature({ param, words }: Refused): Feature | null {
  return featureIn(param ?? "") ?? featureIn(words);
}

function featureIn(words: string): Feature | null {
  return NAMES.find(([, name]) => name.test(words))?.[0] ?? null;
}

/** The dialect with the next way of one feature; null when there is none left. */
export function stepDown(style: LlmProvider["style"], dialect: Dialect, feature: Feature): Dialect | null {
  const ladder: readonly string[] = LADDERS[style][feature];
  const next = ladder[ladder.indexOf(dialect[feature]) + 1];
  return next === undefined ? null : { ...dialect, [feature]: next };
}

/** Every dialect with one feature given up, each way of it, and at last the one with all of them given up. */
export function simplerDialects(style: LlmProvider["style"], dialect: Dialect): readonly Dialect[] {
  const single = FEATURES.flatMap((feature) => {
    const ladder: readonly string[] = LADDERS[style][feature];
    return ladder.slice(ladder.indexOf(dialect[feature]) + 1).map((way) => ({ ...dialect, [feature]: way }));
  });
  return single.length === 0 ? [] : [...single, mapFeatures((feature) => LADDERS[style][feature].at(-1)!)];
}

/** What was learnt by one request, applied to what others learnt meanwhile. */
export function learn(known: Dialect, asked: Dialect, answered: Dialect): Dialect {
  return mapFeatures((feature) => (answered[feature] === asked[feature] ? known : answered)[feature]);
}

function mapFeatures(way: (feature: Feature) => string): Dialect {
  return {
    format: way("format"),
    tokens: way("tokens"),
    temperature: way("temperature"),
    system: way("system"),
    cache: way("cache"),
  };
}

export interface Question {
  readonly model: string;
  /** The same for every call of a rubric, so that providers can cache it. */
  readonly system: string;
  readonly turns: readonly { readonly role: "user" | "assistant"; readonly content: string }[];
  readonly outputTokensMax: number;
}

const TOOL = "return_judgement";

export function bodyOf(style: LlmProvider["style"], question: Question, dialect: Dialect): object {
  return style === "openai" ? openAiBody(question, dialect) : anthropicBody(question, dialect);
}

function openAiBody({ model, system, turns, outputTokensMax }: Question, dialect: Dialect): object {
  const [first, ...rest] = turns;
  const messages =
    dialect.system === "system"
      ? [{ role: "system", content: system }, ...turns]
      : [{ role: "user", content: `${system}\n\n${first?.content ?? ""}` }, ...rest];
  return {
    model,
    messages,
    ...(dialect.tokens === "none" ? {} : { [dialect.tokens]: outputTokensMax }),
    ...(dialect.temperature === "zero" && { temperature: 0 }),
    ...(dialect.format === "json_schema" && {
      response_format: {
        type: "json_schema",
        json_schema: { name: "judgement", strict: true, schema: JUDGEMENT_SCHEMA },
      },
    }),
    ...(dialect.format === "json_object" && { response_format: { type: "json_object" } }),
  };
}

function anthropicBody({ model, system, turns, outputTokensMax }: Question, dialect: Dialect): object {
  return {
    model,
    max_tokens: outputTokensMax,
    ...(dialect.temperature === "zero" && { temperature: 0 }),
    system: [
      {
        type: "text",
        text: system,
        ...(dialect.cache === "ephemeral" && { cache_control: { type: "ephemeral" } }),
      },
    ],
    messages: turns,
    ...(dialect.format === "output_config" && {
      output_config: { format: { type: "json_schema", schema: JUDGEMENT_SCHEMA } },
    }),
    ...(dialect.format === "tool" && {
      tools: [{ name: TOOL, description: "Returns the judgement.", input_schema: JUDGEMENT_SCHEMA }],
      tool_choice: { type: "tool", name: TOOL },
    }),
  };
}
