/** The little of Slack's Web API that buttons need: who pressed, a question to them, a word back to them alone. */
import { z } from "zod";

export interface SlackWeb {
  /** E-mail address of a user; null when Slack does not tell. */
  emailOf(userId: string): Promise<string | null>;
  /** Opens a dialog for whoever pressed. @returns whether it stands */
  openDialog(triggerId: string, view: object): Promise<boolean>;
  /** Says something to whoever pressed, and to nobody else. */
  whisper(responseUrl: string, text: string): Promise<void>;
}

interface SlackWebOptions {
  readonly token: string;
  /** Base of the API with a slash at the end. */
  readonly apiUrl?: string | undefined;
  readonly clock: { now(): number };
}

const API_URL = "https://slack.com/api/";
/** Answers to clicks are told here. */
const HOOKS_URL = "https://hooks.slack.com/";
const TIMEOUT_MS = 2_000;
/** An address changes rarely, and a role is taken away in our configuration. */
const EMAIL_KEPT_MS = 10 * 60_000;
const EMAILS_MAX = 5_000;
const TEXT_CHARS_MAX = 3_000;

const UserInfo = z.object({
  ok: z.literal(true),
  user: z.object({ profile: z.object({ email: z.string() }).loose() }).loose(),
});
const Ok = z.object({ ok: z.boolean() }).loose();

export function createSlackWeb({ token, apiUrl = API_URL, clock }: SlackWebOptions): SlackWeb {
  const emails = new Map<string, { readonly email: string; readonly until: number }>();

  async function call(method: string, parameters: Readonly<Record<string, string>>): Promise<unknown> {
    const response = await fetch(new URL(method, apiUrl), {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: new URLSearchParams(parameters),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "error",
    });
    return response.json();
  }

  return {
    async emailOf(userId) {
      const known = emails.get(userId);
      if (known !== undefined && known.until > clock.now()) return known.email;
      const parsed = UserInfo.safeParse(await call("users.info", { user: userId }).catch(() => null));
      if (!parsed.success) return null;
      const { email } = parsed.data.user.profile;
      emails.set(userId, { email, until: clock.now() + EMAIL_KEPT_MS });
      if (emails.size > EMAILS_MAX) emails.delete(emails.keys().next().value!);
      return email;
    },

    async openDialog(triggerId, view) {
      const parameters = { trigger_id: triggerId, view: JSON.stringify(view) };
      const parsed = Ok.safeParse(await call("views.open", parameters).catch(() => null));
      return parsed.success && parsed.data.ok;
    },

    async whisper(responseUrl, text) {
      // The payload was signed by Slack; a token of ours is not sent there all the same.
      if (!isSlacks(responseUrl, apiUrl)) return;
      await fetch(responseUrl, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          response_type: "ephemeral",
          replace_original: false,
          text: text.slice(0, TEXT_CHARS_MAX),
        }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        redirect: "error",
      }).catch(() => undefined);
    },
  };
}

function isSlacks(url: string, apiUrl: string): boolean {
  if (!URL.canParse(url)) return false;
  return url.startsWith(HOOKS_URL) || (apiUrl !== API_URL && new URL(url).origin === new URL(apiUrl).origin);
}
