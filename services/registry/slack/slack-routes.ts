/**
 * Buttons of alerts in Slack. Slack asks by signed HTTP and wants an answer within three seconds; a command is in the log
 * by then, or goes on beside the answer. Who may not do it is told so alone, with who may.
 */
import type { Clock } from "@plumbline/ports";
import {
  createBodyReader,
  HttpProblem,
  type Request,
  type Response,
  type Route,
} from "@plumbline/runtime/http";
import type { Logger } from "@plumbline/runtime/logger";
import type { IncidentActionValue, IncidentCommandName } from "@plumbline/schemas";
import { type IncidentDesk, SCOPE_OF, type Sender } from "../incidents/incident-desk.ts";
import {
  questionView,
  readPayload,
  readValue,
  type SlackClick,
  type SlackSubmission,
  WORDS_FIELD,
} from "./slack-payload.ts";
import { scopesOf, type SlackRoles, whoMay } from "./slack-roles.ts";
import { isFromSlack } from "./slack-signature.ts";
import { createSlackWeb, type SlackWeb } from "./slack-web.ts";

export interface SlackActionsOptions {
  readonly signingSecret: string;
  /** Bot token; scope `users:read.email`. */
  readonly token: string;
  readonly roles: SlackRoles;
  readonly apiUrl?: string | undefined;
}

interface SlackDeps {
  readonly desk: IncidentDesk;
  readonly clock: Clock;
  readonly logger: Logger;
}

const BODY_BYTES_MAX = 262_144;
/** Slack waits three seconds, and so shows a click that took longer as failed. */
const ANSWER_MS = 2_500;

const QUESTIONS: Partial<
  Readonly<Record<IncidentCommandName, { readonly title: string; readonly question: string }>>
> = {
  dismiss: { title: "Not a regression", question: "Why is it no regression?" },
  note: { title: "Add note", question: "What should others know?" },
};

export function slackRoutes(options: SlackActionsOptions, deps: SlackDeps): readonly Route[] {
  const { clock } = deps;
  const bodies = createBodyReader({ bytesMax: BODY_BYTES_MAX, heldBytesMax: 4 * BODY_BYTES_MAX });
  const clicks = new SlackClicks(options, deps, createSlackWeb({ ...options, clock }));
  return [
    {
      method: "POST",
      path: "/slack/actions",
      // Slack has no key of ours: its signature says who asks.
      access: "public",
      async handle(request: Request, response: Response) {
        const body = await bodies.read(request, "slack");
        const signed = {
          timestamp: request.get("x-slack-request-timestamp"),
          signature: request.get("x-slack-signature"),
          body,
        };
        if (!isFromSlack(signed, options.signingSecret, clock.now())) {
          response.status(401).end();
          return;
        }
        const payload = readPayload(body.toString("utf8"));
        if (payload === null) response.status(200).end();
        else if (payload.type === "view_submission") response.json(await clicks.submitted(payload));
        else {
          await Promise.race([clicks.pressed(payload), clock.sleep(ANSWER_MS)]);
          response.status(200).end();
        }
      },
    },
  ];
}

class SlackClicks {
  readonly #options: SlackActionsOptions;
  readonly #deps: SlackDeps;
  readonly #web: SlackWeb;

  constructor(options: SlackActionsOptions, deps: SlackDeps, web: SlackWeb) {
    this.#options = options;
    this.#deps = deps;
    this.#web = web;
  }

  /** Every button that was pressed; what went wrong is told to whoever pressed. */
  async pressed({ user, actions, response_url, trigger_id }: SlackClick): Promise<void> {
    for (const { action_id, action_ts, value, selected_option } of actions) {
      const wanted = readValue(selected_option?.value ?? value);
      if (wanted === null) continue;
      // Slack may deliver a click twice.
      const key = `${action_ts} ${user.id} ${action_id}`;
      const why = await this.#do(wanted, user.id, key, "", trigger_id);
      if (why !== null) await this.#web.whisper(response_url, why);
    }
  }

  /** The answer to a dialog: nothing, which closes it, or what is wrong, which stands in it. */
  async submitted({ user, view }: SlackSubmission): Promise<object> {
    const wanted = readValue(view.private_metadata);
    const words = view.state.values[WORDS_FIELD]?.[WORDS_FIELD]?.value?.trim() ?? "";
    if (wanted === null) return {};
    const why =
      words === "" ? "Write something." : await this.#do(wanted, user.id, `view ${view.id}`, words, "");
    return why === null ? {} : { response_action: "errors", errors: { [WORDS_FIELD]: why.slice(0, 500) } };
  }

  /** @returns why it was not done; null when it was, or a question stands */
  async #do(
    wanted: IncidentActionValue,
    userId: string,
    key: string,
    words: string,
    triggerId: string,
  ): Promise<string | null> {
    const { command, incident_id } = wanted;
    const { roles } = this.#options;
    const email = await this.#web.emailOf(userId);
    if (email === null) return "Slack does not tell who you are: the bot needs the scope users:read.email.";
    const scope = SCOPE_OF[command];
    const fields = { command, incident_id, actor: email, via: "slack" };
    if (!scopesOf(roles, email).has(scope)) {
      this.#deps.logger.warn({ ...fields, scope, outcome: "refused" }, "audit");
      const who = whoMay(roles, scope);
      return `You (${email}) may not do this. ${who.length === 0 ? "Nobody may: see PLUMBLINE_SLACK_ROLES." : `These may: ${who.join(", ")}.`}`;
    }
    const question = QUESTIONS[command];
    if (question !== undefined && words === "") {
      const view = questionView(question.title, question.question, JSON.stringify(wanted));
      return (await this.#web.openDialog(triggerId, view))
        ? null
        : "The question could not be asked. Press again.";
    }
    try {
      await this.#carryOut(wanted, words, { actor: email, tenant: null, key, via: "slack" });
      this.#deps.logger.info({ ...fields, scope, outcome: "done" }, "audit");
      return null;
    } catch (error) {
      const why =
        error instanceof HttpProblem ? error.body.detail : "It could not be done just now. Press again.";
      this.#deps.logger.warn({ ...fields, scope, outcome: "refused", err: error }, "audit");
      return why;
    }
  }

  async #carryOut(
    { command, incident_id, expected_revision, for_minutes = 60, from, to }: IncidentActionValue,
    words: string,
    sender: Sender,
  ): Promise<void> {
    const { desk } = this.#deps;
    switch (command) {
      case "acknowledge":
        await desk.say(incident_id, { type: "acknowledged" }, expected_revision, sender);
        return;
      case "snooze":
        await desk.say(incident_id, { type: "snoozed", for_minutes }, expected_revision, sender);
        return;
      case "dismiss":
        await desk.say(incident_id, { type: "dismissed", why: words }, expected_revision, sender);
        return;
      case "reopen":
        await desk.say(incident_id, { type: "reopened" }, expected_revision, sender);
        return;
      case "note":
        await desk.say(incident_id, { type: "noted", text: words }, null, sender);
        return;
      case "rollback":
        await desk.rollBack(
          incident_id,
          { expected_revision, from: from ?? null, to: to ?? null, reason: "" },
          sender,
        );
    }
  }
}
