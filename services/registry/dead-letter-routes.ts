/** Dead letters over HTTP. The registry serves them because it has the log and knows who may do what. */
import type { Principal, Route } from "@plumbline/runtime/http";
import { DEAD_LETTERS_PAGE_MAX, type DeadLettersAnswer, instant, RedriveBody } from "@plumbline/schemas";
import { badRequest, notFound, numberOf, queryOf, readJson } from "./read-request.ts";
import type { DeadLetterBoard } from "./dead-letters/dead-letter-board.ts";

const PAGE_DEFAULT = 50;

export function deadLetterRoutes(board: DeadLetterBoard): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/v1/dead-letters",
      access: "admin",
      async handle(request, response, sender) {
        const limit = Math.floor(numberOf(request, "limit", PAGE_DEFAULT, [1, DEAD_LETTERS_PAGE_MAX]));
        const before = queryOf(request, "before");
        const page = await board.list(
          {
            tenant: tenantOf(sender, queryOf(request, "tenant")),
            reason: queryOf(request, "reason"),
            topic: queryOf(request, "topic"),
            sinceMs: timeOf(queryOf(request, "since")),
            withRedriven: queryOf(request, "redriven") === "true",
          },
          before === null ? null : numberOf(request, "before", 0, [0, Number.MAX_SAFE_INTEGER]),
          limit,
        );
        response.json({
          letters: [...page.letters],
          matching: page.matching,
          next_before: page.nextBefore,
        } satisfies DeadLettersAnswer);
      },
    },
    {
      method: "GET",
      path: "/v1/dead-letters/:topic/:partition/:offset",
      access: "admin",
      async handle(request, response, sender) {
        const { topic, partition, offset } = request.params;
        const id = `${String(topic)}/${String(partition)}/${String(offset)}`;
        const letter = await board.show(id, tenantOf(sender, null));
        if (letter === null)
          throw notFound("dead-letter-unknown", `There is no dead letter ${id}, or it has expired.`);
        response.json(letter);
      },
    },
    {
      method: "POST",
      path: "/v1/dead-letters/redrive",
      access: "admin",
      async handle(request, response, sender) {
        const { ids, force, wait_ms: waitMs } = await readJson(request, sender.tenant, RedriveBody);
        const answer = await board.redrive(ids, {
          actor: sender.name,
          tenant: tenantOf(sender, null),
          force,
          waitMs,
        });
        Object.assign(response.locals, {
          actor: sender.name,
          redriven: answer.redriven,
          skipped: answer.skipped.length,
          came_back: answer.came_back,
        });
        response.json(answer);
      },
    },
  ];
}

/** Whose letters the sender may see: an operator those of one tenant or of all, others their own. */
function tenantOf({ isOperator, tenant }: Principal, wanted: string | null): string | null {
  return isOperator ? wanted : tenant;
}

function timeOf(text: string | null): number | null {
  if (text === null) return null;
  // Without a zone it would be a time of wherever the registry runs.
  if (instant.safeParse(text).success) return Date.parse(text);
  throw badRequest("since must be an ISO 8601 time with a zone, such as 2026-11-24T09:15:00Z.", "since");
}
