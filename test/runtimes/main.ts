/** The program on a runtime with a command line: Node, Bun and Deno give it its addresses alike. */
import { type Addresses, play } from "./program.ts";

process.stdout.write(`${await play(JSON.parse(process.argv.at(-1)!) as Addresses)}\n`);
