import { httpUrl } from "@plumbline/runtime/process/process-config";
import { z } from "zod";

/** Environment of the command line, beside the project's configuration and the flags, which win over it. */
export const CliVariables = z.object({
  PLUMBLINE_REGISTRY_URL: httpUrl("http://127.0.0.1:4800")
    .optional()
    .describe("of the registry; unset: `registry.url` of the project's configuration"),
  PLUMBLINE_REGISTRY_KEY: z.string().optional().describe("API key for the registry"),
  PLUMBLINE_SQL_URL: httpUrl("https://reader:password@clickhouse:8443")
    .default("http://127.0.0.1:4321")
    .describe("ClickHouse's HTTP interface, with user and password of a reader"),
  PLUMBLINE_URL: httpUrl("http://collector:4319")
    .default("http://127.0.0.1:4319")
    .describe("of the collector, for `doctor`"),
  PLUMBLINE_HEALTH_URLS: z
    .string()
    .optional()
    .describe("name=url of other processes' health addresses, comma-separated, for `doctor`"),
  PLUMBLINE_ACTOR: z
    .string()
    .optional()
    .describe("whom the history names where no key says it; unset: git's user, then this machine's"),
  PLUMBLINE_GATE_EXIT_CODE: z.coerce
    .number()
    .int()
    .min(1)
    .max(255)
    .default(10)
    .describe("exit code of a gate that does not pass"),
  "PLUMBLINE_PROVIDER_<NAME>_URL": httpUrl("http://127.0.0.1:8000/v1")
    .optional()
    .describe("of the provider of that name, with its version, for `eval` and `replay`"),
  "PLUMBLINE_PROVIDER_<NAME>_KEY": z.string().optional().describe("key of that provider"),
  "PLUMBLINE_PROVIDER_<NAME>_STYLE": z
    .enum(["openai", "anthropic"])
    .optional()
    .describe("what it speaks: chat completions or messages"),
  "PLUMBLINE_PROVIDER_<NAME>_USD_PER_MILLION_INPUT": z.coerce
    .number()
    .nonnegative()
    .optional()
    .describe("price of its input tokens, US dollars a million; unset: the public list"),
  "PLUMBLINE_PROVIDER_<NAME>_USD_PER_MILLION_OUTPUT": z.coerce
    .number()
    .nonnegative()
    .optional()
    .describe("price of its output tokens, US dollars a million; unset: the public list"),
});
