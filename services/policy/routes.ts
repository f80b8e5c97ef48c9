import type { Route } from "@plumbline/runtime/http";
import type { PolicyService } from "./service.ts";

/** What the policy service answers beside its health. */
export function policyRoutes(policy: Pick<PolicyService, "status">): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/v1/rollouts",
      access: "read",
      handle: (_request, response) => void response.json({ rollouts: policy.status().rollouts }),
    },
    {
      method: "GET",
      path: "/v1/automation",
      access: "read",
      handle: (_request, response) => {
        const { models, regressions, limits, calls } = policy.status();
        response.json({ models, regressions, limits, calls });
      },
    },
  ];
}
