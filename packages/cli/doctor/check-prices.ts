/** Whether the sums of dollars hold every call, by the store's own count. */
import { z } from "zod";
import { count } from "../text/spoken.ts";
import { printableLine } from "../text/printable.ts";
import { ok, warn, type Finding } from "./finding.ts";

export const UnpricedModel = z.object({
  provider: z.string(),
  model: z.string(),
  reason: z.enum(["no_price", "no_tokens"]),
  calls: z.coerce.number(),
});
type UnpricedModel = z.output<typeof UnpricedModel>;

/** Calls without tokens are their application's choice; a model without a price is nobody's. */
export function checkPrices(models: readonly UnpricedModel[]): readonly Finding[] {
  const noPrice = models.filter(({ reason }) => reason === "no_price");
  const noTokens = models.filter(({ reason }) => reason === "no_tokens");
  return [
    ...(noPrice.length === 0
      ? [ok("prices", "every model that reports tokens has a price")]
      : [warn("prices", sentenceOf(noPrice, "no price is known"), NEXT)]),
    ...(noTokens.length === 0 ? [] : [ok("prices.tokens", sentenceOf(noTokens, "no tokens were reported"))]),
  ];
}

const NEXT =
  "send cost_usd with these calls, or name provider and model as a price list does, such as openai and gpt-5-mini";

function sentenceOf(models: readonly UnpricedModel[], why: string): string {
  const calls = models.reduce((sum, each) => sum + each.calls, 0);
  const named = models.map((each) => `${nameOf(each)} (${each.calls.toLocaleString("en")})`).join(", ");
  return `${count(calls, "call")} ${calls === 1 ? "has" : "have"} no cost, because ${why}: ${named}`;
}

function nameOf({ provider, model }: UnpricedModel): string {
  return printableLine(provider === "" ? model : `${provider}/${model}`);
}
