/** Forces each failure through the application's own command, and compares what answered with what the policy says. */
import { count } from "../text/spoken.ts";
import { contentHash, promptVersion } from "@plumbline/prompts";
import {
  FAILURES,
  startScriptedProvider,
  type Behaviour,
  type ScriptedProvider,
} from "@plumbline/scripted-provider";
import { PolicyFile, type DrillBranch, type DrillFinding, type DrillReport } from "@plumbline/schemas";
import type { Project } from "../project/load-project.ts";
import { policyOf } from "../project/use-case-settings.ts";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { expectedOf, type Expected, type Scope } from "./expected-path.ts";
import { runCommand, type CommandOptions } from "./run-command.ts";
import { StandIn, type EmittedCall, type LiveUseCases } from "./stand-in.ts";

interface DrillOptions {
  readonly project: Project;
  readonly useCase: string;
  readonly branches: readonly DrillBranch[];
  /** Whether each failure of the prompt's model is also forced on every fallback model. */
  readonly everyModel: boolean;
  readonly command: CommandOptions["command"];
  readonly directory: string;
  readonly environment: CommandOptions["environment"];
  readonly signal: AbortSignal;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly onStep: (branch: DrillBranch, scope: Scope) => void;
}

export interface Drill extends DrillReport {
  readonly use_case: string;
  /** What the policy says, for readers. */
  readonly policy: PolicyFile;
}

/** What the provider does in a branch; absent: it answers. */
const BEHAVIOURS: Partial<Record<DrillBranch, Behaviour>> = {
  timeout: FAILURES.timeout,
  rate_limited: FAILURES.rate_limited,
  server_error: FAILURES.server_error,
  invalid_output: FAILURES.empty_output,
  breaker_open: FAILURES.server_error,
};
/** Beyond the deadline of a call, for the start and the end of the command, ms. */
const COMMAND_MS = 60_000;
/** What a call may take beyond its deadline, ms: a machine that rehearses is busy. */
const LATE_MS = 1_000;

export async function runDrill(options: DrillOptions): Promise<Drill> {
  const { project, useCase, branches, everyModel, startedAt, onStep } = options;
  const prompt = project.prompts.find(({ document }) => document.use_case === useCase);
  if (prompt === undefined) {
    throw new CommandFailure(EXIT.config, "prompt-missing", `The project has no prompt of ${useCase}.`, {
      next: "plumbline lint",
    });
  }
  const provider = await startScriptedProvider();
  const standIn = new StandIn();
  try {
    const url = await standIn.listen();
    const findings: DrillFinding[] = [];
    for (const branch of branches) {
      const scopes: readonly Scope[] =
        everyModel && branch in BEHAVIOURS ? ["primary", "every_model"] : ["primary"];
      for (const scope of scopes) {
        if (options.signal.aborted) break;
        onStep(branch, scope);
        findings.push(
          await rehearse({ ...options, provider, standIn, url, model: prompt.document.model }, branch, scope),
        );
      }
    }
    const own = policyOf(useCase, project);
    return {
      use_case: useCase,
      policy: own?.policy ?? PolicyFile.parse({ use_case: useCase }),
      policy_hash: own?.policy_hash ?? null,
      prompt_version: promptVersion(prompt.document),
      started_at: startedAt,
      findings,
    };
  } finally {
    await standIn.close();
    await provider.close();
  }
}

interface Stage extends DrillOptions {
  readonly provider: ScriptedProvider;
  readonly standIn: StandIn;
  /** Of the stand-in. */
  readonly url: string;
  /** Of the prompt, `provider/model`. */
  readonly model: string;
}

async function rehearse(stage: Stage, branch: DrillBranch, scope: Scope): Promise<DrillFinding> {
  const { project, useCase, provider, standIn, url, model } = stage;
  const policy = policyFor(project, useCase, branch);
  const expected = expectedOf(policy, model, branch, scope);
  const behaviour = BEHAVIOURS[branch] ?? { kind: "answer" };
  provider.script(
    { otherwise: behaviour },
    scope === "every_model"
      ? {}
      : Object.fromEntries(
          policy.fallback_models.map((other) => [nameOf(other.model), { otherwise: { kind: "answer" } }]),
        ),
  );
  const down = branch === "registry_down" ? "registry" : branch === "collector_down" ? "collector" : null;
  standIn.begin(liveOf(project, useCase, policy), down);
  const run = await runCommand({
    command: stage.command,
    directory: stage.directory,
    environment: environmentOf(stage.environment, url, provider),
    timeoutMs: policy.deadline_ms + COMMAND_MS,
    signal: stage.signal,
  });
  const calls = standIn.calls.filter((call) => call.use_case === useCase);
  const [call] = calls;
  const problems = [
    run.isTimedOut ? "the command did not end, and was ended" : null,
    ...(branch === "collector_down"
      ? withoutCollector(provider.requests.length, run.exitCode)
      : withCalls(calls, expected, {
          policy,
          branch,
          exitCode: run.exitCode,
          requests: provider.requests.length,
        })),
  ].filter((each) => each !== null);
  const words =
    problems.length > 0 && run.lastWords !== "" ? ` (it wrote: ${run.lastWords.slice(0, 200)})` : "";
  return {
    branch,
    scope,
    passed: problems.length === 0,
    expected_path: branch === "collector_down" ? null : expected.paths[0]!,
    path: call?.path ?? null,
    attempts: provider.requests.length,
    latency_ms: call?.latency_ms ?? null,
    why: `${problems.join("; ")}${words}`.slice(0, 1_000),
  };
}

