import { stringify } from "yaml";
import type { JsonValue } from "@plumbline/client/render";

/** YAML that `readYaml` reads back as the same value: one key a line, long texts as blocks, nothing folded. */
export function writeYaml(value: JsonValue): string {
  return stringify(value, { lineWidth: 0 });
}
