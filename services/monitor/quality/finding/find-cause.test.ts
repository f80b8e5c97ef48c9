import type { ResponseModel } from "@plumbline/ports";
import { HOUR_MS } from "@plumbline/schemas";
import { expect, test } from "vitest";
import { findCause } from "./describe-finding.ts";
import { hourOf, iso } from "../../units/series.ts";

const CHANGE = Date.parse("2026-03-20T10:00:00Z");
const changeHour = hourOf(CHANGE);

const answered = (response_model: string, fromHours: number, prompt_version = "v1"): ResponseModel => ({
  tenant: "t",
  env: "e",
  prompt_version,
  response_model,
  calls: 10,
  first_started_at: iso(CHANGE + fromHours * HOUR_MS),
  last_started_at: iso(CHANGE + 200 * HOUR_MS),
});

test.each<{ name: string; origin: "deploy" | "later"; models: ResponseModel[]; kind: string }>([
  {
    name: "a fall that began with the deploy",
    origin: "deploy",
    models: [answered("a", 0)],
    kind: "own_change",
  },
  {
    name: "a later fall with another model",
    origin: "later",
    models: [answered("a", -300), answered("b", 3)],
    kind: "provider_change",
  },
  {
    name: "a later fall with the same model",
    origin: "later",
    models: [answered("a", -300)],
    kind: "unknown",
  },
  {
    name: "a later fall long after another model",
    origin: "later",
    models: [answered("a", -300), answered("b", -100)],
    kind: "unknown",
  },
  { name: "a later fall without a named model", origin: "later", models: [], kind: "unknown" },
  {
    name: "another version's model",
    origin: "later",
    models: [answered("a", -300, "v0"), answered("b", 1)],
    kind: "unknown",
  },
])("$name: $kind", ({ origin, models, kind }) => {
  expect(findCause({ origin, changeHour }, "v1", models).kind).toBe(kind);
});
