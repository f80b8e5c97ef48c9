/** One client for the whole process, as an application has it. */
import { env } from "node:process";
import { createAnswerCache } from "@plumbline/client/cache";
import { createClient } from "@plumbline/client/node";

export const plumbline = createClient({
  url: env["PLUMBLINE_URL"] ?? "http://127.0.0.1:4319",
  registryUrl: env["PLUMBLINE_REGISTRY_URL"] ?? env["PLUMBLINE_URL"] ?? "http://127.0.0.1:4800",
  app: "examples",
  useCases: ["ticket-summary"],
  // What was live before is served when the registry is away: give every machine a folder of its own.
  stateDir: env["PROMPT_STATE_DIR"],
  cache: createAnswerCache(),
});
