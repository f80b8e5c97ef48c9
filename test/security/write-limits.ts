/** `npm run docs:limits`: writes docs/reference/limits.md. */
import { writeFileSync } from "node:fs";
import { limitsPage } from "./limits.ts";

writeFileSync(new URL("../../docs/reference/limits.md", import.meta.url), limitsPage());
