import { foldRecord } from "/work/main/services/registry/fold.ts";
import { createState, stateToJson, stateFromJson } from "/work/main/services/registry/state.ts";
import {
  admissible,
  promoted,
  rolledBack,
  toRecords,
  registered,
} from "/work/main/test/registry/commands.ts";
const cmds = [...admissible("one", null), promoted("one", 0)] as any[];
let rev = 1;
for (let i = 0; cmds.length < 100000; i++) {
  cmds.push(
    ...admissible("t" + (i % 3000), "one"),
    promoted("t" + (i % 3000), rev, { isBypass: true, reason: "x" }),
  );
  rev++;
  cmds.push(rolledBack(rev));
  rev++;
}
const recs = toRecords(cmds);
console.log(
  "bytes",
  recs.reduce((s, r) => s + r.value.byteLength, 0),
);
let t = performance.now();
const s = createState();
let acc = 0;
for (const r of recs) {
  const f = foldRecord(s, r);
  if (f?.outcome.kind === "accepted") acc++;
}
console.log("fold ms", performance.now() - t, "accepted", acc, "rss", process.memoryUsage().rss / 1e6);
t = performance.now();
const j = JSON.stringify(stateToJson(s));
console.log("snapshot stringify ms", performance.now() - t, j.length / 1e6, "MB");
t = performance.now();
stateFromJson(JSON.parse(j));
console.log("parse ms", performance.now() - t);
