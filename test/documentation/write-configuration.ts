/** `npm run docs:configuration`: writes the reference of variables, and the names that every process knows. */
import { writeFileSync } from "node:fs";
import { renderConfigurationPage, renderKnownVariables } from "./configuration-page.ts";

const root = new URL("../../", import.meta.url);
writeFileSync(new URL("docs/reference/configuration.md", root), renderConfigurationPage());
writeFileSync(new URL("packages/runtime/variables/known-variables.ts", root), renderKnownVariables());
