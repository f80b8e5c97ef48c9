import { type CoreClient, PromptClient } from "../client.ts";
import type { ClientOptions } from "../client-options.ts";
import { CircuitBreakers } from "./circuit-breaker.ts";
import type { Outcome } from "./outcome.ts";
import type { PolicyRuntime } from "./policy-call.ts";
import type { PolicyOptions } from "./policy-options.ts";
import { withPolicy } from "./with-policy.ts";

export interface Client extends CoreClient {
  /**
   * Answers one request by the policy that is delivered with the use case's prompt: one deadline, one loop of retries,
   * fallback models, an old answer, the template. One event tells of the call and of its attempts.
   *
   * @throws CallFailedError when every rung was tried in vain; the provider's own error when the request is wrong (other
   * 4xx); the signal's reason when the caller aborts
   */
  withPolicy(useCase: string, options: PolicyOptions): Promise<Outcome>;
  /** What policies need of this client, for functions such as `streamWithPolicy` of `@plumbline/client/stream`. */
  readonly policies: PolicyRuntime;
}

export function createClient(options: ClientOptions): Client {
  return new PolicyClient(options);
}

class PolicyClient extends PromptClient implements Client {
  readonly policies: PolicyRuntime;

  constructor(options: ClientOptions) {
    super(options);
    this.policies = {
      prompt: (useCase, of) => this.prompt(useCase, of),
      policyOf: (useCase) => this.policyOf(useCase),
      isSwitchedOff: (model) => this.isSwitchedOff(model),
      breakers: new CircuitBreakers(() => performance.now()),
      context: this.requests.context,
      attempts: this.attempts,
      cache: options.cache,
      fallbackPrompts: new Set(),
      emit: (call) => this.emitter.emit(call),
      warn: this.warn,
      now: options.now ?? Date.now,
    };
  }

  withPolicy(useCase: string, options: PolicyOptions): Promise<Outcome> {
    return withPolicy(this.policies, useCase, options);
  }
}
