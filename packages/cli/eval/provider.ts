/** Where a prompt's model is asked, and what its answers cost. */
import { createCompletion, type Complete } from "@plumbline/adapters/llm/complete";
import type { Usage } from "@plumbline/adapters/llm/price";
import type { Clock } from "@plumbline/ports";
import { createPricing, type SetPrice, setPricing } from "@plumbline/gate/price/create-pricing";
import type { CommandIo } from "../shell/command.ts";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { secretOf } from "../project/project-options.ts";

export interface Provider {
  /** `openai` of `openai/gpt-5-mini`. */
  readonly name: string;
  /** Without the provider. */
  readonly model: string;
  readonly url: string;
  /** Beginning of its variables: `PLUMBLINE_PROVIDER_OPENAI`. */
  readonly variables: string;
  readonly complete: Complete;
  /** US dollars; null when the model's price or the usage is unknown. */
  costOf(usage: Usage | null): number | null;
}

interface Known {
  readonly url: string;
  readonly style: "openai" | "anthropic";
  /** The provider's own variable; its key is sent to the provider's own address only. */
  readonly key: string;
}

const KNOWN: Readonly<Record<string, Known>> = {
  openai: { url: "https://api.openai.com/v1", style: "openai", key: "OPENAI_API_KEY" },
  anthropic: { url: "https://api.anthropic.com", style: "anthropic", key: "ANTHROPIC_API_KEY" },
};

interface ProviderOptions {
  readonly io: Pick<CommandIo, "environment" | "directory">;
  readonly clock: Clock;
  /** One request, ms. */
  readonly timeoutMs: number;
}

/**
 * Reads `PLUMBLINE_PROVIDER_<NAME>_URL`, `_KEY` (or `_KEY_FILE`), `_STYLE` and `_USD_PER_MILLION_INPUT`/`_OUTPUT`.
 * openai and anthropic have addresses, and their usual variables for keys; every other provider needs an address.
 *
 * @param modelId `provider/model`, as in a prompt file
 * @throws CommandFailure exit code 3 naming the variable that is missing
 */
export async function openProvider(
  modelId: string,
  { io, clock, timeoutMs }: ProviderOptions,
): Promise<Provider> {
  const { name, model } = split(modelId);
  const prefix = `PLUMBLINE_PROVIDER_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
  const known = KNOWN[name];
  const ownUrl = io.environment[`${prefix}_URL`];
  const url = ownUrl === undefined || ownUrl === "" ? known?.url : ownUrl;
  if (url === undefined || !URL.canParse(url)) {
    throw missing(
      url === undefined ? `Nobody says where the provider ${name} is asked.` : `${prefix}_URL is no URL.`,
      `set ${prefix}_URL to its address up to and including the version, such as http://127.0.0.1:8000/v1`,
    );
  }
  const apiKey =
    (await secretOf(io, `${prefix}_KEY`)) ??
    (known !== undefined && url === known.url ? await secretOf(io, known.key) : undefined);
  if (apiKey === undefined && known !== undefined && url === known.url) {
    throw missing(
      `${modelId} cannot be asked without a key: ${known.key} is not set.`,
      `set ${known.key}, or ${prefix}_KEY, or ${prefix}_URL for a server that asks for no key`,
    );
  }
  const style = styleOf(io, prefix, known?.style ?? "openai");
  const price = priceOf(io, prefix);
  const pricing = price === null ? createPricing() : setPricing(price);
  return {
    name,
    model,
    url,
    variables: prefix,
    complete: createCompletion({ style, baseUrl: url, apiKey, clock, timeoutMs }),
    costOf(usage) {
      return usage === null ? null : pricing({ provider: name, model }, new Date(clock.now()), usage);
    },
  };
}

function split(modelId: string): { readonly name: string; readonly model: string } {
  const slash = modelId.indexOf("/");
  if (slash > 0 && slash < modelId.length - 1)
    return { name: modelId.slice(0, slash).toLowerCase(), model: modelId.slice(slash + 1) };
  throw missing(
    `The model "${modelId}" does not say whose it is.`,
    "write provider/model into the prompt file, such as openai/gpt-5-mini",
  );
}

function styleOf(
  { environment }: ProviderOptions["io"],
  prefix: string,
  usual: Known["style"],
): Known["style"] {
  const style = environment[`${prefix}_STYLE`];
  if (style === undefined || style === "") return usual;
  if (style === "openai" || style === "anthropic") return style;
  throw missing(
    `${prefix}_STYLE is "${style}".`,
    `set it to openai (chat completions) or anthropic (messages)`,
  );
}

/** US dollars a million tokens; null when the public list is to be asked. */
function priceOf({ environment }: ProviderOptions["io"], prefix: string): SetPrice | null {
  const [input, output] = ["INPUT", "OUTPUT"].map((kind) => {
    const name = `${prefix}_USD_PER_MILLION_${kind}`;
    const text = environment[name];
    if (text === undefined || text === "") return null;
    const price = Number(text);
    if (Number.isFinite(price) && price >= 0) return price;
    throw missing(`${name} is "${text}".`, `set ${name} to US dollars a million tokens, such as 0.25`);
  });
  return input === null || input === undefined || output === null || output === undefined
    ? null
    : { input, output };
}

function missing(message: string, next: string): CommandFailure {
  return new CommandFailure(EXIT.config, "provider-settings", message, { next });
}