function withoutCollector(requests: number, exitCode: number | null): readonly (string | null)[] {
  return [
    requests === 0
      ? "no request reached the provider: without a collector the application does not answer"
      : null,
    exitCode === 0 ? null : `the command ended with ${exitCode ?? "a signal"}`,
  ];
}

function withCalls(
  calls: readonly EmittedCall[],
  { paths, requestsMax }: Expected,
  seen: {
    readonly policy: PolicyFile;
    readonly branch: DrillBranch;
    readonly exitCode: number | null;
    readonly requests: number;
  },
): readonly (string | null)[] {
  const { policy, branch, exitCode, requests } = seen;
  if (calls.length === 0) {
    return [
      requests === 0
        ? "no request reached the provider, and no call was emitted: does the application read OPENAI_BASE_URL or ANTHROPIC_BASE_URL, and PLUMBLINE_URL?"
        : "no call was emitted: does the application call withPolicy, read PLUMBLINE_URL, and close its client?",
    ];
  }
  const wrong = calls.find(({ path }) => !paths.includes(path));
  const late = calls.find(({ latency_ms }) => latency_ms > policy.deadline_ms + LATE_MS);
  const source = calls.find(
    ({ prompt_source }) => prompt_source !== "last_known_good" && prompt_source !== "bundled",
  );
  const isError = calls.every(({ path }) => path === "error");
  return [
    wrong === undefined ? null : `${wrong.path} answered instead of ${paths.join(" or ")}`,
    late === undefined
      ? null
      : `a call took ${Math.round(late.latency_ms)} ms, beyond its deadline of ${policy.deadline_ms} ms`,
    requests > requestsMax * calls.length
      ? `${count(requests, "request")} reached the provider, the policy makes at most ${requestsMax} a call: give the SDK maxRetries: 0`
      : null,
    branch === "registry_down" && source !== undefined
      ? `its prompt came from ${source.prompt_source}, neither from disk nor from a bundle`
      : null,
    !isError && exitCode !== 0 ? `the command ended with ${exitCode ?? "a signal"}` : null,
  ];
}

/** The policy as it is delivered in a branch. One failure opens the breaker where it is what is rehearsed. */
function policyFor(project: Project, useCase: string, branch: DrillBranch): PolicyFile {
  const policy = policyOf(useCase, project)?.policy ?? PolicyFile.parse({ use_case: useCase });
  return branch === "breaker_open" ? { ...policy, breaker: { ...policy.breaker, failures: 1 } } : policy;
}

/** Every prompt of the project: a fallback model may have one of its own. */
function liveOf({ prompts, ...project }: Project, useCase: string, policy: PolicyFile): LiveUseCases {
  return Object.fromEntries(
    prompts.map(({ document }) => {
      const name = document.use_case;
      const own = name === useCase ? policy : policyOf(name, { prompts, ...project })?.policy;
      const arm = { prompt_version: promptVersion(document), number: 1, weight: 1, document };
      const delivered = own === undefined ? null : { policy_hash: contentHash(own), document: own };
      return [name, { revision: 1, live: [arm], policy: delivered }];
    }),
  );
}

/** What the command finds in place of providers, registry and collector. No key of anybody is sent to a drill. */
function environmentOf(
  environment: CommandOptions["environment"],
  url: string,
  provider: ScriptedProvider,
): CommandOptions["environment"] {
  return {
    ...environment,
    PLUMBLINE_URL: url,
    PLUMBLINE_REGISTRY_URL: url,
    PLUMBLINE_REGISTRY_KEY: undefined,
    OPENAI_BASE_URL: provider.openaiUrl,
    OPENAI_API_KEY: "drill",
    ANTHROPIC_BASE_URL: provider.url,
    ANTHROPIC_API_KEY: "drill",
  };
}

/** The provider's own name of a model. */
function nameOf(model: string): string {
  return model.slice(model.indexOf("/") + 1);
}
