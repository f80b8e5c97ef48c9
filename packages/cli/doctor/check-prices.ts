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

const NEXT = {
  no_price:
    "send cost_usd with these calls, or name provider and model as a price list does, such as openai and gpt-5-mini",
  no_tokens:
    "send input_tokens and output_tokens: tokenUsage of @plumbline/emitter reads them off an answer's usage",
} as const;

export function checkPrices(models: readonly UnpricedModel[]): readonly Finding[] {
  if (models.length === 0) return [ok("prices", "every call that a provider answered has a cost")];
  return (["no_price", "no_tokens"] as const).flatMap((reason) => {
    const those = models.filter((model) => model.reason === reason);
    if (those.length === 0) return [];
    const calls = those.reduce((sum, each) => sum + each.calls, 0);
    const named = those.map((each) => `${nameOf(each)} (${each.calls.toLocaleString("en")})`).join(", ");
    const why = reason === "no_price" ? "no price is known" : "no tokens were reported";
    return [
      warn(
        `prices.${reason}`,
        `${count(calls, "call")} ${calls === 1 ? "has" : "have"} no cost, because ${why}: ${named}`,
        NEXT[reason],
      ),
    ];
  });
}

function nameOf({ provider, model }: UnpricedModel): string {
  return printableLine(provider === "" ? model : `${provider}/${model}`);
}
