import { ScenarioRun } from "./scenario.ts";
import { startProduction } from "./processes/production.ts";
const [, , file, seed = "1", form = "short"] = process.argv;
const t = performance.now();
let p: ReturnType<typeof startProduction> | null = null;
const run = new ScenarioRun({ seed: Number(seed), isShort: form === "short", production: () => (p ??= startProduction()) });
const scenario = Object.values(await import(`./scenarios/${file}.ts`))[0] as any;
try { await scenario.run(run); } catch (e) { console.log("THREW", e); }
console.log(JSON.stringify({ counts: run.counts, problems: run.problems, kills: run.tally.byProcess, s: (performance.now()-t)/1000 }, null, 1));
if (p) await (await p).close();
