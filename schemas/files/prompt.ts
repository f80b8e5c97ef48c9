/**
 * The front matter of a `.prompt` file (dotprompt). Keys of ours carry the prefix `plumbline.`, as dotprompt asks of
 * extensions, so that other dotprompt tools read the same file.
 *
 * A plain key that nobody knows is refused, because a misspelt `config` would change what is sent without a word;
 * a dotted key of somebody else's is left alone.
 */
import { z } from "zod";

/** The feature a prompt serves: lower-case words joined by dashes or dots. */
export const UseCase = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/,
    "must be lower-case letters, digits, dashes and dots, such as ticket-summary",
  );

/** A path inside the project: relative, forward slashes, no way out. */
export const ProjectPath = z
  .string()
  .min(1)
  .max(500)
  .regex(/^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[^\\]+$/, "must be a relative path inside the project");

/** Parameters of model calls that every provider takes as numbers. What else stands in `config` is passed on unseen. */
const NUMERIC_PARAMETERS = [
  "temperature",
  "top_p",
  "topP",
  "top_k",
  "topK",
  "max_tokens",
  "maxTokens",
  "max_output_tokens",
  "maxOutputTokens",
  "max_completion_tokens",
  "frequency_penalty",
  "presence_penalty",
  "seed",
] as const;

export const PromptFrontMatter = z
  .object({
    model: z
      .string()
      .min(1)
      .max(200)
      .describe("provider/model; dated names only change when you change them"),
    config: z
      .record(z.string(), z.json())
      .superRefine((config, context) => {
        for (const name of NUMERIC_PARAMETERS) {
          const value = config[name];
          if (value === undefined || value === null || typeof value === "number") continue;
          const message = `must be a number: ${name} is one wherever models are called`;
          context.addIssue({ code: "custom", path: [name], message });
        }
      })
      .default({})
      .describe("passed to the provider as it is: temperature, max_tokens, …"),
    input: z
      .object({
        schema: z
          .record(z.string(), z.json())
          .default({})
          .describe("variables in picoschema (`locale?: string`) or as a JSON Schema object"),
        default: z
          .record(z.string(), z.json())
          .default({})
          .describe("values of variables that are not given"),
      })
      .strict()
      .default({ schema: {}, default: {} }),
    output: z
      .object({
        format: z.enum(["text", "json"]).default("text"),
        schema: z.json().optional().describe("what a valid answer looks like, when the format is json"),
      })
      .strict()
      .default({ format: "text" }),
    name: z.string().optional().describe("dotprompt's own name; not used, the use case is"),
    description: z.string().max(2000).optional(),
    "plumbline.use_case": UseCase.optional().describe("default: the file's name without .prompt"),
    "plumbline.owner": z
      .string()
      .max(200)
      .regex(/\S/, "must not be blank")
      .optional()
      .describe("who answers for the prompt, such as team:support-platform"),
    "plumbline.eval": ProjectPath.optional().describe("the eval set, such as evals/ticket-summary.jsonl"),
    "plumbline.rubrics": z
      .array(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/))
      .max(20)
      .optional(),
    "plumbline.attributes": z
      .record(z.string(), z.string().max(300))
      .optional()
      .describe("named slices of the input: `regex:` and a pattern"),
  })
  .catchall(z.json());
export type PromptFrontMatter = z.output<typeof PromptFrontMatter>;

/** Keys without a dot that a `.prompt` file may have. */
export const PROMPT_KEYS: readonly string[] = Object.keys(PromptFrontMatter.shape);
