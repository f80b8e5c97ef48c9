import { ScenarioRun } from "./scenario.ts";
import { localKills } from "./scenarios/local-kills.ts";
const run = new ScenarioRun({ seed: Number(process.argv[2] ?? 1), isShort: true, production: async () => { throw new Error("none"); } });
const t = performance.now();
try { await localKills.run(run); } catch (e) { console.log("THREW", e); }
console.log(JSON.stringify({ counts: run.counts, problems: run.problems, kills: run.tally.byProcess, s: (performance.now()-t)/1000 }, null, 1));
