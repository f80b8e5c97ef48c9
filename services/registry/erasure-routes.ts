/** Erasure over HTTP: the request is a record, which the writer's process carries out and answers with another one. */
import { randomUUID } from "node:crypto";
import { createErasureFollower, subjectHash } from "@plumbline/erasure";
import { type Clock, type EventLog, writeEvent } from "@plumbline/ports";
import type { Route } from "@plumbline/runtime/http";
import { EraseBody, type ErasureAnswer, type ErasureEvent, ERASURES_TOPIC } from "@plumbline/schemas";
import { mayAdminister, otherTenant } from "./key-routes.ts";
import { notFound, readJson } from "./read-request.ts";

interface ErasureRouteDeps {
  readonly log: Pick<EventLog, "append" | "read">;
  readonly clock: Clock;
}

export function erasureRoutes({ log, clock }: ErasureRouteDeps): readonly Route[] {
  const erasures = createErasureFollower(log, clock);
  return [
    {
      method: "POST",
      path: "/v1/erasures",
      access: "admin",
      async handle(request, response, sender) {
        const {
          kind,
          id,
          tenant = sender.tenant,
          dry_run,
        } = await readJson(request, sender.tenant, EraseBody);
        if (!mayAdminister(sender, tenant)) throw otherTenant(sender);
        const erasure_id = randomUUID();
        const event: ErasureEvent = {
          type: "requested",
          erasure_id,
          tenant,
          kind,
          subject_hash: subjectHash(tenant, kind, id),
          is_dry_run: dry_run,
          at: new Date(clock.now()).toISOString(),
          actor: sender.name,
        };
        await log.append(ERASURES_TOPIC, [
          { key: erasure_id, value: writeEvent(event), headers: { tenant } },
        ]);
        response.locals["erasure_id"] = erasure_id;
        const answer: ErasureAnswer = { erasure_id, state: "pending", is_dry_run: dry_run, places: [] };
        response.status(202).json(answer);
      },
    },
    {
      method: "GET",
      path: "/v1/erasures/:erasure_id",
      access: "admin",
      async handle(request, response, sender) {
        await erasures.catchUp();
        const erasure_id = String(request.params["erasure_id"]);
        const known = erasures.list.get(erasure_id);
        if (known === undefined || !mayAdminister(sender, known.request.tenant)) {
          throw notFound("erasure-unknown", `There is no erasure ${erasure_id}.`);
        }
        const { request: asked, places } = known;
        const answer: ErasureAnswer = {
          erasure_id,
          state: places === null ? "pending" : "done",
          is_dry_run: asked.is_dry_run,
          places: [...(places ?? [])],
        };
        response.json(answer);
      },
    },
  ];
}
