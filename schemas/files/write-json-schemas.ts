/** Writes `schemas/json/*.schema.json`. Run after a change of a file schema; a test fails until then. */
import { mkdirSync, writeFileSync } from "node:fs";
import { jsonSchemas } from "./json-schemas.ts";

const FOLDER = new URL("../json/", import.meta.url);

mkdirSync(FOLDER, { recursive: true });
for (const [file, text] of jsonSchemas()) writeFileSync(new URL(file, FOLDER), text);
