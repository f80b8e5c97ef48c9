/** Detections of every kind as they lie in old logs, read as today's. */
import { readFileSync } from "node:fs";
import { type Detection, type DetectionKind, type DetectionOf, IncidentEvent } from "@plumbline/schemas";

const FILE = new URL("../../schemas/events/detection/before-contract.fixture.jsonl", import.meta.url);

export const STORED_DETECTIONS: readonly Detection[] = readFileSync(FILE, "utf8")
  .trimEnd()
  .split("\n")
  .flatMap((line) => {
    const event = IncidentEvent.parse(JSON.parse(line));
    return event.type === "detected" ? [event.detection] : [];
  });

export function storedDetection<Kind extends DetectionKind>(kind: Kind): DetectionOf<Kind> {
  const found = STORED_DETECTIONS.find((each): each is DetectionOf<Kind> => each.kind === kind);
  if (found === undefined) throw new Error(`no stored detection of kind ${kind}`);
  return found;
}
