/**
 * `npm run runtimes`: installs Bun, Deno and Vercel's edge runtime beside the project, where the tests look for them. They
 * are large, and nothing but these tests needs them.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { RUNTIMES_FOLDER } from "./find-runtimes.ts";

const PACKAGES = ["bun@1.4.4", "deno@2.9.6", "edge-runtime@4.0.1"];

mkdirSync(RUNTIMES_FOLDER, { recursive: true });
const flags = ["--no-save", "--no-audit", "--no-fund", "--prefix", RUNTIMES_FOLDER];
execFileSync("npm", ["install", ...flags, ...PACKAGES], { stdio: "inherit" });
