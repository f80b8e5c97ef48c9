/** `npm run docs:degradation`: writes docs/understand/degradation.md. */
import { writeFileSync } from "node:fs";
import { degradationPage } from "./degradation-page.ts";

writeFileSync(new URL("../../docs/understand/degradation.md", import.meta.url), degradationPage());
