/** Applications of the three APIs, as plain as can be: they post, look at nothing, and take the text. */
import type { CallArguments } from "@plumbline/client/node";

export type Api = "chat" | "responses" | "messages";

interface Body {
  readonly choices: readonly { readonly message: { readonly content: string | null } }[];
  readonly output: readonly { readonly content: readonly { readonly text?: string }[] }[];
  readonly content: readonly { readonly text?: string }[];
}

const APIS: Readonly<
  Record<
    Api,
    {
      readonly path: string;
      readonly field: "messages" | "input";
      readonly textOf: (body: Body) => string | null | undefined;
    }
  >
> = {
  chat: {
    path: "/v1/chat/completions",
    field: "messages",
    textOf: (body) => body.choices[0]!.message.content,
  },
  responses: { path: "/v1/responses", field: "input", textOf: (body) => body.output[0]!.content[0]?.text },
  messages: { path: "/v1/messages", field: "messages", textOf: (body) => body.content[0]?.text },
};

/** @throws Error that says nothing of the status, when there is one */
export async function ask(
  fetch: typeof globalThis.fetch,
  url: string,
  api: Api,
  { model, prompt, signal, headers }: CallArguments,
): Promise<string> {
  const { path, field, textOf } = APIS[api];
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model, [field]: prompt.messages({ ticket: "broken lamp" }) }),
    signal,
  });
  if (!response.ok) throw new Error("the provider did not want to");
  return textOf((await response.json()) as Body) ?? "";
}
