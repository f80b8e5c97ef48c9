/** `npm run docs:metrics`: writes the reference of metrics. */
import { writeFileSync } from "node:fs";
import { renderMetricsPage } from "./metrics-page.ts";

writeFileSync(new URL("../../docs/operate/metrics.md", import.meta.url), renderMetricsPage());
