/** `npm run docs:compatibility` */
import { writeFileSync } from "node:fs";
import { compatibilityPage } from "./compatibility-page.ts";

writeFileSync(new URL("../../docs/operate/compatibility.md", import.meta.url), compatibilityPage());
