/** The JSON Schemas that editors check people's files with, generated from the zod schemas: one source of truth. */
import { z } from "zod";
import { ConfigFile } from "./config.ts";
import { EvalCase } from "./eval-case.ts";
import { PolicyFile } from "./policy.ts";
import { PromptFrontMatter } from "./prompt.ts";
import { RubricFile } from "./rubric.ts";

const FILES: Readonly<Record<string, { readonly title: string; readonly schema: z.ZodType }>> = {
  "prompt.schema.json": { title: "Front matter of a Plumbline .prompt file", schema: PromptFrontMatter },
  "eval-case.schema.json": { title: "One line of a Plumbline eval set", schema: EvalCase },
  "policy.schema.json": { title: "A Plumbline policy file", schema: PolicyFile },
  "rubric.schema.json": { title: "A Plumbline rubric file", schema: RubricFile },
  "config.schema.json": { title: "plumbline.config", schema: ConfigFile },
};

/** File name to text, in a fixed order. Describes what people write, before defaults and units are worked out. */
export function jsonSchemas(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(FILES).map(([file, { title, schema }]) => {
      const generated = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
      return [file, `${JSON.stringify({ title, ...generated }, null, 2)}\n`];
    }),
  );
}
