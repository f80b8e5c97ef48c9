/** Prints the figures of the house: `npm run house [-- --json]`. */
import { measureHouse } from "./measure.ts";
import { readSourceTree } from "./source-tree.ts";

const house = measureHouse(readSourceTree());
if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify(house, null, 2)}\n`);
else {
  for (const [name, value] of Object.entries(house)) {
    if (!Array.isArray(value)) process.stdout.write(`${name}: ${JSON.stringify(value)}\n`);
    else
      process.stdout.write(
        `${name}: ${value.length}\n${value.map((each) => `  ${String(each)}\n`).join("")}`,
      );
  }
}
